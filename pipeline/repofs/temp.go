package repofs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/host"
)

// A copy is made in a directory of its own, beside the place that it is renamed to
// when it is complete. A process that is killed leaves it behind: the next one that
// copies to the same directory removes it. Ours has a file in it that its maker holds
// locked, so that neither a copy that is under way nor anything of others is touched.
const (
	tempPrefix = ".get-"
	tempMark   = ".reprodl"
)

// newTemp makes such a directory; remove also ends its lock.
func newTemp(parent string) (dir string, remove func(), err error) {
	sweepTemps(parent)
	if dir, err = os.MkdirTemp(parent, tempPrefix+"*"); err != nil {
		return "", nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, tempMark), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = host.TryLock(f) // without locks on the file system, nobody sweeps either
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() { _, _ = f.Close(), os.RemoveAll(dir) }, nil
}

// sweepTemps removes what killed processes have left in a directory.
func sweepTemps(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), tempPrefix) {
			sweepTemp(filepath.Join(parent, e.Name()))
		}
	}
}

func sweepTemp(dir string) {
	f, err := os.OpenFile(filepath.Join(dir, tempMark), os.O_RDWR, 0)
	if err != nil { // not ours, or only just made
		return
	}
	fi, err := f.Stat()
	if err != nil || time.Since(fi.ModTime()) < time.Minute { // its maker is about to lock it
		f.Close()
		return
	}
	ok, err := host.TryLock(f)
	f.Close()
	if ok && err == nil {
		_ = os.RemoveAll(dir)
	}
}
