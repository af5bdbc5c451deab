package dvcfile

import (
	"errors"
	"fmt"
	"path"
)

// A Class is the normalised kind of an error: what scripts and recorded cases
// compare instead of the text.
type Class string

// The classes of errors that this package returns.
const (
	YAMLSyntax           Class = "yaml_syntax"
	Schema               Class = "schema"
	SchemaLock           Class = "schema_lock"
	SchemaDVCFile        Class = "schema_dvcfile"
	ParamsUnreadable     Class = "params_unreadable"
	Vars                 Class = "vars"
	Foreach              Class = "foreach"
	InterpolationSyntax  Class = "interpolation_syntax"
	InterpolationType    Class = "interpolation_type"
	InterpolationMissing Class = "interpolation_missing_key"
	OutputIsDVCFile      Class = "output_is_dvcfile"
	NotFound             Class = "not_found"
	FileMissing          Class = "stage_file_missing"
	NameInvalid          Class = "stage_name_invalid"
	Exists               Class = "stage_exists"
)

// An Error says what is wrong with a dvc.yaml, dvc.lock or .dvc file. Its text
// begins with DVC's own message; the place follows on a line of its own, as
// file:line:column, where it is known.
type Error struct {
	Kind   Class
	File   string // as shown to the user
	Line   int    // from 1; 0 if unknown
	Column int    // from 1; 0 if unknown
	Msg    string
	Err    error // the cause, if any
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("%s\n%s:%d:%d", e.Msg, e.File, e.Line, e.Column)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Class names the kind of error.
func (e *Error) Class() string { return string(e.Kind) }

// ClassOf returns the class of the first error in err's tree that has one, or
// the empty string.
func ClassOf(err error) Class {
	var c interface{ Class() string }
	if errors.As(err, &c) {
		return Class(c.Class())
	}
	return ""
}

// errEncoding is a file that is no text.
var errEncoding = errors.New("not valid UTF-8")

// errUnsupported is a value of a kind that variables don't have.
var errUnsupported = errors.New("unsupported value")

// A ValuesError says that a file of variables is there and cannot be parsed.
// [Options].Values returns it.
type ValuesError struct {
	Binary bool  // the file is no text
	Err    error // where and why

	file, shown string
}

// parser is the one that DVC chooses, by the ending.
func (e *ValuesError) parser() string {
	if kind := map[string]string{".json": "JSON", ".toml": "TOML", ".py": "Python"}[path.Ext(e.file)]; kind != "" {
		return kind
	}
	return "YAML"
}

func (e *ValuesError) Error() string { return "unable to read: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *ValuesError) Unwrap() error { return e.Err }

// Brief is err in the few words of str() of DVC's exception, which its JSON and its
// warnings about a revision have: without the place and the line.
func Brief(err error) string {
	var invalid *InvalidError
	var values *ValuesError
	var e *Error
	switch {
	case errors.As(err, &values) && values.Binary:
		return "unable to read: '" + values.shown + "', is not valid utf-8"
	case errors.As(err, &values):
		return "unable to read: '" + values.shown + "', " + values.parser() + " file structure is corrupted"
	case errors.As(err, &invalid) && invalid.Kind == YAMLSyntax:
		return "unable to read: '" + invalid.File + "', YAML file structure is corrupted"
	case errors.As(err, &invalid):
		return invalid.summary()
	case errors.As(err, &e):
		return e.Msg
	}
	return err.Error()
}

// ExceptionOf is what DVC calls err, an error of collecting a tree's files, in
// its JSON.
func ExceptionOf(err error) string {
	var values *ValuesError
	switch {
	case errors.Is(err, errEncoding) || errors.As(err, &values) && values.Binary:
		return "EncodingError"
	case values != nil:
		return values.parser() + "FileCorruptedError"
	case errors.Is(err, errUnsupported):
		return "TypeError"
	}
	switch ClassOf(err) {
	case YAMLSyntax:
		return "YAMLSyntaxError"
	case Schema, SchemaLock, SchemaDVCFile:
		return "YAMLValidationError"
	}
	return "ResolveError"
}

// An exprError is raised while strings are resolved, before the file is known.
type exprError struct {
	class   Class
	msg     string
	ownLine bool  // the message begins on a line of its own
	loaded  bool  // a vars file was loaded before in another way
	alone   bool  // the message is all, whatever was being parsed
	at      []any // keys and indexes from the value being resolved to the culprit
}

func (e *exprError) Error() string { return e.msg }

// inside adds to err that it arose at key (or index) of the enclosing value.
func inside(err error, key any) error {
	if e, ok := err.(*exprError); ok {
		e.at = append([]any{key}, e.at...)
	}
	return err
}
