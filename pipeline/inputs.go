package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/params"
)

// inputs are what a stage reads, as it is now: in the order of the stage.
type inputs struct {
	deps   []object.Meta
	params []*dvcyaml.Map
}

// MissingInputError says that a dependency or a parameter of a stage is not
// there.
type MissingInputError struct {
	Path string   // as messages show it
	Keys []string // of missing parameters; nil when the file itself is missing
	text string
}

func (e *MissingInputError) Error() string { return e.text }

// Is makes a missing file an [fs.ErrNotExist].
func (e *MissingInputError) Is(target error) bool { return target == fs.ErrNotExist && e.Keys == nil }

// mayRestore reports whether the run cache is for stages like this one.
func (s *stage) mayRestore() bool {
	if s.cmd.IsZero() || s.always || len(s.outs) == 0 || len(s.deps)+len(s.params) == 0 {
		return false
	}
	for _, o := range s.outs {
		if o.path == "" || o.Persist || !o.inRepo || o.Kind == dvcfile.Live {
			return false
		}
	}
	return true
}

// readInputs finds out what the inputs are. Anything missing is an error.
func (s *stage) readInputs(ctx context.Context) (*inputs, error) {
	in := &inputs{}
	for _, d := range s.deps {
		m, err := s.readDep(ctx, d)
		if err != nil {
			return nil, err
		}
		in.deps = append(in.deps, m)
	}
	for _, p := range s.params {
		values, err := s.readParamsDep(p)
		if err != nil {
			return nil, err
		}
		in.params = append(in.params, values)
	}
	return in, nil
}

func (s *stage) readDep(ctx context.Context, d *dependency) (object.Meta, error) {
	fi, err := os.Stat(d.abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text := fmt.Sprintf("dependency '%s' does not exist", d.show)
		if s.mayRestore() { // DVC then finds it out in another way
			text = fmt.Sprintf("[Errno 2] No such file or directory: '%s'", d.abs)
		}
		return object.Meta{}, &MissingInputError{Path: d.show, text: text}
	case err != nil:
		return object.Meta{}, err
	case !fi.Mode().IsRegular() && !fi.IsDir():
		return object.Meta{}, fmt.Errorf("dependency '%s' is not a file or directory", d.show)
	}
	return s.repo.measure(ctx, d.abs, d.rec.Hash)
}

// measure hashes a path. What DVC 2 recorded stays as it was recorded while the
// content is the same.
func (r *Repo) measure(ctx context.Context, path string, rec object.Hash) (object.Meta, error) {
	if rec.IsLegacy() {
		m, err := r.Hasher().HashLegacy(ctx, path)
		if err != nil || m.Hash == rec {
			return m, err
		}
	}
	return r.Hasher().Hash(ctx, path)
}

func (s *stage) readParamsDep(p *paramsDep) (*dvcyaml.Map, error) {
	if p.data == nil && !exists(p.abs) {
		if len(p.keys) > 0 && s.mayRestore() {
			return nil, missingParams(p, p.keys)
		}
		return nil, &MissingInputError{Path: p.show, text: fmt.Sprintf("dependency '%s' does not exist", p.show)}
	}
	values, err := s.repo.readParams(p)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, key := range p.keys {
		if _, ok := values.Get(key); !ok {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		return nil, missingParams(p, missing)
	}
	return values, nil
}

func missingParams(p *paramsDep, keys []string) error {
	return &MissingInputError{Path: p.show, Keys: keys,
		text: fmt.Sprintf("Parameters '%s' are missing from '%s'.", strings.Join(keys, ", "), p.show)}
}

// entry is the lock entry of the stage for these inputs and outputs.
func (s *stage) entry(in *inputs, outs []object.Meta) *dvcfile.LockStage {
	e := &dvcfile.LockStage{Cmd: s.cmd}
	for i, d := range s.deps {
		e.Deps = append(e.Deps, dvcfile.LockEntry{Path: d.path, Meta: in.deps[i]})
	}
	for i, p := range s.params {
		e.Params = append(e.Params, dvcfile.LockParams{File: p.path, Values: in.params[i]})
	}
	for i, o := range s.outs {
		e.Outs = append(e.Outs, dvcfile.LockEntry{Path: o.path, Meta: outs[i]})
	}
	return e
}

// unchanged reports whether the lock recorded just these inputs, and all
// outputs.
func (s *stage) unchanged(in *inputs) bool {
	if s.recorded == nil || s.cmdChanged() {
		return false
	}
	for i, d := range s.deps {
		if d.rec.Hash.IsZero() || d.rec.Hash != in.deps[i].Hash {
			return false
		}
	}
	for i, p := range s.params {
		if p.rec == nil || !params.Equal(p.rec, in.params[i]) {
			return false
		}
	}
	for _, o := range s.outs {
		if o.rec.Hash.IsZero() {
			return false
		}
	}
	return true
}
