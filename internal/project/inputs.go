package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/params"
)

// Inputs are what a stage reads, as it is now: in the order of the stage.
type Inputs struct {
	deps   []dvcfile.LockEntry
	params []*dvcyaml.Map
}

// MayRestore reports whether the run cache is for stages like this one.
func (s *Stage) MayRestore() bool {
	if s.Cmd.IsZero() || s.Always || len(s.Outs) == 0 || len(s.Deps)+len(s.Params) == 0 {
		return false
	}
	// What persists may go into its own next version, so the inputs don't tell
	// the output; what lies outside of the repository, DVC doesn't cache.
	for _, o := range s.Outs {
		if o.Written == "" || o.Persist || !o.InRepo || o.Kind == dvcfile.Live {
			return false
		}
	}
	return true
}

// ReadInputs finds out what the inputs are, to record them. Anything missing is
// an error.
func (s *Stage) ReadInputs(ctx context.Context) (*Inputs, error) { return s.readInputs(ctx, false) }

// ReadRunInputs is ReadInputs for a stage that is to run. Its errors have the words
// that DVC has for them then: it asks the run cache first, which finds what is
// missing in another way.
func (s *Stage) ReadRunInputs(ctx context.Context) (*Inputs, error) {
	return s.readInputs(ctx, s.MayRestore())
}

func (s *Stage) readInputs(ctx context.Context, asks bool) (*Inputs, error) {
	in := &Inputs{}
	for _, d := range s.Deps {
		m, err := s.readDep(ctx, d, asks)
		if err != nil {
			return nil, err
		}
		in.deps = append(in.deps, m)
	}
	for _, p := range s.Params {
		values, err := s.readParamsDep(p, asks)
		if err != nil {
			return nil, err
		}
		in.params = append(in.params, values)
	}
	return in, nil
}

// readDep hashes one dependency; asks tells that it is for the run cache.
func (s *Stage) readDep(ctx context.Context, d *Dependency, asks bool) (dvcfile.LockEntry, error) {
	e := d.Rec
	e.Path = d.Written
	if d.Origin != nil {
		now, err := d.Origin.Measure(ctx)
		if errors.Is(err, fs.ErrNotExist) {
			return e, MissingInput(d.Show, fmt.Sprintf("dependency '%s' does not exist", d.Show), nil)
		}
		if err != nil {
			return e, err
		}
		now.Path = d.Written
		return now, nil
	}
	fi, err := os.Stat(d.Abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text := fmt.Sprintf("dependency '%s' does not exist", d.Show)
		if asks {
			text = fmt.Sprintf("[Errno 2] No such file or directory: '%s'", d.Abs)
		}
		return e, MissingInput(d.Show, text, nil)
	case err != nil:
		return e, err
	case !fi.Mode().IsRegular() && !fi.IsDir():
		return e, fmt.Errorf("dependency '%s' is not a file or directory", d.Show)
	}
	e = e.Unpinned()
	e.Meta, err = s.Repo.Measure(ctx, d.Abs, d.Rec.Hash)
	e.NoSize = false
	return e, err
}

// Measure hashes a path. What DVC 2 recorded stays as it was recorded while the
// content is the same.
// rec is what is recorded, or the zero Hash.
func (r *Repo) Measure(ctx context.Context, path string, rec object.Hash) (object.Meta, error) {
	if rec.IsLegacy() {
		m, err := r.Hasher().HashLegacy(ctx, path)
		if err != nil || m.Hash == rec {
			return m, err
		}
	}
	return r.Hasher().Hash(ctx, path)
}

// readParamsDep reads the declared keys of one file. All missing ones are told at
// once, each with the place where it would stand.
func (s *Stage) readParamsDep(p *ParamsDep, asks bool) (*dvcyaml.Map, error) {
	if p.data == nil && !Exists(p.Abs) {
		if len(p.keys) > 0 && asks {
			missing := make([]*params.Error, len(p.keys))
			for i, key := range p.keys {
				missing[i] = &params.Error{File: p.Show, Key: key, Err: params.ErrNotFound}
			}
			return nil, missingParams(p, missing)
		}
		return nil, MissingInput(p.Show, fmt.Sprintf("dependency '%s' does not exist", p.Show), nil)
	}
	values, err := s.Repo.valuesOf(p)
	if err != nil {
		return nil, err
	}
	found, _ := values.Select(p.keys...)
	var missing []*params.Error
	for _, key := range p.keys {
		if _, ok := found.Get(key); !ok {
			missing = append(missing, &params.Error{File: p.Show, Line: nearestLine(values, key), Column: 1, Key: key, Err: params.ErrNotFound})
		}
	}
	if len(missing) > 0 {
		return nil, missingParams(p, missing)
	}
	return found, nil
}

// nearestLine is the line of the innermost mapping that a missing key was looked
// for in; 1 is the file's own.
func nearestLine(values *params.Values, key string) int {
	for i := strings.LastIndexByte(key, '.'); i > 0; i = strings.LastIndexByte(key[:i], '.') {
		if line := values.Line(key[:i]); line > 0 {
			return line
		}
	}
	return 1
}

// missingParams is DVC's sentence, with the single errors behind it.
func missingParams(p *ParamsDep, missing []*params.Error) error {
	keys := make([]string, len(missing))
	for i, e := range missing {
		keys[i] = e.Key
	}
	return MissingInput(p.Show, fmt.Sprintf("Parameters '%s' are missing from '%s'.", strings.Join(keys, ", "), p.Show), missing)
}

// entry is the lock entry of the stage for these inputs and outputs.
// It pairs by place: in.deps, in.params and outs have the order of the stage.
func (s *Stage) entry(in *Inputs, outs []object.Meta) *dvcfile.LockStage {
	e := &dvcfile.LockStage{Cmd: s.Cmd}
	// The entry is in the order of the stage here; dvcfile sorts it as DVC does.
	e.Deps = slices.Clone(in.deps)
	for i, p := range s.Params {
		e.Params = append(e.Params, dvcfile.LockParams{File: p.Written, Values: in.params[i]})
	}
	for i, o := range s.Outs {
		e.Outs = append(e.Outs, o.rerecorded(outs[i]))
	}
	return e
}

// rerecorded is the lock entry of an output. A file that is what it was keeps its
// version in a remote; of a directory the next push finds out, as in DVC.
func (o *Output) rerecorded(m object.Meta) dvcfile.LockEntry {
	e := dvcfile.LockEntry{Path: o.Written, Meta: m}
	if o.Entry != nil && !m.Hash.IsDir() && o.Entry.Hash == m.Hash {
		if v := o.Entry.Cloud(); v.ID != "" {
			e.Pin(v, nil)
		}
	}
	return e
}

// Unchanged reports whether the lock recorded just these inputs, and all
// outputs.
func (s *Stage) Unchanged(in *Inputs) bool {
	// The outputs themselves are not looked at: only that each has a hash.
	if s.Recorded == nil || s.CmdChanged() {
		return false
	}
	for i, d := range s.Deps {
		if Differs(&in.deps[i], &d.Rec) != Same {
			return false
		}
	}
	for i, p := range s.Params {
		if p.Rec == nil || !params.Equal(p.Rec, in.params[i]) {
			return false
		}
	}
	for _, o := range s.Outs {
		if o.Rec.Hash.IsZero() {
			return false
		}
	}
	return true
}
