package data

import (
	"fmt"
	"io/fs"

	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params"
)

// Errors to test for with errors.Is.
var (
	// ErrNotRepo means that no directory upwards has a .dvc directory.
	ErrNotRepo = project.ErrNotRepo
	// ErrNotFound means that a target names no stage, file or output.
	ErrNotFound = project.ErrNotFound
	// ErrMissing means that content is not in the cache.
	ErrMissing = object.ErrMissing
	// ErrCorrupt means that content in the cache is not what its name says.
	ErrCorrupt = object.ErrCorrupt
	// ErrIgnoreFile means that a directory to be tracked holds a .dvcignore
	// file of its own, which DVC doesn't allow.
	ErrIgnoreFile = object.ErrIgnoreFile
	// ErrClone means that git could not clone another repository.
	ErrClone = external.ErrClone
)

// MissingInputError says that a dependency or parameters of a stage are not
// there. A missing file is an [fs.ErrNotExist].
type MissingInputError struct {
	Path   string          // of the file, as messages show it
	Params []*params.Error // missing parameters, with where they were looked for; nil for a dependency
	text   string
}

func (e *MissingInputError) Error() string { return e.text }

// Is makes a missing file an [fs.ErrNotExist].
func (e *MissingInputError) Is(target error) bool { return target == fs.ErrNotExist && e.Params == nil }

// Unwrap returns what is wrong with the parameters, if it is about them.
func (e *MissingInputError) Unwrap() []error {
	var all []error
	for _, p := range e.Params {
		all = append(all, p)
	}
	return all
}

// MissingOutputError says that an output is not there to be recorded: a stage
// did not make what it declares.
type MissingOutputError struct{ Path string }

func (e *MissingOutputError) Error() string {
	return fmt.Sprintf("output '%s' does not exist", e.Path)
}

// GitTrackedError says that git keeps an output that DVC is to keep.
type GitTrackedError struct{ Path string }

func (e *GitTrackedError) Error() string {
	return fmt.Sprintf(" output '%[1]s' is already tracked by SCM (e.g. Git).\n"+
		"    You can remove it from Git, then add to DVC.\n"+
		"        To stop tracking from Git:\n"+
		"            git rm -r --cached '%[1]s'\n"+
		"            git commit -m \"stop tracking %[1]s\" ", e.Path)
}
