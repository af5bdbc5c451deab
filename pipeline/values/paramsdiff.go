package values

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline/data"
)

// DiffOptions select what MetricsDiff and ParamsDiff compare; nil compares HEAD
// with the working tree.
type DiffOptions struct {
	Old, New  string   // revisions; empty means HEAD and [Workspace]
	Targets   []string // files to compare instead of those declared, relative to the Repo's Dir
	Unchanged bool     // also list values that are the same
	DepsOnly  bool     // ParamsDiff: only the parameters that stages track
}

// Diff is what two revisions do not agree on.
type Diff struct {
	Files  []FileDiff
	Errors []string // revisions of which something could not be read
}

// FileDiff is what differs in one file, sorted by name.
type FileDiff struct {
	Path    string // relative to the Repo's Dir
	Changes []params.Change
}

// MetricsDiff compares the metrics of two revisions. Without any commit there
// is nothing to compare.
func MetricsDiff(ctx context.Context, repo *data.Repo, opts *DiffOptions) (*Diff, error) {
	return diff(ctx, project.Of(repo), "metrics", opts, func(v *view, opts *DiffOptions) []FileValues { return v.metrics(opts.Targets) })
}

// ParamsDiff compares the parameters of two revisions: those that stages track,
// all of params.yaml in the root, declared files, and what templates use.
func ParamsDiff(ctx context.Context, repo *data.Repo, opts *DiffOptions) (*Diff, error) {
	return diff(ctx, project.Of(repo), "params", opts, (*view).params)
}

// diff reads both sides with read; what is their name in messages.
func diff(ctx context.Context, r *project.Repo, what string, opts *DiffOptions, read func(*view, *DiffOptions) []FileValues) (*Diff, error) {
	o := DiffOptions{}
	if opts != nil {
		o = *opts
	}
	o.Old, o.New = cmp.Or(o.Old, "HEAD"), cmp.Or(o.New, Workspace)
	// Before the first commit there is nothing to compare with: DVC prints nothing
	// and is content.
	if id, _, err := head(ctx, r); err != nil {
		return nil, fmt.Errorf("Only supported for Git repositories: %w", err) // DVC's words
	} else if id.IsZero() {
		return &Diff{}, nil
	}
	all, err := gather(ctx, r, what, &Revisions{Revs: []string{o.Old, o.New}}, func(v *view) []FileValues { return read(v, &o) })
	if err != nil {
		return nil, err
	}
	d := &Diff{}
	// One revision may be both sides, and is reported as unreadable once.
	side := func(rev string) []FileValues {
		for _, v := range all {
			if v.Rev != rev {
				continue
			}
			failed := v.Err != nil || slices.ContainsFunc(v.Files, func(f FileValues) bool { return f.Err != nil })
			if failed && !slices.Contains(d.Errors, rev) {
				d.Errors = append(d.Errors, rev)
			}
			return v.Files
		}
		return nil
	}
	d.Files = diffFiles(side(o.Old), side(o.New), o.Unchanged)
	return d, nil
}

// diffFiles compares file by file, in the order of the old side.
func diffFiles(old, new []FileValues, unchanged bool) []FileDiff {
	var order []string
	find := func(list []FileValues, p string) any {
		for _, f := range list {
			if f.Path == p {
				return f.Data
			}
		}
		return nil
	}
	// A file that only one side has differs from nil. DVC goes through a set here,
	// whose order is no order.
	for _, f := range append(slices.Clone(old), new...) {
		if !slices.Contains(order, f.Path) {
			order = append(order, f.Path)
		}
	}
	var all []FileDiff
	for _, p := range order {
		if changes := diffValues(find(old, p), find(new, p), unchanged); len(changes) > 0 {
			all = append(all, FileDiff{p, changes})
		}
	}
	return all
}

// diffValues also compares files that hold a single value, under an empty name.
func diffValues(old, new any, unchanged bool) []params.Change {
	_, oldMap := old.(*params.Map)
	_, newMap := new.(*params.Map)
	if oldMap || newMap || old == nil && new == nil {
		return params.Diff(old, new, unchanged)
	}
	if !unchanged && params.Equal(old, new) {
		return nil
	}
	return []params.Change{{Old: listText(old), New: listText(new)}}
}

// listText writes a list as Python does: DVC's tables show str(list).
func listText(x any) any {
	if l, ok := x.([]any); ok {
		return pyjson.Repr(l)
	}
	return x
}

// head returns the current commit and branch; the zero id if there is no commit.
func head(ctx context.Context, r *project.Repo) (git.ID, string, error) {
	repo, err := git.Open(r.Root)
	if err != nil {
		return "", "", err
	}
	defer repo.Close()
	// A repository without commits has no HEAD to resolve; that is no error here.
	id, branch, err := repo.Head(ctx)
	if err != nil {
		return "", "", nil
	}
	return id, strings.TrimPrefix(branch, "refs/heads/"), nil
}

// trackedParams are the keys to show of a parameter file; none means all.
type trackedParams struct {
	file string
	keys []string
}

// params reads the parameters of a view.
func (v *view) params(opts *DiffOptions) []FileValues {
	var all []FileValues
	for _, t := range v.trackedParams(opts) {
		for _, name := range v.expand([]string{t.file}) {
			f := v.values(name)
			if m, ok := f.Data.(*params.Map); ok && len(t.keys) > 0 {
				f.Data = pick(m, t.keys)
			}
			all = append(all, f)
		}
	}
	if len(opts.Targets) == 0 {
		all = v.addVars(all)
	}
	return all
}

// trackedParams merges what stages, files and targets ask for, file by file in
// the order in which they are first named. One that wants all of a file wins over
// those that want some of its keys.
func (v *view) trackedParams(opts *DiffOptions) []trackedParams {
	var list []trackedParams
	whole := map[string]bool{}
	add := func(file string, keys []string) {
		// An empty list cannot say this later: keys of others are appended to it.
		whole[file] = whole[file] || len(keys) == 0
		for i := range list {
			if list[i].file == file {
				list[i].keys = append(list[i].keys, keys...)
				return
			}
		}
		list = append(list, trackedParams{file, slices.Clone(keys)})
	}
	if len(opts.Targets) > 0 {
		for _, name := range v.fromUser(opts.Targets) {
			add(name, nil)
		}
		return list
	}
	for _, s := range v.stages() {
		for _, p := range s.Params {
			add(s.Path(p.Path), p.Keys)
		}
	}
	if !opts.DepsOnly {
		for _, i := range v.items {
			if i.File != nil {
				for _, p := range i.File.Params {
					add(path.Join(i.File.Dir(), p), nil)
				}
			}
		}
		// params.yaml in the root counts as declared, all of it. It is not asked whether
		// any stage uses it.
		if _, err := v.read(dvcfile.ParamsName); err == nil {
			add(dvcfile.ParamsName, nil)
		}
	}
	for i := range list {
		if whole[list[i].file] {
			list[i].keys = nil
		}
	}
	return list
}

// addVars adds the variables that templates take from files not shown already.
func (v *view) addVars(all []FileValues) []FileValues {
	// A file that is shown is shown with all that was asked of it; its variables on
	// top of that would be there twice.
	shown := map[string]bool{}
	for _, f := range all {
		shown[f.Path] = true
	}
	extra := map[string]*params.Map{}
	for _, s := range v.stages() {
		for _, used := range s.Vars {
			if shown[used.File] {
				continue
			}
			if extra[used.File] == nil {
				extra[used.File] = &params.Map{}
				all = append(all, FileValues{Path: used.File, Data: extra[used.File]})
			}
			extra[used.File].Set(used.Key, used.Value)
		}
	}
	return all
}

// pick keeps the given dotted keys of a mapping, nested as they were. Items of a
// list follow as many nulls as items stood before them.
func pick(m *params.Map, keys []string) *params.Map {
	kept := &params.Map{}
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			continue
		}
		if found, ok := along(m, strings.Split(key, ".")); ok {
			mergeInto(kept, found.(*params.Map))
		}
	}
	return kept
}

// along returns x reduced to what lies on a path of keys and indexes.
func along(x any, parts []string) (any, bool) {
	if len(parts) == 0 {
		return x, true
	}
	switch x := x.(type) {
	case *params.Map:
		if item, ok := x.Get(parts[0]); ok {
			if item, ok = along(item, parts[1:]); ok {
				m := &params.Map{}
				m.Set(parts[0], item)
				return m, true
			}
		}
	case []any:
		if i, err := strconv.Atoi(parts[0]); err == nil && i >= 0 && i < len(x) {
			if item, ok := along(x[i], parts[1:]); ok {
				// DVC picks with dpath, which makes a list as long as the index needs.
				return append(make([]any, i), item), true
			}
		}
	}
	return nil, false
}

// mergeInto adds as dpath merges: mappings key by key, lists end to end, and
// anything else replaces what was there.
func mergeInto(into, from *params.Map) {
	for k, add := range from.All() {
		have, _ := into.Get(k)
		switch add := add.(type) {
		case *params.Map:
			if m, ok := have.(*params.Map); ok {
				mergeInto(m, add)
				continue
			}
		case []any:
			if l, ok := have.([]any); ok {
				into.Set(k, append(slices.Clone(l), add...))
				continue
			}
		}
		into.Set(k, add)
	}
}
