package values

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/reprodl/reprodl/internal/transfer"
)

// read returns the content of a file given from the root: as it is in the tree,
// or else from where its data is.
func (v *view) read(name string) ([]byte, error) {
	data, err := fs.ReadFile(v.fsys, name)
	// git first, as a file may be both in git and, by an older lock, in the cache.
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		return data, err
	}
	data, err = v.data.ReadFile(v.outs, name, 0)
	if v.from.bring(name, err) {
		return v.data.ReadFile(v.outs, name, 0)
	}
	return data, err
}

// prefetch is for files that will be read.
func (v *view) prefetch(names []string) {
	v.data.Prefetch(v.outs, slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		_, err := fs.Stat(v.fsys, name)
		return err == nil
	}))
}

// isFile reports a file of the tree or of the recorded data, which is not read.
func (v *view) isFile(name string) bool {
	if fi, err := fs.Stat(v.fsys, name); err == nil {
		return !fi.IsDir()
	}
	r, err := v.data.Find(v.outs, name)
	if v.from.bring(name, err) {
		r, err = v.data.Find(v.outs, name)
	}
	return err == nil && !r.Hash.IsDir()
}

// missing is why a file is not there, in DVC's words.
func missing(name string, err error) *ValueError {
	var nowhere *transfer.NowhereError
	if !errors.As(err, &nowhere) {
		return noSuchFile(name)
	}
	class, words := nowhere.Words()
	return &ValueError{Type: class, Msg: words, Err: err}
}

// lost is the error of a plot that lies in a tracked directory whose manifest is
// nowhere.
func (v *view) lost(defs []plotDef) error {
	for _, d := range defs {
		for _, file := range sourcesOf(d.id, d.props) {
			name := v.fromUser([]string{file})[0]
			if _, err := fs.Stat(v.fsys, name); err == nil {
				continue
			}
			var nowhere *transfer.NowhereError
			if _, err := v.data.Find(v.outs, name); errors.As(err, &nowhere) && nowhere.Dir {
				return missing(name, err)
			}
		}
	}
	return nil
}
