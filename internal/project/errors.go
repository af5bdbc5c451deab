package project

import (
	"errors"
	"fmt"

	"github.com/reprodl/reprodl/params"
)

// ErrNotRepo means that no directory upwards has a .dvc directory.
var ErrNotRepo = errors.New("not inside of a DVC repository")

type notRepoError struct{ top string }

func (e *notRepoError) Error() string {
	return fmt.Sprintf("you are not inside of a DVC repository (checked up to mount point '%s')", e.top)
}

func (e *notRepoError) Unwrap() error { return ErrNotRepo }

// ErrNotFound means that a target names nothing: no stage, file or output.
var ErrNotFound = errors.New("no such target")

// Errors that callers take apart are types of package data, so that their
// documentation has them. This package, below it, can't name them: package data
// sets what makes them.
var (
	// MissingInput is for a dependency or, with the list, for parameters.
	MissingInput  func(path, text string, params []*params.Error) error
	MissingOutput func(path string) error
	GitTracked    func(path string) error
)
