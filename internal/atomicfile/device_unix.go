//go:build unix

package atomicfile

import "golang.org/x/sys/unix"

// sameDevice reports whether a file can be renamed from one directory to the
// other.
func sameDevice(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev
}
