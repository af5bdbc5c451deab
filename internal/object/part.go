package object

import (
	"context"
	"crypto/md5"
	"encoding"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/filelock"
)

// part is what has come of a large stream. It lies in the cache under the name of what
// is wanted, so that another process can go on where this one ended, and is locked by
// whoever writes to it. After each chunk the state of the hash is appended to a second
// file: what does not lead to the same states, as after a loss of power, has not come.
type part struct {
	f, sums *os.File
	path    string
	size    int64     // that is known to be good: whole chunks
	sum     hash.Hash // of them
}

const (
	partPrefix = atomicfile.TempPrefix + "part-"
	sumsSuffix = ".sums"
	stateSize  = 92 // of crypto/md5's BinaryMarshaler
)

// partAge is how long a part waits for the rest. A gc is less patient.
const partAge = 7 * 24 * time.Hour

// hasPart reports whether there is something to go on with.
func (o *objects) hasPart(name string) bool {
	_, err := o.d.stat(partPrefix+name, false)
	return err == nil
}

// openPart opens a part, or makes it. It is nil if somebody else is writing to it, and
// where files can't be locked: then there is none.
func (o *objects) openPart(name string) *part {
	o.old.Do(func() { o.c.removeParts(partAge) })
	perm := fs.FileMode(0o644)
	if o.c.opts.Shared {
		perm = 0o664
	}
	p := &part{path: filepath.Join(o.d.path, partPrefix+name), sum: md5.New()}
	var err error
	if p.f, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE, perm); err != nil {
		return nil
	}
	if filelock.TryNamed(p.f) != nil {
		p.f.Close()
		return nil
	}
	if p.sums, err = os.OpenFile(p.path+sumsSuffix, os.O_RDWR|os.O_CREATE, perm); err != nil {
		p.f.Close()
		return nil
	}
	if o.c.opts.Shared {
		_, _ = p.f.Chmod(perm), p.sums.Chmod(perm) // the umask
	}
	return p
}

// check reads what is there, up to the first chunk that is not what it was. The last
// one is left out, so that something remains to be asked for: a source may have no
// words for its end. What follows is cut off.
func (p *part) check(ctx context.Context, buf []byte, add hashFunc) error {
	fi, err := p.f.Stat()
	if err != nil {
		return err
	}
	states, err := io.ReadAll(p.sums)
	if err != nil {
		return err
	}
	chunks := min(fi.Size()/receiveSize, int64(len(states)/stateSize)) - 1
	for i := int64(0); i < chunks; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.ReadFull(p.f, buf[:receiveSize]); err != nil {
			return err
		}
		before := state(p.sum)
		add(p.sum, buf[:receiveSize])
		if string(state(p.sum)) != string(states[i*stateSize:][:stateSize]) {
			if err := p.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(before); err != nil {
				return err
			}
			break
		}
		p.size += receiveSize
	}
	return p.truncate()
}

// clear makes the part one that nothing has come of.
func (p *part) clear() error {
	p.size = 0
	p.sum.Reset()
	return p.truncate()
}

func (p *part) truncate() error {
	count := p.size / receiveSize * stateSize
	if err := errors.Join(p.f.Truncate(p.size), p.sums.Truncate(count)); err != nil {
		return err
	}
	_, err := p.f.Seek(p.size, io.SeekStart)
	_, serr := p.sums.Seek(count, io.SeekStart)
	return errors.Join(err, serr)
}

// note appends the state after a chunk. Without it the chunk comes again.
func (p *part) note(sum hash.Hash, chunk []byte) {
	if len(chunk) == receiveSize {
		_, _ = p.sums.Write(state(sum))
	}
}

// state is what a hash has come to.
func state(sum hash.Hash) []byte {
	data, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // crypto/md5 knows no error
	}
	return data
}

// commit makes an object of the part, and ends the use of it. The lock is held until
// it has its new name; Windows renames no open file.
func (p *part) commit(o *objects, h Hash) error {
	err := p.f.Chmod(objectPerm)
	if err == nil {
		err = o.commitFrom(o.d, filepath.Base(p.path), h.relPath())
	}
	p.close()
	if err != nil {
		err = o.commitFrom(o.d, filepath.Base(p.path), h.relPath())
	}
	_ = os.Remove(p.path + sumsSuffix) // or it stays until it is old
	return err
}

// drop removes the part, and ends the use of it.
func (p *part) drop() {
	if removePart(p.path) != nil { // Windows removes no open file
		defer removePart(p.path)
	}
	p.close()
}

func (p *part) close() error { return errors.Join(p.f.Close(), p.sums.Close()) }

// removePart deletes the files of a part.
func removePart(path string) error {
	err := os.Remove(path)
	if serr := os.Remove(path + sumsSuffix); !errors.Is(serr, fs.ErrNotExist) {
		err = errors.Join(err, serr)
	}
	return err
}

// removeParts deletes parts that nothing has come to for so long, and that nobody is
// writing to.
func (c *Cache) removeParts(age time.Duration) {
	for _, legacy := range []bool{false, true} {
		paths, _ := filepath.Glob(filepath.Join(c.root(legacy), partPrefix+"*"))
		for _, path := range paths {
			fi, err := os.Lstat(path)
			if err != nil || time.Since(fi.ModTime()) < age {
				continue
			}
			if data, ok := strings.CutSuffix(path, sumsSuffix); ok {
				if _, err := os.Lstat(data); errors.Is(err, fs.ErrNotExist) {
					os.Remove(path)
				}
				continue
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				continue
			}
			if filelock.TryNamed(f) == nil {
				(&part{f: f, sums: f, path: path}).drop()
			}
			f.Close()
		}
	}
}
