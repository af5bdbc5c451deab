// Package spool has directories for what is on its way to somewhere else, which outlive
// their process: the next one that wants the same goes on with what has come.
package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/filelock"
)

const (
	mark  = ".reprodl" // a file in the directory that whoever uses it holds locked
	named = "of-"
)

// Patience is how long a directory waits for somebody to go on with it. One that nobody
// can find by its name goes after Grace: its maker may not have locked it yet.
const (
	Patience = 7 * 24 * time.Hour
	Grace    = time.Minute
)

// Dir is a directory in use.
type Dir struct {
	Path  string
	mark  *os.File
	named bool
}

// Open makes a directory below parent, or takes over the one that was left behind for
// the same thing. Its name begins with prefix. If another process is using that one,
// or files can't be locked, it is a new one that Close always removes. Others of the
// prefix that were left too long ago are removed.
func Open(parent, prefix string, thing ...string) (*Dir, error) {
	Sweep(parent, prefix, Patience)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", thing))
	path := filepath.Join(parent, prefix+named+hex.EncodeToString(sum[:10]))
	if err := os.Mkdir(path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if f := lock(path); f != nil {
		now := time.Now()
		_ = os.Chtimes(f.Name(), now, now)
		return &Dir{path, f, true}, nil
	}
	path, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(path, mark), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	_ = filelock.Try(f) // where files can't be locked, nobody sweeps either
	return &Dir{path, f, false}, nil
}

// lock takes a directory; nil if another has it, or has just removed it.
func lock(path string) *os.File {
	f, err := os.OpenFile(filepath.Join(path, mark), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil
	}
	if filelock.TryNamed(f) == nil {
		return f
	}
	f.Close()
	return nil
}

// Close ends the use of the directory, and removes it unless there is more to come: what
// is in it then is for the next process.
func (d *Dir) Close(more bool) {
	if more && d.named {
		d.mark.Close()
		return
	}
	remove(d.Path, d.mark)
}

// remove holds the lock while it removes, but Windows removes no open file.
func remove(path string, mark *os.File) {
	err := os.RemoveAll(path)
	mark.Close()
	if err != nil {
		_ = os.RemoveAll(path)
	}
}

// Holds reports whether so many bytes at least are in the directory.
func (d *Dir) Holds(bytes int64) bool {
	enough := errors.New("enough")
	return filepath.WalkDir(d.Path, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if fi, err := e.Info(); err == nil {
			bytes -= fi.Size()
		}
		if bytes <= 0 {
			return enough
		}
		return nil
	}) == enough
}

// Sweep removes what nobody has gone on with for so long. Neither what is in use nor
// anything of others is touched.
func Sweep(parent, prefix string, patience time.Duration) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix)
		if !ok || !e.IsDir() {
			continue
		}
		wait := Grace
		if strings.HasPrefix(rest, named) {
			wait = patience
		}
		sweep(filepath.Join(parent, e.Name()), wait)
	}
}

func sweep(path string, wait time.Duration) {
	f, err := os.OpenFile(filepath.Join(path, mark), os.O_RDWR, 0)
	if err != nil { // not ours, or only just made
		return
	}
	fi, err := f.Stat()
	if err != nil || time.Since(fi.ModTime()) < wait || filelock.TryNamed(f) != nil {
		f.Close()
		return
	}
	remove(path, f)
}
