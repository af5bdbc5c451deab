package repo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/reprodl/reprodl/internal/filelock"
)

// ErrLocked says that another process holds the repository's lock.
var ErrLocked error = message("Unable to acquire lock. Most likely another DVC process is running or was terminated abruptly. " +
	"Check the page <https://dvc.org/doc/user-guide/troubleshooting#lock-issue> for other possible reasons and to learn how to resolve this.")

// Waiting for the lock: as DVC, seven attempts in three seconds.
const (
	lockAttempts = 7
	lockDelay    = 500 * time.Millisecond
)

// LockFile acquires an exclusive lock on a file, the way DVC does (flock), and
// writes the process id into it. The file is created if need be and never
// deleted. After seven attempts half a second apart the error is ErrLocked.
// The lock goes away with the process. unlock may be called more than once.
func LockFile(ctx context.Context, path string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	// Not truncated: until the lock is ours the content is somebody else's.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		err := filelock.Try(f)
		if err == nil {
			break
		}
		if !errors.Is(err, filelock.ErrLocked) {
			f.Close()
			return nil, err
		}
		if attempt == lockAttempts {
			f.Close()
			return nil, ErrLocked
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(lockDelay):
		}
	}
	// As zc.lockfile writes it, which is what DVC locks with.
	content := " " + strconv.Itoa(os.Getpid()) + "\n"
	if _, err = f.WriteAt([]byte(content), 0); err == nil {
		err = f.Truncate(int64(len(content)))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	done := false
	return func() error {
		if done {
			return nil
		}
		done = true
		return errors.Join(filelock.Release(f), f.Close())
	}, nil
}
