package dirlock

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// Lock locks a file in the temporary folder that is named after the
// directory: Windows can't lock a directory, and no lock file shall appear
// among the logged files. The system releases it when the process dies.
func Lock(dir string) (unlock func() error, err error) {
	sum := sha256.Sum256([]byte(strings.ToLower(dir)))
	name := fmt.Sprintf("reprodl-live-%x.lock", sum[:8])
	f, err := os.OpenFile(filepath.Join(os.TempDir(), name), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if err == nil {
		return f.Close, nil
	}
	f.Close()
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		err = ErrLocked
	}
	return nil, err
}
