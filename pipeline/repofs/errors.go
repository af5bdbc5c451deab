package repofs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/reprodl/reprodl/internal/external"
)

// CloneError says that no repository could be had from a URL.
type CloneError struct {
	URL string // without a password
	Err error  // what git said
}

func (e *CloneError) Error() string {
	return (&external.CloneError{URL: e.URL, Err: e.Err}).Error()
}

// Unwrap returns what git said.
func (e *CloneError) Unwrap() error { return e.Err }

// RevError says that a repository has no such revision.
type RevError struct{ Rev string }

func (e *RevError) Error() string { return (&external.RevError{Rev: e.Rev}).Error() }

// DataError says that DVC tracks a file, but neither a cache here nor the remote
// has its data.
type DataError struct {
	Path string // in the repository
	URL  string // of the repository
	Err  error
}

func (e *DataError) Error() string {
	return (&external.DataError{Path: e.Path, URL: e.URL, Err: e.Err}).Error()
}

// Unwrap returns why the remote could not help.
func (e *DataError) Unwrap() error { return e.Err }

// ExistsError says that Get would overwrite something. It is an fs.ErrExist.
type ExistsError struct {
	Path string
	Dir  bool // it is a directory
}

func (e *ExistsError) Error() string {
	kind := "file"
	if e.Dir {
		kind = "directory"
	}
	return fmt.Sprintf("The %s '%s' already exists locally. \nTo override it, re-run with '--force'.", kind, e.Path)
}

// exists is an *ExistsError if something is at a path, which is shown to people so.
func exists(path, show string) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	if target, err := os.Stat(path); err == nil {
		fi = target
	}
	return &ExistsError{show, fi.IsDir()}
}

// Unwrap returns fs.ErrExist.
func (e *ExistsError) Unwrap() error { return fs.ErrExist }

// ErrArtifact means that a repository has no artifact of a name, version and
// stage.
var ErrArtifact = errors.New("Unable to find artifact")

// publicError puts the types of this package in the place of internal ones.
func publicError(err error) error {
	var clone *external.CloneError
	var rev *external.RevError
	var data *external.DataError
	switch {
	case errors.As(err, &clone):
		return &CloneError{clone.URL, clone.Err}
	case errors.As(err, &rev):
		return &RevError{rev.Rev}
	case errors.As(err, &data):
		return &DataError{data.Path, data.URL, data.Err}
	}
	return err
}
