package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/lazyregexp"
)

// What an Error's Kind may be. They are asked for with errors.Is.
var (
	// ErrNotFound says that the remote has no such object. It wraps fs.ErrNotExist.
	ErrNotFound = fmt.Errorf("not in the remote: %w", fs.ErrNotExist)
	// ErrDenied says that the credentials, or their absence, do not suffice. It
	// wraps fs.ErrPermission.
	ErrDenied = fmt.Errorf("access denied: %w", fs.ErrPermission)
	// ErrUnreachable says that there is nothing to talk to: no server, or not
	// the bucket or share that the URL names.
	ErrUnreachable = errors.New("the remote cannot be reached")
)

// ErrUnversioned says that a remote was to keep versions, and does not.
var ErrUnversioned = errors.New("the remote keeps no versions")

var kindText = map[error]string{
	ErrNotFound:    "not found",
	ErrDenied:      "access denied",
	ErrUnreachable: "cannot be reached",
}

var errLonger = errors.New("the file has become longer")

// Error is a failure at a remote. Drivers make it with [Config.Fail].
type Error struct {
	Op     string // "stat", "get", "put", "list", "remove", "connect"
	Remote string // the name in the configuration; may be empty
	URL    string // of the object, or of the remote
	Kind   error  // ErrNotFound, ErrDenied, ErrUnreachable; nil = something else
	// Tried are the credentials that were tried, in order: where they came from
	// ("profile 'lab' in ~/.aws/credentials"), never what they are.
	Tried []string
	Fix   string // the command, or what else, that would help; may be empty
	// Temporary says that trying again may help, after After has passed.
	Temporary bool
	After     time.Duration
	Err       error // what the library or the server said; may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Remote != "" {
		fmt.Fprintf(&b, "remote '%s': ", e.Remote)
	}
	b.WriteString(e.Op + " " + e.URL)
	if text, ok := kindText[e.Kind]; ok {
		b.WriteString(": " + text)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if len(e.Tried) > 0 {
		b.WriteString("; tried " + strings.Join(e.Tried, ", "))
	}
	fix := e.Fix
	if e.Remote == "" { // a URL has no section in the configuration
		fix = newURL.ReplaceAllString(fix, "")
		fix = modify.ReplaceAllString(fix, "--fs-config $1=$2")
	}
	if fix != "" {
		b.WriteString("; " + fix)
	}
	return b.String()
}

// Commands of a Fix that would be about a remote without a name.
var (
	newURL = lazyregexp.New(`(, or )?dvc remote modify  url \S+`)
	modify = lazyregexp.New(`dvc remote modify (?:--local )? (\w+) (\S+)`)
)

// Unwrap returns the Kind and what the library said.
func (e *Error) Unwrap() []error {
	var list []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// IsSource reports whether an error of Put is about the bytes to be stored, not
// about the remote. No other try makes them better.
func IsSource(err error) bool { return errors.As(err, new(*sourceError)) }

type sourceError struct{ err error }

func (e *sourceError) Error() string { return "reading what is to be sent: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// redacted is an error whose text shows no secret, whatever a library put there.
type redacted struct {
	err  error
	text string
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.err }
