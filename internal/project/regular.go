package project

import (
	"errors"
	"io/fs"
	"os"
)

// Disk is the tree below a directory, whose pipes and devices are not opened: that
// might wait for ever.
func Disk(dir string) fs.FS { return diskFS{os.DirFS(dir).(diskDir)} }

// diskDir is what os.DirFS returns.
type diskDir interface {
	fs.StatFS
	fs.ReadFileFS
	fs.ReadDirFS
	fs.ReadLinkFS
}

type diskFS struct{ diskDir }

func (d diskFS) Open(name string) (fs.File, error) {
	if err := d.regular(name); err != nil {
		return nil, err
	}
	return d.diskDir.Open(name)
}

func (d diskFS) ReadFile(name string) ([]byte, error) {
	if err := d.regular(name); err != nil {
		return nil, err
	}
	return d.diskDir.ReadFile(name)
}

// regular lets directories pass, too, and leaves other errors to the call that follows.
func (d diskFS) regular(name string) error {
	fi, err := d.Stat(name)
	if err != nil || fi.IsDir() || fi.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: errors.New("a pipe, socket or device, not a file")}
}
