//go:build !linux && !darwin

package git

import "io/fs"

// ctime is not known here; the modification time and the size decide.
func ctime(fs.FileInfo) (sec, nsec uint32, ok bool) { return 0, 0, false }
