package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pkg/sftp"
)

var (
	errFull     = errors.New("no space left on the server")
	errReadOnly = errors.New("the file system there is read-only")
)

// explainFull finds out why a file could not be written where the server, as OpenSSH's
// does for want of a code, says no more than that it failed.
func explainFull(c *session, name string, size int64, err error) error {
	var st *sftp.StatusError
	if !errors.As(err, &st) || st.FxCode() != sftp.ErrSSHFxFailure {
		return err
	}
	if _, ok := c.HasExtension("statvfs@openssh.com"); !ok {
		return err
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		v, verr := c.StatVFS(dir)
		if errors.Is(verr, fs.ErrNotExist) && dir != "/" {
			continue
		}
		if verr != nil {
			return err
		}
		if why := full(v, size); why != nil {
			return fmt.Errorf("%w (%w)", why, err)
		}
		return err
	}
}

// full says why a file system takes no file of a size; nil if it should.
func full(v *sftp.StatVFS, size int64) error {
	switch {
	case v.Flag&1 != 0: // ST_RDONLY
		return errReadOnly
	case v.Files > 0 && v.Favail == 0, v.Blocks > 0 && v.Bavail*v.Frsize < uint64(max(size, 1)):
		return errFull
	}
	return nil
}
