package external

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/host"
)

const (
	// keepClones is how long a clone is kept after it was last asked for.
	keepClones = 30 * 24 * time.Hour
	// expireEvery is how often somebody looks for those that are older.
	expireEvery = 24 * time.Hour
)

// cloneName is how clones are named: nothing else in their directory is touched.
var cloneName = regexp.MustCompile(`^[0-9a-f]{24}$`)

// used notes that a clone was asked for: by the time of its lock file.
func used(dir string, now time.Time) { _ = os.Chtimes(dir+".lock", now, now) }

// expire removes clones that nobody has asked for in a long time, none that is locked.
// They can be had again; what can't be removed now is left for another day.
func expire(root string, now time.Time) {
	mark := filepath.Join(root, "expired")
	if fi, err := os.Stat(mark); err == nil && now.Sub(fi.ModTime()) < expireEvery {
		return
	}
	if os.WriteFile(mark, nil, 0o600) != nil || os.Chtimes(mark, now, now) != nil {
		return
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, e := range entries {
		name, isLock := strings.CutSuffix(e.Name(), ".lock")
		if fi, err := e.Info(); isLock && cloneName.MatchString(name) && err == nil && old(fi, now) {
			expireOne(filepath.Join(root, name), now)
		}
	}
}

func old(fi os.FileInfo, now time.Time) bool { return now.Sub(fi.ModTime()) >= keepClones }

// expireOne looks again under the lock. The lock file stays: others may wait for it.
func expireOne(dir string, now time.Time) {
	f, err := os.OpenFile(dir+".lock", os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if ok, err := host.TryLock(f); !ok || err != nil {
		return
	}
	defer func() { _ = host.Unlock(f) }()
	if fi, err := f.Stat(); err == nil && old(fi, now) {
		_ = os.RemoveAll(dir)
	}
}
