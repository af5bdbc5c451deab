package data

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
)

// MergeError says that two versions of a tracked directory cannot be merged
// without asking.
type MergeError struct{ Text string }

func (e *MergeError) Error() string { return e.Text }

// Merge is what git's merge driver does to a .dvc file of a directory: the files
// that were added, changed or deleted in their version since the ancestor are so in
// our one, too, whose .dvc file is rewritten. The three are paths of .dvc files,
// that of the ancestor may be empty. What both have changed is a [*MergeError].
func (r *Repo) Merge(ctx context.Context, ancestor, our, their string) error {
	var sides [3]*dvcfile.DotDVC
	for i, path := range []string{ancestor, our, their} {
		dot, err := r.loadDot(path)
		if err != nil {
			return err
		}
		sides[i] = dot
	}
	ours, theirs := sides[1], sides[2]
	if len(theirs.Outs) == 0 {
		return nil
	}
	if len(ours.Outs) == 0 {
		data, err := os.ReadFile(r.p.UserPath(their))
		if err != nil {
			return err
		}
		return atomicfile.WriteFile(r.p.UserPath(our), data, nil)
	}
	if err := mergeable(sides[:]...); err != nil {
		return err
	}
	var trees [3]map[string]object.Hash
	for i, dot := range sides {
		trees[i] = map[string]object.Hash{}
		if len(dot.Outs) == 0 {
			continue
		}
		entries, err := r.p.Cache().Tree(dot.Outs[0].Entry.Hash)
		if err != nil {
			return err
		}
		for _, e := range entries {
			trees[i][e.Path] = e.Hash
		}
	}
	merged, err := mergeTrees(trees[0], trees[1], trees[2])
	if err != nil {
		return err
	}
	entries := make([]object.Entry, 0, len(merged))
	size, known := int64(0), true
	for path, h := range merged {
		entries = append(entries, object.Entry{Path: path, Hash: h})
		n, err := r.p.Cache().Size(h)
		known = known && err == nil
		size += n
	}
	e := &ours.Outs[0].Entry
	if e.Hash, err = r.p.Cache().PutManifest(ctx, entries); err != nil {
		return err
	}
	e.Size, e.NoSize, e.Files = size, !known, len(entries)
	data, err := ours.Bytes()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(r.p.UserPath(our), data, nil)
}

// loadDot reads a .dvc file under whatever name git gave it. An empty one has no
// outputs.
func (r *Repo) loadDot(path string) (*dvcfile.DotDVC, error) {
	abs := r.p.UserPath(path)
	opts, err := r.p.FileOptions()
	if err != nil {
		return nil, err
	}
	return dvcfile.LoadDotDVC(os.DirFS(filepath.Dir(abs)), filepath.Base(abs), opts)
}

// mergeable requires one directory on each side, with the same options.
func mergeable(sides ...*dvcfile.DotDVC) error {
	var first *dvcfile.DotOut
	for _, dot := range sides {
		if len(dot.Outs) > 1 || len(dot.Deps) > 0 {
			return &MergeError{"unable to auto-merge DVC files that weren't created by `dvc add`"}
		}
		if len(dot.Outs) == 0 {
			continue
		}
		o := &dot.Outs[0]
		if first == nil {
			first = o
		}
		if o.Entry.Path != first.Entry.Path || o.Out.NoCache != first.Out.NoCache || o.Out.Persist != first.Out.Persist || o.Out.Remote != first.Out.Remote {
			return &MergeError{"unable to auto-merge outputs with different options"}
		}
		if !o.Entry.Hash.IsDir() {
			return &MergeError{"unable to auto-merge outputs that are not directories"}
		}
	}
	return nil
}

// mergeTrees applies what they have done since the ancestor to our files. Both may
// have done the same, but for deleting: DVC asks then.
func mergeTrees(base, ours, theirs map[string]object.Hash) (map[string]object.Hash, error) {
	merged := maps.Clone(ours)
	var conflicts []string
	for _, path := range slices.Sorted(maps.Keys(union(base, ours, theirs))) {
		b, inBase := base[path]
		o, inOurs := ours[path]
		t, inTheirs := theirs[path]
		switch {
		case inTheirs == inBase && t == b: // they did nothing
		case inOurs == inBase && o == b: // we did nothing
			if inTheirs {
				merged[path] = t
			} else {
				delete(merged, path)
			}
		case !inOurs && !inTheirs:
			conflicts = append(conflicts, "both deleted: ('"+strings.ReplaceAll(path, "/", "', '")+"',)")
		case inOurs && inTheirs && o == t:
		default:
			conflicts = append(conflicts, path)
		}
	}
	if len(conflicts) > 0 {
		return nil, &MergeError{fmt.Sprintf("unable to auto-merge the following paths:\n%s", strings.Join(conflicts, "\n"))}
	}
	return merged, nil
}

func union(maps ...map[string]object.Hash) map[string]bool {
	all := map[string]bool{}
	for _, m := range maps {
		for k := range m {
			all[k] = true
		}
	}
	return all
}
