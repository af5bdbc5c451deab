package params

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Set applies overrides to the file at path, together and in order, and
// replaces the file in one step if its content changes:
//
//	lr=0.1         replace the value of a key that is there
//	+lr=0.1        add a key that is not there
//	++lr=0.1       add or replace
//	~lr, ~lr=0.1   delete, if it has this value
//	layers.0=9     an element of a list
//
// A mapping is merged into one that is there. Values are spelled as in
//
//	1 0.5 1e-3 true null 'text' text [1,x,'q'] {k: v} ${other.key} int('5')
//
// What the overrides do not touch is left alone: in YAML comments, order and
// spelling (lists come out in block style), in TOML and Python everything; a
// JSON file is rewritten on one line, as DVC does. In Python files only the
// literals of existing assignments can be replaced.
//
// Errors are [ErrOverride], [ErrSweep] or [ErrSyntax]; the file is then as it
// was.
func Set(path string, overrides ...string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return readError(path, err)
	}
	out, err := Apply(filepath.ToSlash(path), data, overrides...)
	if err != nil {
		return err
	}
	_, err = atomicfile.WriteFileIfChanged(path, out, nil)
	return err
}

// Apply is [Set] on the content of a file called name, whose extension tells
// the format; it returns the new content.
func Apply(name string, data []byte, overrides ...string) ([]byte, error) {
	values, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	// An override names a key of a mapping; a file that is a list has none.
	old, ok := values.Value().(*Map)
	if !ok {
		return nil, &Error{File: name, Err: errors.New("expected a mapping at the top of the file")}
	}
	now, err := applyAll(old, overrides)
	if err != nil {
		return nil, &Error{File: name, Err: err}
	}
	switch formatOf(name) {
	case jsonFormat:
		return pyjson.Marshal(now, pyjson.Style{ASCII: true})
	case tomlFormat:
		out, err := editTOML(data, old, now)
		if err != nil {
			return nil, &Error{File: name, Err: err}
		}
		return out, checkEdit(name, out, now)
	case pyFormat:
		// No check follows: what DVC's replacement of text does not find stays
		// as it was there as well.
		out, err := editPy(data, values.root, now)
		if err != nil {
			return nil, &Error{File: name, Err: err}
		}
		return out, nil
	}
	doc, err := dvcyaml.ParseDocument(name, data)
	if err != nil {
		return nil, syntaxError(name, err)
	}
	doc.Merge(now)
	out := doc.Bytes()
	return out, checkEdit(name, out, now)
}

// checkEdit reads an edited file back: no edit may leave a file that means
// something else than was asked for.
func checkEdit(name string, out []byte, want *Map) error {
	v, err := Parse(name, out)
	if err != nil {
		return &Error{File: name, Err: fmt.Errorf("the edited file would not be readable: %w", err)}
	}
	for _, c := range Diff(want, v.Value(), false) {
		// Diff lists every not-a-number, since none equals itself; want has it
		// on the old side.
		if c.Old != c.Old { // not a number
			continue
		}
		return &Error{File: name, Key: c.Key, Err: errors.New("this key cannot be edited in place")}
	}
	return nil
}
