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
	// ErrSkipped is the reason when End and Close report a thing that was asked
	// for and left out, where DVCLive prints a warning: a report that cannot be
	// made, a dvc.yaml that cannot be read, an artifact or an experiment outside
	// of a repository. The rest of the run is on disk.
	ErrSkipped = errors.New("live: left out")
	// ErrLogged is the reason when the 0.3 layout sees a metric twice in a step.
	ErrLogged = errors.New("live: already logged in this step")
)
