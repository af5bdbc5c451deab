package transfer

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/object"
)

// index remembers which directories were complete in a remote, and their files.
// It is a hint, not a proof: a file counts as present only if the manifest that
// vouched for it is still there, which takes one request. Lost or damaged, it
// is empty and everything is looked for.
//
// The file is indexMagic, then for each directory its hash, the number of its
// files and their hashes; the MD5 of all that ends it. A failed transfer or a
// gc of the remote deletes it.
type index struct {
	path string // empty: nothing is remembered

	loaded bool
	dirty  bool
	dirs   []indexDir // the newest last
}

// indexDir is a directory that was complete. One without files is a mark: only
// a part of that directory has been sent from here.
type indexDir struct {
	sum   [16]byte
	files [][16]byte
}

const (
	indexMagic = "reprodl remote index 1\n"
	indexDirs  = 64      // directories that are remembered
	indexFiles = 2 << 20 // files, of all directories
)

// openIndex names the file after the URL and not after the remote: a remote that
// is given another URL must not be vouched for by the old one.
func openIndex(dir, url string) *index {
	if dir == "" {
		return new(index)
	}
	sum := sha256.Sum256([]byte(url))
	return &index{path: filepath.Join(dir, hex.EncodeToString(sum[:8]))}
}

// load reads the file once. An error is not told: an empty index is always right.
func (x *index) load() {
	if x.loaded || x.path == "" {
		return
	}
	x.loaded = true
	data, err := os.ReadFile(x.path)
	if err != nil || len(data) < len(indexMagic)+md5.Size {
		return
	}
	body, sum := data[:len(data)-md5.Size], data[len(data)-md5.Size:]
	if s := md5.Sum(body); !bytes.Equal(s[:], sum) || !bytes.HasPrefix(body, []byte(indexMagic)) {
		return
	}
	x.dirs = decodeIndex(body[len(indexMagic):])
}

// decodeIndex reads records of 16 + 4 + 16 n bytes, n being little-endian. What is
// cut off at the end is ignored.
func decodeIndex(data []byte) (dirs []indexDir) {
	for len(data) >= 20 {
		d := indexDir{sum: [16]byte(data)}
		n := int(data[16]) | int(data[17])<<8 | int(data[18])<<16 | int(data[19])<<24
		if data = data[20:]; len(data) < 16*n {
			return dirs
		}
		d.files = make([][16]byte, n)
		for i := range d.files {
			copy(d.files[i][:], data[16*i:])
		}
		dirs, data = append(dirs, d), data[16*n:]
	}
	return dirs
}

// vouchers are the remembered directories that have any of the files.
// Marks have no files, and so vouch for none.
func (x *index) vouchers(files map[object.Hash]bool) []indexDir {
	x.load()
	var list []indexDir
	for _, d := range x.dirs {
		for _, sum := range d.files {
			if files[object.FileHash(sum)] {
				list = append(list, d)
				break
			}
		}
	}
	return list
}

// add remembers a directory that is complete in the remote. Legacy ones are not:
// nobody makes them any more.
// The newest is at the end, where the limits are counted from.
func (x *index) add(h object.Hash, entries []object.Entry) {
	if x.path == "" || h.IsLegacy() {
		return
	}
	x.load()
	d := indexDir{sum: [16]byte(h.MD5()), files: make([][16]byte, len(entries))}
	for i, e := range entries {
		d.files[i] = [16]byte(e.Hash.MD5())
	}
	for i := range x.dirs {
		if x.dirs[i].sum == d.sum {
			// The same manifest has the same files, so that only a mark (no files) is replaced.
			if len(x.dirs[i].files) == len(d.files) {
				return
			}
			x.dirs = slices.Delete(x.dirs, i, i+1)
			break
		}
	}
	x.dirs, x.dirty = append(x.dirs, d), true
	// The oldest go first. A directory of its own that exceeds the limit is not kept
	// either.
	total := 0
	for i := len(x.dirs) - 1; i >= 0; i-- {
		if total += len(x.dirs[i].files); total > indexFiles || len(x.dirs)-i > indexDirs {
			x.dirs = x.dirs[i+1:]
			break
		}
	}
}

// mark remembers that only a part of a directory was sent.
func (x *index) mark(h object.Hash) {
	if x.path != "" && !h.IsLegacy() && !x.marked(h) {
		x.dirs, x.dirty = append(x.dirs, indexDir{sum: [16]byte(h.MD5())}), true
	}
}

// marked reports whether a directory is known to be incomplete.
func (x *index) marked(h object.Hash) bool {
	if h.IsLegacy() {
		return false
	}
	x.load()
	return slices.ContainsFunc(x.dirs, func(d indexDir) bool {
		return len(d.files) == 0 && d.sum == [16]byte(h.MD5())
	})
}

// drop forgets all but the marks.
func (x *index) drop() {
	x.load()
	x.dirs, x.dirty = slices.DeleteFunc(x.dirs, func(d indexDir) bool { return len(d.files) > 0 }), false
	if x.path != "" {
		os.Remove(x.path)
		x.dirty = len(x.dirs) > 0
	}
}

// save writes what was added. A failure only costs requests later.
func (x *index) save() error {
	if !x.dirty {
		return nil
	}
	data := []byte(indexMagic)
	for _, d := range x.dirs {
		n := len(d.files)
		data = append(data, d.sum[:]...)
		data = append(data, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
		for _, f := range d.files {
			data = append(data, f[:]...)
		}
	}
	sum := md5.Sum(data)
	if err := os.MkdirAll(filepath.Dir(x.path), 0o777); err != nil {
		return err
	}
	x.dirty = false
	return atomicfile.WriteFile(x.path, append(data, sum[:]...), nil)
}
