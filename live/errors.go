package live

import "errors"

var (
	// ErrType is the reason when a value is of a type that can't be logged.
	ErrType = errors.New("live: cannot log a value of type")
	// ErrName is the reason when a name can't be used for a file.
	ErrName = errors.New("live: bad name")
	// ErrOption is the reason when Open refuses its options.
	ErrOption = errors.New("live: bad option")
	// ErrLocked is the reason when another logger has the directory open.
	ErrLocked = errors.New("live: directory is in use by another logger")
	// ErrClosed is the reason when a closed logger is used.
	ErrClosed = errors.New("live: logger is closed")
	// ErrLogged is the reason when the 0.3 layout sees a metric twice in a step.
	ErrLogged = errors.New("live: already logged in this step")
)
