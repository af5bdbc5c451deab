package project

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Verdict says how something differs from what the lock recorded, in DVC's
// words; empty means that it does not.
type Verdict string

// The verdicts.
const (
	Same       Verdict = ""
	modified   Verdict = "modified"
	Deleted    Verdict = "deleted"
	Added      Verdict = "new"          // a parameter that the lock doesn't have
	notInCache Verdict = "not in cache" // an output whose content is not in the cache
)

// Exists follows links, as DVC does: a dangling one is missing.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// CompareDep compares a dependency with the lock.
func (r *Repo) CompareDep(ctx context.Context, d *Dependency) (Verdict, error) {
	if d.Origin != nil {
		return compareOrigin(ctx, d)
	}
	return r.compareFile(ctx, d.Abs, d.Rec.Hash)
}

// CompareOut compares an output with the lock and the cache.
func (r *Repo) CompareOut(ctx context.Context, o *Output) (Verdict, error) {
	// DVC asks the cache first: an output that is as recorded, but whose content is
	// not in the cache, is "not in cache".
	if o.Cached() && !o.Rec.Hash.IsZero() {
		has, err := r.Cache().Has(ctx, o.Rec.Hash)
		if err != nil {
			return Same, err
		}
		if !has {
			return notInCache, nil
		}
	}
	return r.compareFile(ctx, o.Abs, o.Rec.Hash)
}

func (r *Repo) compareFile(ctx context.Context, path string, want object.Hash) (Verdict, error) {
	if !Exists(path) {
		return Deleted, nil
	}
	if want.IsZero() {
		return modified, nil
	}
	equal, err := r.Hasher().Matches(ctx, path, want)
	switch {
	// It may vanish while it is looked at, when other stages run.
	case errors.Is(err, fs.ErrNotExist) && !Exists(path):
		return Deleted, nil
	case err != nil:
		return Same, err
	case equal:
		return Same, nil
	}
	return modified, nil
}

// keyChange is a parameter that differs from the lock.
type keyChange struct {
	Key      string
	Verdict  Verdict
	Old, Now any // the values, where there are some
}

// CompareParams compares a parameter file with the lock: as a whole, if it is
// missing or was never recorded; or else key by key, in the order of the
// declaration, and of a whole file in the file's order.
func (r *Repo) CompareParams(p *ParamsDep) (Verdict, []keyChange, error) {
	// data stands in for the file, which may then be missing.
	if p.data == nil && !Exists(p.Abs) {
		return Deleted, nil, nil
	}
	if p.Rec == nil {
		return Added, nil, nil
	}
	now, err := r.readParams(p)
	if err != nil {
		return Same, nil, err
	}
	keys := p.keys
	// A stage that tracks a whole file notices keys that are new in it, too.
	if len(keys) == 0 {
		keys = UnionKeys(now, p.Rec)
	}
	var changes []keyChange
	for _, key := range keys {
		value, isNow := now.Get(key)
		old, was := p.Rec.Get(key)
		c := keyChange{Key: key, Old: old, Now: value}
		switch {
		case !isNow:
			c.Verdict = Deleted
		case !was:
			c.Verdict = Added
		case !params.Equal(value, old):
			c.Verdict = modified
		default:
			continue
		}
		changes = append(changes, c)
	}
	if len(changes) > 0 {
		return modified, changes, nil
	}
	return Same, nil, nil
}

// UnionKeys are the keys of both, those of a first.
func UnionKeys(a, b *dvcyaml.Map) []string {
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
