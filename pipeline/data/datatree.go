package data

import (
	"context"
	"os"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// dataTree is one state of the tracked data: paths from the root, without a
// final slash, so that a directory that became a file is still one path.
type dataTree struct {
	hashes map[string]object.Hash
	outs   map[string]*project.Output // whose path it is, or lies in
	opaque map[string]bool            // directories whose files are not known
	order  []string
	dirs   map[string]bool // with files below them; nil before the first question
}

// newDataTree is a state without any data.
func newDataTree() *dataTree {
	return &dataTree{hashes: map[string]object.Hash{}, outs: map[string]*project.Output{}, opaque: map[string]bool{}}
}

// add enters a path, in the order of the first time; a later entry replaces it.
func (t *dataTree) add(path string, h object.Hash, o *project.Output) {
	if _, ok := t.hashes[path]; !ok {
		t.order = append(t.order, path)
	}
	t.hashes[path], t.outs[path] = h, o
}

// show is a path as Status has it: a directory ends in a slash.
func (t *dataTree) show(path string) string {
	if t.hashes[path].IsDir() {
		return path + "/"
	}
	return path
}

// holds reports files below a path.
func (t *dataTree) holds(path string) bool {
	if t.dirs == nil {
		t.dirs = map[string]bool{}
		for _, p := range t.order {
			for i := strings.LastIndexByte(p, '/'); i > 0 && !t.dirs[p[:i]]; i = strings.LastIndexByte(p[:i], '/') {
				t.dirs[p[:i]] = true
			}
		}
	}
	return t.dirs[path]
}

// unknown reports a path in a directory whose files are not known.
func (t *dataTree) unknown(path string) bool {
	for dir := range t.opaque {
		if strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

// recorded is what an index says.
// Outputs that git keeps are not in it. Those that nothing is recorded of are files
// without a hash to DVC's diff, and not there for its data status.
func (d *dataStatus) recorded(ctx context.Context, x *project.Index) *dataTree {
	t := newDataTree()
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			if !o.GitIgnored() || o.Rec.Hash.IsZero() && !d.broken {
				continue
			}
			path := x.FromRoot(o.Abs)
			t.add(path, o.Rec.Hash, o)
			// Without --granular DVC shows a directory as one line and never opens its
			// manifest.
			if !d.granular || !o.Rec.Hash.IsDir() {
				continue
			}
			entries, ok := d.manifest(ctx, o)
			if !ok {
				// Its own hash is known and compared; only its files are not.
				t.opaque[path] = true
			}
			for _, e := range entries {
				t.add(path+"/"+e.Path, e.Hash, o)
			}
		}
	}
	return t
}

// manifest reads what a directory consists of, from the cache or else from the
// remote or, of an import, from where it came; nothing of that is kept. As for DVC, it
// doesn't matter here why none has it.
func (d *dataStatus) manifest(ctx context.Context, o *project.Output) ([]object.Entry, bool) {
	entries, err := d.r.p.Cache().Tree(o.Rec.Hash)
	if err == nil {
		return entries, true
	}
	store, err := d.openRemote(ctx, d.remoteName(o))
	if err == nil && store != nil {
		if entries, err = store.Tree(ctx, o.Rec.Hash); err == nil {
			return entries, true
		}
	}
	return origin.Tree(ctx, o)
}

// remoteName is the remote that an output goes to; empty if there is none.
func (d *dataStatus) remoteName(o *project.Output) string {
	if o.Remote != "" {
		return o.Remote
	}
	return d.r.RemoteName(d.remote)
}

// openRemote opens a remote once; nil if it has no name.
func (d *dataStatus) openRemote(ctx context.Context, name string) (*transfer.Store, error) {
	if name == "" {
		return nil, nil
	}
	if store, ok := d.remotes[name]; ok {
		return store, nil
	}
	store, err := transfer.Open(ctx, d.r.p, name, nil)
	if err == nil {
		d.remotes[name] = store
	}
	return store, err
}

// workspace is what the outputs hold now.
// It lists only outputs that are declared now; what else lies there is git's.
func (d *dataStatus) workspace(ctx context.Context, x *project.Index) (*dataTree, error) {
	t := newDataTree()
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			if !o.GitIgnored() {
				continue
			}
			path := x.FromRoot(o.Abs)
			if !d.touches(path) {
				continue
			}
			if !project.Exists(o.Abs) {
				if _, err := os.Lstat(o.Abs); err == nil && d.broken {
					t.add(path, object.Hash{}, o)
				}
				continue
			}
			if !project.IsDir(o.Abs) {
				m, err := d.r.p.Measure(ctx, o.Abs, o.Rec.Hash)
				if err != nil {
					return nil, err
				}
				t.add(path, m.Hash, o)
				continue
			}
			// A directory that DVC 2 recorded is hashed as DVC 2 did (with CRLF turned
			// into LF), or each of its text files would seem changed.
			entries, m, err := d.r.p.Hasher().Survey(ctx, o.Abs, o.Rec.Hash.IsLegacy())
			if err != nil {
				return nil, err
			}
			t.add(path, m.Hash, o)
			for _, e := range entries {
				// To DVC's diff a link that leads nowhere is a file without a hash, to its
				// data status none at all.
				if d.granular && (d.broken || !e.Hash.IsZero()) {
					t.add(path+"/"+e.Path, e.Hash, o)
				}
			}
		}
	}
	return t, nil
}
