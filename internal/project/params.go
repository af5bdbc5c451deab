package project

import (
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/params"
)

// paramsFiles remembers parsed parameter files while they are unchanged, since
// many stages read the same one.
type paramsFiles struct {
	mu    sync.Mutex
	files map[string]parsedParams
}

// parsedParams is a parsed file and what it was recognised by.
type parsedParams struct {
	info   fs.FileInfo
	read   time.Time
	values *params.Values
}

// settled is how long before its reading a file must have been written for its
// time to tell a later change.
const settled = 50 * time.Millisecond

// read parses under the lock, so that many stages that start at once parse a file
// once. The values are shared: nobody may change them.
func (f *paramsFiles) read(path string) (*params.Values, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	// Time and size tell a change, unless the file was written just before it was
	// read: a second write within the clock's grain would go unseen.
	if old, ok := f.files[path]; ok && os.SameFile(old.info, info) && old.info.Size() == info.Size() &&
		old.info.ModTime().Equal(info.ModTime()) && old.read.Sub(info.ModTime()) > settled {
		return old.values, nil
	}
	now := time.Now()
	values, err := params.Read(path)
	if err != nil {
		return nil, err
	}
	if f.files == nil {
		f.files = map[string]parsedParams{}
	}
	f.files[path] = parsedParams{info, now, values}
	return values, nil
}

// readParams reads the values that a stage declares; keys that the file lacks
// are left out.
func (r *Repo) readParams(p *ParamsDep) (*params.Map, error) {
	values, err := r.valuesOf(p)
	if err != nil {
		return nil, err
	}
	found, _ := values.Select(p.keys...)
	return found, nil
}

// valuesOf reads the whole of a parameter file. The error has a *params.Error in
// it where the file is not what it should be.
func (r *Repo) valuesOf(p *ParamsDep) (*params.Values, error) {
	if IsDir(p.Abs) {
		return nil, fmt.Errorf("'%s' is a directory, expected a parameters file", p.Show)
	}
	var values *params.Values
	var err error
	if p.data != nil {
		values, err = params.Parse(p.Show, p.data)
	} else {
		values, err = r.params.read(p.Abs)
	}
	if err != nil {
		return nil, &badParamsError{"Unable to read parameters from '" + p.Show + "': ", err}
	}
	return values, nil
}

// readVars reads a file of variables for templating.
func readVars(fsys fs.FS, name string) (any, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	values, err := params.Parse(name, data)
	if err != nil {
		return nil, &dvcfile.ValuesError{Binary: !utf8.Valid(data), Err: err}
	}
	return values.Value(), nil
}

// badParamsError is a parameter file that cannot be read as one.
type badParamsError struct {
	prefix string
	err    error
}

func (e *badParamsError) Error() string { return e.prefix + "unable to read: " + e.err.Error() }
func (e *badParamsError) Unwrap() error { return e.err }
