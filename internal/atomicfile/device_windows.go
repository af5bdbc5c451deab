package atomicfile

import (
	"path/filepath"
	"strings"
)

// sameDevice reports whether a file can be renamed from one directory to the
// other.
func sameDevice(a, b string) bool {
	return strings.EqualFold(filepath.VolumeName(a), filepath.VolumeName(b))
}
