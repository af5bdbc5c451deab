package experiment

import (
	"errors"
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/pipeline"
)

// ErrNotFound says that no experiment has the name asked for.
var ErrNotFound = errors.New("experiment not found")

// ErrExist says that an experiment of that name exists for the baseline.
var ErrExist = errors.New("experiment exists")

// ErrNoCommits says that the git repository has no commit yet: an experiment's
// reference has its parent in its name.
var ErrNoCommits = errors.New("Empty Git repo. Add a commit to use experiments.")

// messageError has DVC's words and, for errors.Is, a sentinel.
type messageError struct {
	msg string
	err error
}

func (e *messageError) Error() string { return e.msg }
func (e *messageError) Unwrap() error { return e.err }

// The functions below have DVC's words, which its users and scripts know.
func existsError(name string) error {
	return &messageError{fmt.Sprintf("Experiment conflicts with existing experiment '%s'. To overwrite the existing experiment run:\n\n\tdvc exp run -f ...\n", name), ErrExist}
}

// unknownError is about names that are not here or, with a remote, not there. The
// words differ for one and for several.
func unknownError(remote string, names ...string) error {
	list := strings.Join(names, "; ")
	msg := fmt.Sprintf("'%s' is not a valid experiment name", list)
	switch {
	case remote != "":
		msg = fmt.Sprintf("Experiment '%s' does not exist in '%s'", list, remote)
	case len(names) > 1:
		msg = fmt.Sprintf("'%s' are not valid experiment names", list)
	}
	return &messageError{msg, ErrNotFound}
}

// unknownRevision is about a name that neither git nor an experiment has.
func unknownRevision(rev string) error {
	return &messageError{fmt.Sprintf("unknown Git revision '%s'", rev), git.ErrNotFound}
}

// notExperimentError is about a commit that no experiment's reference names.
func notExperimentError(rev string) error {
	return &messageError{fmt.Sprintf("'%s' does not appear to be an experiment commit.", rev), ErrNotFound}
}

// ambiguousError lists what a name may mean; it is not "not found", as the caller
// has to say which.
func ambiguousError(name string, refs []ref) error {
	msg := fmt.Sprintf("Ambiguous name '%s' refers to multiple experiments. Use one of the following full refnames instead:\n", name)
	for _, f := range refs {
		msg += "\n\t" + f.String()
	}
	return errors.New(msg)
}

// notRepoError names how far up the search went.
func notRepoError(dir, top string) error {
	return &messageError{fmt.Sprintf("you are not inside of a DVC repository (checked from %s up to %s)", dir, top), pipeline.ErrNotRepo}
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
