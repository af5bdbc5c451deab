package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Kind says what part of a stage a [Change] is about.
type Kind string

// The kinds of changes.
const (
	DepChange     Kind = "dependency"
	ParamChange   Kind = "parameter"
	OutChange     Kind = "output"
	CommandChange Kind = "command"
	SumChange     Kind = "checksum" // the .dvc file of an import was edited
	AlwaysChange  Kind = "always"   // the stage says that it always counts as changed
	ForcedChange  Kind = "forced"   // the caller asked for it
	NeverRan      Kind = "never"    // nothing is recorded of the stage
)

// State says how something differs from what the lock recorded.
type State string

// The states, in DVC's words.
const (
	Modified   State = "modified"
	Deleted    State = "deleted"
	New        State = "new"          // a parameter that the lock doesn't have
	NotInCache State = "not in cache" // an output whose content is not in the cache
	// UpdateAvailable is an import whose source has something newer.
	UpdateAvailable State = "update available"
)

// Change is one reason why a stage is not up to date.
type Change struct {
	Kind  Kind
	Path  string // of the dependency, parameter file or output, as messages show it
	Key   string // of a parameter; empty when its whole file is meant
	State State  // empty for AlwaysChange, ForcedChange and NeverRan
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
	case c.Kind == SumChange:
		return "checksum of the .dvc file: modified"
	case c.Kind == ForcedChange:
		return "forced"
	case c.Kind == NeverRan:
		return "never ran"
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

// depChange compares a dependency with the lock; nil means equal.
func depChange(ctx context.Context, s *project.Stage, d *project.Dependency) (*Change, error) {
	v, err := s.Repo.CompareDep(ctx, d)
	if v == project.Same || err != nil {
		return nil, err
	}
	return &Change{Kind: DepChange, Path: d.Show, State: State(v), Old: d.Rec.Hash.String()}, nil
}

// outChange compares an output with the lock and the cache; nil means equal.
func outChange(ctx context.Context, s *project.Stage, o *project.Output) (*Change, error) {
	v, err := s.Repo.CompareOut(ctx, o)
	if v == project.Same || err != nil {
		return nil, err
	}
	return &Change{Kind: OutChange, Path: o.Show, State: State(v), Old: o.Rec.Hash.String()}, nil
}

// paramsChange compares a parameter file with the lock.
func paramsChange(s *project.Stage, p *project.ParamsDep) ([]Change, error) {
	v, keys, err := s.Repo.CompareParams(p)
	if v == project.Same || err != nil {
		return nil, err
	}
	if keys == nil {
		return []Change{{Kind: ParamChange, Path: p.Show, State: State(v)}}, nil
	}
	changes := make([]Change, len(keys))
	for i, k := range keys {
		c := Change{Kind: ParamChange, Path: p.Show, Key: k.Key, State: State(k.Verdict)}
		// Values are in Python's notation, and of collections only what differs.
		switch k.Verdict {
		case project.Deleted:
			if _, was := p.Rec.Get(k.Key); was {
				c.Old = pyjson.Repr(k.Old)
			}
		case project.Added:
			c.New = pyjson.Repr(k.Now)
		default:
			o, n := differing(k.Old, k.Now)
			c.Old, c.New = pyjson.Repr(o), pyjson.Repr(n)
		}
		changes[i] = c
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
		for _, key := range project.UnionKeys(x, y) {
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

// inputChanges compares all dependencies and parameters with the lock.
func inputChanges(ctx context.Context, s *project.Stage) ([]Change, error) {
	var changes []Change
	for _, d := range s.Deps {
		c, err := depChange(ctx, s, d)
		if err != nil {
			return nil, err
		}
		if c != nil {
			changes = append(changes, *c)
		}
	}
	for _, p := range s.Params {
		list, err := paramsChange(s, p)
		if err != nil {
			return nil, err
		}
		changes = append(changes, list...)
	}
	return changes, nil
}

// outputChanges compares the outputs with the lock and the cache.
func outputChanges(ctx context.Context, s *project.Stage, only func(*project.Output) bool) ([]Change, error) {
	var changes []Change
	for _, o := range s.Outs {
		if only != nil && !only(o) {
			continue
		}
		c, err := outChange(ctx, s, o)
		if err != nil {
			return nil, err
		}
		if c != nil {
			changes = append(changes, *c)
		}
	}
	return changes, nil
}

// ownChange is the change of the command or, of a .dvc file, of its own checksum.
func ownChange(s *project.Stage) ([]Change, error) {
	if sum, err := s.SumChanged(); sum || err != nil {
		return []Change{{Kind: SumChange, State: Modified}}, err
	}
	if !s.CmdChanged() {
		return nil, nil
	}
	return []Change{{
		Kind: CommandChange, State: Modified,
		Old: pyjson.Str(s.Recorded.Cmd.Value()), New: pyjson.Str(s.Cmd.Value()),
	}}, nil
}
