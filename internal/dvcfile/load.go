package dvcfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Options change how files are read. Nil means the zero Options.
type Options struct {
	// Show turns a path from the root into what messages show; nil shows it as
	// it is.
	Show func(string) string
	// Root is the absolute path of the repository, to recognise absolute paths
	// that lie inside it; empty if there is none.
	Root string
	// BoolOptional and ListAppend are the settings parsing.bool =
	// boolean_optional and parsing.list = append.
	BoolOptional, ListAppend bool
	// Ignored is asked for every path that a stage depends on or produces,
	// from the root; its error says that the path must not be used. Nil
	// accepts all.
	Ignored func(path string) error
	// Values reads a file of variables; nil reads YAML and JSON.
	Values func(fsys fs.FS, name string) (any, error)
	// NoLock leaves dvc.lock unread.
	NoLock bool
}

// Load reads the dvc.yaml at that path, checks it, replaces its variables, and
// reads the dvc.lock beside it. The error is an [*Error], an [*InvalidError] or
// one of the file system. The functions in opts may be called by two goroutines
// at a time.
func Load(fsys fs.FS, name string, opts *Options) (*File, error) {
	if opts == nil {
		opts = &Options{}
	}
	r := &resolver{fsys: fsys, opts: opts, path: name, dir: path.Dir(name)}
	// The channel has room for the answer, so that the goroutine ends in any
	// case.
	lock := make(chan error, 1)
	f := &File{Path: name, groups: map[string]bool{}, byName: map[string]*Stage{}}
	go func() { // the two files of a large pipeline take equally long
		var err error
		if !opts.NoLock {
			f.Lock, err = LoadLock(fsys, lockPath(name), opts)
		}
		lock <- err
	}()
	data, raw, err := r.read(name, Schema, projectSchema)
	// f.Lock is written by the goroutine and may be read from here on. An error
	// of dvc.yaml comes first.
	if lockErr := <-lock; err == nil {
		err = lockErr
	}
	if err != nil {
		return nil, err
	}
	r.data, f.raw = data, raw
	r.warn = func(msg string) { f.Warnings = append(f.Warnings, msg) }
	vars, _ := raw.Get("vars")
	list, _ := vars.([]any)
	if err := r.start(list); err != nil {
		return nil, err
	}
	if err := r.stages(f); err != nil {
		return nil, err
	}
	return f, r.tops(f)
}

// lockPath is the lock file that belongs to a dvc.yaml.
func lockPath(name string) string {
	return strings.TrimSuffix(name, path.Ext(name)) + lockExt
}

// read reads and checks one file. What YAML calls false, 0 or empty counts as an
// empty mapping.
func (r *resolver) read(name string, kind Class, schema check) ([]byte, *dvcyaml.Map, error) {
	data, err := fs.ReadFile(r.fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &Error{Kind: FileMissing, File: r.show(name), Msg: "'" + r.show(name) + "' does not exist", Err: err}
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := parse(name, r.show(name), data, kind, schema)
	return data, m, err
}

// parse decodes and checks a text. The schema accepts mappings only, so the
// result is one.
func parse(name, shown string, data []byte, kind Class, schema check) (*dvcyaml.Map, error) {
	if !utf8.Valid(data) {
		return nil, &Error{Kind: YAMLSyntax, File: shown, Msg: "unable to read: '" + shown + "', is not valid utf-8", Err: errEncoding}
	}
	v, err := dvcyaml.Decode(shown, data)
	if err != nil {
		return nil, syntaxInvalid(shown, data, err)
	}
	if isFalse(v) {
		v = dvcyaml.NewMap()
	}
	if problems := schema(v, nil); problems != nil {
		return nil, invalid(kind, shown, name, data, problems)
	}
	return v.(*dvcyaml.Map), nil
}

// isFalse reports what Python counts as false and DVC therefore takes for
// nothing. An empty mapping is left out: it needs no replacement.
func isFalse(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case int64:
		return v == 0
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// values reads a file of variables or parameters.
func (r *resolver) values(name string) (any, error) {
	if r.opts.Values != nil {
		v, err := r.opts.Values(r.fsys, name)
		var bad *ValuesError
		if errors.As(err, &bad) {
			bad.file, bad.shown = name, r.show(name)
		}
		return v, err
	}
	data, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		return nil, err
	}
	v, err := dvcyaml.Decode(r.show(name), data)
	if err != nil {
		cause := &ValuesError{Binary: !utf8.Valid(data), Err: err, file: name, shown: r.show(name)}
		return nil, &Error{Kind: ParamsUnreadable, File: r.show(name), Err: cause,
			Msg: fmt.Sprintf("unable to read: '%s', YAML file structure is corrupted: %v", r.show(name), err)}
	}
	if isFalse(v) {
		return dvcyaml.NewMap(), nil
	}
	return v, nil
}

// stages fills f.Stages.
func (r *resolver) stages(f *File) error {
	section, _ := f.raw.Get("stages")
	m, _ := section.(*dvcyaml.Map)
	entries, err := r.entries(m)
	if err != nil {
		return err
	}
	for _, e := range entries {
		f.groups[e.name] = e.group
	}
	for _, e := range entries {
		if err := r.checkName(e); err != nil {
			return err
		}
		err := r.each(e, func(d definition) error {
			s, err := r.build(f, d)
			if err != nil {
				return err
			}
			// What resolves to itself can be written back; the comparison is
			// Python's, so 1 for 1.0 is no change.
			s.Parametrized = e.group || !pyjson.Equal(e.def, d.fields)
			f.Stages = append(f.Stages, s)
			f.byName[s.Name] = s
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkName refuses names by which a stage could not be found.
func (r *resolver) checkName(e entry) error {
	switch {
	case e.name == "":
		return r.place(&Error{Kind: NameInvalid, Msg: fmt.Sprintf(
			"Stage name not provided.Please specify the name as: `%s:stage_name`", r.show(r.path))}, e.at...)
	case strings.Contains(e.name, groupJoin) && !e.group: // a group is found by the last "@"
		return r.place(stageNotFound(e.name, r.show(r.path)), e.at...)
	}
	return nil
}

// stageNotFound is DVC's error for a name that no stage has.
func stageNotFound(name, file string) *Error {
	return &Error{Kind: NotFound, Msg: fmt.Sprintf("Stage '%s' not found inside '%s' file", name, file)}
}
