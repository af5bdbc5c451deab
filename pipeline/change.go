package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/pyjson"
	"github.com/reprodl/reprodl/params"
)

// Kind says what part of a stage a [Change] is about.
type Kind string

// The kinds of changes.
const (
	DepChange     Kind = "dependency"
	ParamChange   Kind = "parameter"
	OutChange     Kind = "output"
	CommandChange Kind = "command"
	AlwaysChange  Kind = "always" // the stage says that it always counts as changed
	ForcedChange  Kind = "forced" // the caller asked for it
)

// State says how something differs from what the lock recorded.
type State string

// The states, in DVC's words.
const (
	Modified   State = "modified"
	Deleted    State = "deleted"
	New        State = "new"          // a parameter that the lock doesn't have
	NotInCache State = "not in cache" // an output whose content is not in the cache
)

// Change is one reason why a stage is not up to date.
type Change struct {
	Kind  Kind
	Path  string // of the dependency, parameter file or output, as messages show it
	Key   string // of a parameter; empty when its whole file is meant
	State State  // empty for AlwaysChange and ForcedChange
	// Old and New are the recorded and the present value: of a parameter, in
	// Python's notation and without what is the same inside of collections; of
	// the command; Old also the recorded hash of a file. Empty when there is none.
	Old, New string
}

// String is the change in a few words: "lr: 0.1 -> 0.2", "src/a.go: modified".
func (c Change) String() string {
	name := c.Path
	if c.Key != "" {
		name = c.Key
	}
	switch {
	case c.Kind == AlwaysChange:
		return "always changed"
	case c.Kind == ForcedChange:
		return "forced"
	case c.Kind == CommandChange:
		return "command: " + short(c.Old) + " -> " + short(c.New)
	case c.Kind == ParamChange && c.State == Modified:
		return name + ": " + short(c.Old) + " -> " + short(c.New)
	case c.Kind == ParamChange && c.State == New && c.New != "":
		return name + ": new, " + short(c.New)
	case c.State == Modified && c.Old == "" && c.Kind != ParamChange:
		return name + ": nothing recorded"
	}
	return name + ": " + string(c.State)
}

// short keeps a value on one line.
func short(s string) string {
	s = strings.ReplaceAll(s, "\n", "; ")
	if r := []rune(s); len(r) > 60 {
		s = string(r[:57]) + "…"
	}
	return s
}

// exists follows links, as DVC does: a dangling one is missing.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// depChange compares a dependency with the lock; nil means equal.
func (r *Repo) depChange(ctx context.Context, d *dependency) (*Change, error) {
	c := &Change{Kind: DepChange, Path: d.show, Old: d.rec.Hash.String()}
	if !exists(d.abs) {
		c.State = Deleted
		return c, nil
	}
	return r.compare(ctx, c, d.abs, d.rec.Hash)
}

// outChange compares an output with the lock and the cache; nil means equal.
func (r *Repo) outChange(ctx context.Context, o *output) (*Change, error) {
	c := &Change{Kind: OutChange, Path: o.show, Old: o.rec.Hash.String()}
	if o.cached() && !o.rec.Hash.IsZero() {
		has, err := r.Cache().Has(ctx, o.rec.Hash)
		if err != nil {
			return nil, err
		}
		if !has {
			c.State = NotInCache
			return c, nil
		}
	}
	if !exists(o.abs) {
		c.State = Deleted
		return c, nil
	}
	return r.compare(ctx, c, o.abs, o.rec.Hash)
}

func (r *Repo) compare(ctx context.Context, c *Change, path string, want object.Hash) (*Change, error) {
	c.State = Modified
	if want.IsZero() {
		return c, nil
	}
	same, err := r.Hasher().Matches(ctx, path, want)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists(path):
		c.State = Deleted
		return c, nil
	case err != nil:
		return nil, err
	case same:
		return nil, nil
	}
	return c, nil
}

// paramsChange compares a parameter file with the lock: key by key, in the
// order of the declaration; of a whole file, in the file's order.
func (r *Repo) paramsChange(p *paramsDep) ([]Change, error) {
	whole := Change{Kind: ParamChange, Path: p.show}
	if p.data == nil && !exists(p.abs) {
		whole.State = Deleted
		return []Change{whole}, nil
	}
	if p.rec == nil {
		whole.State = New
		return []Change{whole}, nil
	}
	now, err := r.readParams(p)
	if err != nil {
		return nil, err
	}
	keys := p.keys
	if len(keys) == 0 {
		keys = unionKeys(now, p.rec)
	}
	var changes []Change
	for _, key := range keys {
		c := Change{Kind: ParamChange, Path: p.show, Key: key}
		value, isNow := now.Get(key)
		old, was := p.rec.Get(key)
		if isNow {
			c.New = pyjson.Repr(value)
		}
		if was {
			c.Old = pyjson.Repr(old)
		}
		if isNow && was {
			o, n := differing(old, value)
			c.Old, c.New = pyjson.Repr(o), pyjson.Repr(n)
		}
		switch {
		case !isNow:
			c.State = Deleted
		case !was:
			c.State = New
		case !params.Equal(value, old):
			c.State = Modified
		default:
			continue
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// differing leaves out of two collections of one kind what both have.
func differing(a, b any) (any, any) {
	switch x := a.(type) {
	case *dvcyaml.Map:
		y, ok := b.(*dvcyaml.Map)
		if !ok {
			break
		}
		p, q := dvcyaml.NewMap(), dvcyaml.NewMap()
		for _, key := range unionKeys(x, y) {
			v, inX := x.Get(key)
			w, inY := y.Get(key)
			if inX && inY && params.Equal(v, w) {
				continue
			}
			if inX && inY {
				v, w = differing(v, w)
			}
			if inX {
				p.Set(key, v)
			}
			if inY {
				q.Set(key, w)
			}
		}
		return p, q
	case []any:
		y, ok := b.([]any)
		if !ok {
			break
		}
		if p, q := without(x, y), without(y, x); len(p)+len(q) > 0 {
			return p, q
		}
	}
	return a, b
}

// without are the items of a that b lacks.
func without(a, b []any) []any {
	rest := []any{}
	for _, v := range a {
		if !slices.ContainsFunc(b, func(w any) bool { return params.Equal(v, w) }) {
			rest = append(rest, v)
		}
	}
	return rest
}

// unionKeys are the keys of both, those of a first.
func unionKeys(a, b *dvcyaml.Map) []string {
	var keys []string
	seen := map[string]bool{}
	for _, m := range []*dvcyaml.Map{a, b} {
		for _, k := range m.Keys() {
			if s := pyjson.Str(k); !seen[s] {
				seen[s] = true
				keys = append(keys, s)
			}
		}
	}
	return keys
}

// inputChanges compares all dependencies and parameters with the lock.
func (s *stage) inputChanges(ctx context.Context) ([]Change, error) {
	var changes []Change
	for _, d := range s.deps {
		c, err := s.repo.depChange(ctx, d)
		if err != nil {
			return nil, err
		}
		if c != nil {
			changes = append(changes, *c)
		}
	}
	for _, p := range s.params {
		list, err := s.repo.paramsChange(p)
		if err != nil {
			return nil, err
		}
		changes = append(changes, list...)
	}
	return changes, nil
}

// outputChanges compares the outputs with the lock and the cache.
func (s *stage) outputChanges(ctx context.Context, only func(*output) bool) ([]Change, error) {
	var changes []Change
	for _, o := range s.outs {
		if only != nil && !only(o) {
			continue
		}
		c, err := s.repo.outChange(ctx, o)
		if err != nil {
			return nil, err
		}
		if c != nil {
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// commandChange is the change of the command, or nil.
func (s *stage) commandChange() []Change {
	if !s.cmdChanged() {
		return nil
	}
	return []Change{{
		Kind: CommandChange, State: Modified,
		Old: pyjson.Str(s.recorded.Cmd.Value()), New: pyjson.Str(s.cmd.Value()),
	}}
}
