package object

import "path/filepath"

// localOS refuses drive letters, backslashes and reserved names.
func localOS(path string) bool { return filepath.IsLocal(filepath.FromSlash(path)) }
