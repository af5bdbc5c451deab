package hub

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// keyFilesReadableByOthers lists files of secrets that others may read.
func (h *Hub) keyFilesReadableByOthers() (bad []string) {
	for _, name := range []string{"keys.json", "hub.pem", "port"} {
		if fi, err := fs.Stat(os.DirFS(h.path), name); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
			bad = append(bad, filepath.Join(h.path, name))
		}
	}
	return bad
}
