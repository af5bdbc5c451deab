package params

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Map is a mapping in the order of the file: Get, Set, Delete, Len, Keys and
// All work as one expects of them. It is [ordered.Map], which the metrics and
// tables of the other packages are made of, too; [ordered.New] makes one.
type Map = ordered.Map

// Load reads the file at path into the struct that dst points to. Fields are
// named by their yaml tags, or else by their names in lower case. Keys that
// the file lacks leave their fields alone, so what the struct holds before the
// call are the defaults; dst is untouched when Load fails.
//
// Keys that the struct lacks, keys given twice and values of the wrong type
// are errors of type *[Error] with file and line. Integers fill float fields,
// text fills fields with an UnmarshalText method and, as in "90s",
// time.Duration. Where a struct in dst has a method Validate() error, it is
// called once the struct is filled, the inner ones first.
func Load(path string, dst any) error {
	v, err := Read(path)
	if err != nil {
		return err
	}
	return v.Decode("", dst)
}

// Read reads the file at path; the extension tells the format, as in [Parse].
func Read(path string) (*Values, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, readError(path, err)
	}
	return Parse(filepath.ToSlash(path), data)
}

// LoadFS is [Load] of the file that fsys has under name: of a program's embedded
// defaults, say, or of a commit.
func LoadFS(fsys fs.FS, name string, dst any) error {
	v, err := ReadFS(fsys, name)
	if err != nil {
		return err
	}
	return v.Decode("", dst)
}

// ReadFS is [Read] of the file that fsys has under name, a slash-separated path
// as everywhere in package io/fs.
func ReadFS(fsys fs.FS, name string) (*Values, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		fi, statErr := fs.Stat(fsys, name)
		return nil, fileError(name, err, statErr == nil && fi.IsDir())
	}
	return Parse(name, data)
}

func readError(path string, err error) error {
	// The name comes with slashes on every system, so that the texts of errors
	// do not differ.
	fi, statErr := os.Stat(path)
	return fileError(filepath.ToSlash(path), err, statErr == nil && fi.IsDir())
}

// fileError is the error of a file that cannot be read. What a system says of a
// directory differs too much to be shown.
func fileError(name string, err error, isDir bool) error {
	if isDir {
		err = errors.New("is a directory, expected a parameters file")
	}
	if pe, ok := err.(*fs.PathError); ok {
		err = pe.Err
	}
	return &Error{File: name, Err: err}
}

// Parse reads data as the content of a file called name. Names that end in
// .json, .toml and .py select these formats, everything else is YAML. An empty
// file is an empty mapping, except in JSON, which knows no empty text.
func Parse(name string, data []byte) (*Values, error) {
	var root *dvcyaml.Node
	var err error
	switch formatOf(name) {
	case jsonFormat:
		root, err = parseJSON(name, data)
	case tomlFormat:
		root, err = parseTOML(name, data)
	case pyFormat:
		root, err = parsePy(name, data)
	default:
		root, err = dvcyaml.ParseNode(name, data)
	}
	if err != nil {
		return nil, syntaxError(name, err)
	}
	if falsy(root.Value) {
		root = &dvcyaml.Node{Kind: dvcyaml.Mapping, Value: &Map{}}
	}
	return &Values{file: name, root: root}, nil
}

// falsy reports the values that DVC takes for an empty file.
func falsy(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case *Map:
		return v.Len() == 0
	}
	// Python's falsy scalars; -0.0 is among them, and a not-a-number is not.
	return v == false || v == int64(0) || v == 0.0 || v == ""
}

// format is the syntax of a parameter file.
type format string

const (
	yamlFormat format = "YAML"
	jsonFormat format = "JSON"
	tomlFormat format = "TOML"
	pyFormat   format = "Python"
)

func formatOf(name string) format {
	switch strings.ToLower(path.Ext(filepath.ToSlash(name))) {
	case ".json":
		return jsonFormat
	case ".toml":
		return tomlFormat
	case ".py":
		return pyFormat
	}
	return yamlFormat
}

// parseJSON checks data as JSON and then reads it as YAML, of which JSON is
// nearly a subset, for the sake of the positions and to refuse keys given
// twice. The few texts that only JSON allows are read without positions.
func parseJSON(name string, data []byte) (*dvcyaml.Node, error) {
	v, err := pyjson.Decode(name, data)
	if err != nil {
		return nil, err
	}
	n, err := dvcyaml.ParseNode(name, data)
	// JSON has the last word on the value: where the readings differ, the
	// positions are given up.
	if err != nil || !reflect.DeepEqual(n.Value, v) {
		return nodeOf(v), nil
	}
	return n, nil
}

// nodeOf gives a value the form of a node, without positions.
func nodeOf(v any) *dvcyaml.Node {
	n := &dvcyaml.Node{Kind: dvcyaml.Scalar, Value: v}
	switch v := v.(type) {
	case *Map:
		n.Kind = dvcyaml.Mapping
		for k, x := range v.All() {
			n.Pairs = append(n.Pairs, dvcyaml.Pair{Key: nodeOf(k), Value: nodeOf(x)})
		}
	case []any:
		n.Kind = dvcyaml.Sequence
		for _, x := range v {
			n.Items = append(n.Items, nodeOf(x))
		}
	}
	return n
}
