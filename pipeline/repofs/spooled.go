package repofs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/spool"
	"github.com/reprodl/reprodl/internal/transfer"
)

// A copy is made in a directory of its own, beside the place that it is renamed to when
// it is complete.
const tempPrefix = ".get-"

// worth is how many bytes must have come for a directory to stay after an error.
const worth = 1 << 20

// spooled has make fill a place in such a directory, and puts what is there to an
// absolute path. If it fails in a way that may pass, what has come waits for the next
// call for the same thing.
func spooled(ctx context.Context, to string, thing []string, make func(d *spool.Dir, fresh string) error) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	d, err := spool.Open(filepath.Dir(to), tempPrefix, append(thing, to)...)
	if err != nil {
		return err
	}
	fresh := filepath.Join(d.Path, "new")
	if err = os.RemoveAll(fresh); err == nil { // of one that was killed at its end
		err = make(d, fresh)
	}
	if err == nil {
		err = place(fresh, to)
	}
	d.Close(err != nil && transfer.GoesOn(ctx, err) && d.Holds(worth))
	return err
}

// delivery is a file to be made of an object.
type delivery struct {
	hash object.Hash
	to   string
	perm fs.FileMode // before the umask
}

// deliver makes files of the objects in a cache that nobody needs any more: each
// becomes the last file of its content, the others are copies.
func deliver(cache *object.Cache, files []delivery) error {
	left := map[object.Hash]int{}
	for _, f := range files {
		left[f.hash]++
	}
	for _, f := range files {
		left[f.hash]--
		if err := f.make(cache.Path(f.hash), left[f.hash] > 0); err != nil {
			return err
		}
	}
	return nil
}

func (f *delivery) make(from string, keep bool) error {
	if err := os.MkdirAll(filepath.Dir(f.to), 0o777); err != nil {
		return err
	}
	file, err := os.OpenFile(f.to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.perm)
	if err != nil {
		return err
	}
	fi, err := file.Stat() // what the umask leaves
	if err == nil && keep {
		err = fill(file, from)
	}
	if err = errors.Join(err, file.Close()); err != nil || keep {
		return err
	}
	if err := os.Chmod(from, fi.Mode().Perm()); err != nil {
		return err
	}
	return os.Rename(from, f.to)
}

func fill(to *os.File, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	_, err = io.Copy(to, src)
	return err
}

// counted tells how many files are done.
type counted struct {
	report func(done, total int, bytes int64) // nil = nobody hears of it
	total  int

	mu    sync.Mutex
	done  int
	bytes int64
}

func (c *counted) add(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.bytes += bytes
	if c.report != nil {
		c.report(c.done, c.total, c.bytes)
	}
}
