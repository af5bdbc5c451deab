package object

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// stage is a directory in which files are made before they are renamed to
// where they belong.
// If it is not its own, files in it lie beside those they will replace, under names
// that a sweep can tell.
type stage struct {
	*dir
	own bool // made for this purpose alone
}

// newStage returns a stage for files that go to near or below it.
//
// If it can it makes a new directory inside Temp, which is marked with
// [spread]. What a killed process leaves there is found by Sweep and seen by
// nobody else. Marking matters on ext4: a new file gets its inode near its
// directory, and without a journal ext4 does not reuse inodes freed in the last
// minutes but tests every one of them for each new file. Replacing a tree of
// 10,000 files then takes seconds; in a directory placed elsewhere it takes
// a tenth of one.
func (c *Cache) newStage(near string) (*stage, error) {
	if c.tempUsable(near) {
		path := filepath.Join(c.opts.Temp, tempName())
		if err := os.Mkdir(path, 0o777); err != nil {
			return nil, err
		}
		d, err := openDir(path)
		return &stage{d, true}, err
	}
	d, err := openDir(near)
	return &stage{d, false}, err
}

// tempUsable reports whether files made in Temp can be renamed to near. It makes
// Temp if need be.
func (c *Cache) tempUsable(near string) bool {
	if c.opts.Temp == "" {
		return false
	}
	if _, err := os.Lstat(c.opts.Temp); err != nil {
		if err := os.MkdirAll(c.opts.Temp, 0o777); err != nil {
			return false
		}
	}
	spread(c.opts.Temp) // also one that is there: a copy of a repository has lost the mark
	// Rename works within a file system only.
	return sameDevice(c.opts.Temp, near)
}

// close removes the stage's own directory, which is empty by then: whoever made a
// file has renamed or removed it.
func (s *stage) close() {
	if s == nil || s.dir == nil {
		return
	}
	s.dir.close()
	if s.own {
		os.Remove(s.path)
	}
}

// Sweep deletes what a killed process left in the directory for temporary
// files. The caller holds the repository's lock.
func (c *Cache) Sweep() {
	if c.opts.Temp == "" {
		return
	}
	entries, err := os.ReadDir(c.opts.Temp)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), atomicfile.TempPrefix) {
			os.RemoveAll(filepath.Join(c.opts.Temp, e.Name()))
		}
	}
}
