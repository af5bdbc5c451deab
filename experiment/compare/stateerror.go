package compare

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
)

// stateError gives err DVC's name and words.
func stateError(name string, err error) *StateError {
	var nowhere *transfer.NowhereError
	switch {
	case errors.As(err, &nowhere):
		class, words := nowhere.Words()
		return &StateError{class, words}
	case errors.Is(err, fs.ErrNotExist):
		return &StateError{"FileNotFoundError", fmt.Sprintf("[Errno 2] No such file or directory: '%s'", name)}
	case errors.Is(err, errTooLarge), errors.Is(err, object.ErrCorrupt), errors.Is(err, object.ErrBadCopy):
		return &StateError{"OSError", fmt.Sprintf("'%s': %v", name, err)}
	case errors.Is(err, fs.ErrPermission):
		return &StateError{"PermissionError", fmt.Sprintf("[Errno 13] Permission denied: '%s'", name)}
	}
	// DVC chooses the parser by the ending, YAML for all that it does not
	// know, and names the error after the parser.
	kind := map[string]string{".json": "JSON", ".toml": "TOML", ".py": "Python"}[path.Ext(name)]
	if kind == "" {
		kind = "YAML"
	}
	return &StateError{kind + "FileCorruptedError", fmt.Sprintf("unable to read: '%s', %s file structure is corrupted", name, kind)}
}

// commitError names what makes a whole commit unreadable.
func commitError(err error) *StateError {
	return &StateError{dvcfile.ExceptionOf(err), dvcfile.Brief(err)}
}
