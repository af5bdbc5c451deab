package params

import (
	"errors"
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Errors to test for with errors.Is.
var (
	// ErrNotFound is a key that the file does not have.
	ErrNotFound = errors.New("no such key")
	// ErrSyntax is a file that cannot be read as what it should be.
	ErrSyntax = errors.New("file structure is corrupted")
	// ErrOverride is an override that is no override, or does not fit the file.
	ErrOverride = errors.New("invalid override")
	// ErrSweep is an override with several values where one is wanted.
	ErrSweep = errors.New("sweep")
)

// Error is what is wrong with a parameter file, and where.
type Error struct {
	File         string
	Line, Column int    // both from 1; 0 when the place is not known
	Key          string // the parameter concerned, as "train.lr"; may be empty
	Err          error
}

// Error is file:line:column, the key and the reason.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// reason is an error with a text of its own that is one of the kinds above.
type reason struct {
	msg  string
	kind error
}

func (r *reason) Error() string { return r.msg }
func (r *reason) Unwrap() error { return r.kind }

// syntaxError gives the error of any of the parsers one form: the place of the
// parser's own error, and DVC's words for a broken file ("YAML file structure
// is corrupted") before its message.
func syntaxError(file string, err error) error {
	format := string(formatOf(file))
	out := &Error{File: file}
	msg := err.Error()
	var y *dvcyaml.SyntaxError
	var j *pyjson.SyntaxError
	var own *Error
	switch {
	case errors.As(err, &y):
		out.Line, out.Column, msg = y.Line, y.Column, y.Msg
	case errors.As(err, &j):
		out.Line, out.Column, msg = j.Line, j.Column, j.Msg
	case errors.As(err, &own):
		out.Line, out.Column, msg = own.Line, own.Column, own.Err.Error()
	}
	out.Err = &reason{fmt.Sprintf("%s %v: %s", format, ErrSyntax, msg), ErrSyntax}
	return out
}
