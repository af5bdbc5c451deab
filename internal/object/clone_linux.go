package object

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// cloner makes copies that share their blocks (FICLONE), until it finds that
// the file system cannot.
type cloner struct{ unable atomic.Bool }

// try makes d/name a clone of src. If it reports false there is no such file.
func (c *cloner) try(src file, d *dir, name string) bool {
	if c.unable.Load() {
		return false
	}
	dst, err := d.create(name, 0o600)
	if err != nil {
		return false
	}
	defer dst.Close()
	if err := unix.IoctlFileClone(dst.fd, src.fd); err != nil {
		c.unable.Store(true)
		d.remove(name)
		return false
	}
	return true
}
