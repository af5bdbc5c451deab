package workspace

import (
	"bytes"
	"os"
	"path/filepath"
)

// install puts this program into the workspace as [Program], the command of
// the stages and a dependency of them: when its code changes, they run again.
// Equal content is left alone.
func install(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, Program)
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, program) {
		return nil
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, program, 0o777); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

// Installed tells whether this process, started as arg0, is the program of a
// workspace rather than the example.
func Installed(arg0 string) bool { return filepath.Base(arg0) == Program }
