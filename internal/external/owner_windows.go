package external

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// userName tells the users of a machine apart.
func userName() string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`\/:*?"<>|`, r) {
			return '_'
		}
		return r
	}, os.Getenv("USERNAME"))
}

func checkOwner(dir string, fi fs.FileInfo) error {
	if !fi.IsDir() {
		return fmt.Errorf("%s is not a directory; remove it, or set DVC_SITE_CACHE_DIR", dir)
	}
	return nil
}
