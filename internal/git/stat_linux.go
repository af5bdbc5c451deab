package git

import (
	"io/fs"
	"syscall"
)

// ctime returns when the inode last changed, in the index's resolution.
func ctime(fi fs.FileInfo) (sec, nsec uint32, ok bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return uint32(st.Ctim.Sec), uint32(st.Ctim.Nsec), true
}
