//go:build unix

package external

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// userName tells the users of a machine apart.
func userName() string { return strconv.Itoa(os.Getuid()) }

// checkOwner requires that nobody else can write into a directory.
func checkOwner(dir string, fi fs.FileInfo) error {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !fi.IsDir() || ok && int(st.Uid) != os.Getuid() || fi.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is not a directory of this user alone; remove it, or set DVC_SITE_CACHE_DIR", dir)
	}
	return nil
}
