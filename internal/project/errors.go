package project

import (
	"errors"
	"fmt"
)

// ErrNotRepo means that no directory upwards has a .dvc directory.
var ErrNotRepo = errors.New("not inside of a DVC repository")

type notRepoError struct{ top string }

func (e *notRepoError) Error() string {
	return fmt.Sprintf("you are not inside of a DVC repository (checked up to mount point '%s')", e.top)
}

func (e *notRepoError) Unwrap() error { return ErrNotRepo }
