package object

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// cloner makes copies that share their blocks (clonefile), until it finds that
// the file system cannot.
type cloner struct{ unable atomic.Bool }

// try makes d/name a clone of src. If it reports false there is no such file.
func (c *cloner) try(src file, d *dir, name string) bool {
	if c.unable.Load() {
		return false
	}
	if err := unix.Fclonefileat(src.fd, d.fd, name, 0); err != nil {
		c.unable.Store(true)
		return false
	}
	return true
}
