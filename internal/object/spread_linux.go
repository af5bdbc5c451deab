package object

import (
	"os"

	"golang.org/x/sys/unix"
)

// spread tells the file system that the directories in path have nothing to do
// with each other and need not lie together (chattr +T). A hint: errors and
// file systems that do not know it are ignored.
func spread(path string) {
	d, err := os.Open(path)
	if err != nil {
		return
	}
	defer d.Close()
	fd := int(d.Fd())
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	const topDir = 0x00020000 // FS_TOPDIR_FL
	if err != nil || flags&topDir != 0 {
		return
	}
	_ = unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags|topDir))
}
