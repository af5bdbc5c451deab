package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/pyjson"
	"github.com/reprodl/reprodl/params"
)

// verdict says how something differs from what the lock recorded, in DVC's
// words; empty means that it does not.
type verdict string

// The verdicts.
const (
	same       verdict = ""
	modified   verdict = "modified"
	deleted    verdict = "deleted"
	added      verdict = "new"          // a parameter that the lock doesn't have
	notInCache verdict = "not in cache" // an output whose content is not in the cache
)

// exists follows links, as DVC does: a dangling one is missing.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// compareDep compares a dependency with the lock.
func (r *Repo) compareDep(ctx context.Context, d *dependency) (verdict, error) {
	return r.compareFile(ctx, d.abs, d.rec.Hash)
}

// compareOut compares an output with the lock and the cache.
func (r *Repo) compareOut(ctx context.Context, o *output) (verdict, error) {
	if o.cached() && !o.rec.Hash.IsZero() {
		has, err := r.Cache().Has(ctx, o.rec.Hash)
		if err != nil {
			return same, err
		}
		if !has {
			return notInCache, nil
		}
	}
	return r.compareFile(ctx, o.abs, o.rec.Hash)
}

func (r *Repo) compareFile(ctx context.Context, path string, want object.Hash) (verdict, error) {
	if !exists(path) {
		return deleted, nil
	}
	if want.IsZero() {
		return modified, nil
	}
	equal, err := r.Hasher().Matches(ctx, path, want)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists(path):
		return deleted, nil
	case err != nil:
		return same, err
	case equal:
		return same, nil
	}
	return modified, nil
}

// keyChange is a parameter that differs from the lock.
type keyChange struct {
	key      string
	verdict  verdict
	old, now any // the values, where there are some
}

// compareParams compares a parameter file with the lock: as a whole, if it is
// missing or was never recorded; or else key by key, in the order of the
// declaration, and of a whole file in the file's order.
func (r *Repo) compareParams(p *paramsDep) (verdict, []keyChange, error) {
	if p.data == nil && !exists(p.abs) {
		return deleted, nil, nil
	}
	if p.rec == nil {
		return added, nil, nil
	}
	now, err := r.readParams(p)
	if err != nil {
		return same, nil, err
	}
	keys := p.keys
	if len(keys) == 0 {
		keys = unionKeys(now, p.rec)
	}
	var changes []keyChange
	for _, key := range keys {
		value, isNow := now.Get(key)
		old, was := p.rec.Get(key)
		c := keyChange{key: key, old: old, now: value}
		switch {
		case !isNow:
			c.verdict = deleted
		case !was:
			c.verdict = added
		case !params.Equal(value, old):
			c.verdict = modified
		default:
			continue
		}
		changes = append(changes, c)
	}
	if len(changes) > 0 {
		return modified, changes, nil
	}
	return same, nil, nil
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
