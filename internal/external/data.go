package external

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// tree is the manifest of a directory.
type tree struct {
	files map[string]object.Hash
	names map[string][]string // of what is in a directory; "" is the top
}

func newTree(entries []object.Entry) *tree {
	t := &tree{files: make(map[string]object.Hash, len(entries)), names: map[string][]string{"": nil}}
	for _, e := range entries {
		t.files[e.Path] = e.Hash
		// The entries are sorted, so that a name of a directory repeats only if
		// something was in between ("a", "a-b", "a/c").
		for name := e.Path; ; {
			dir, base := path.Split(name)
			dir = strings.TrimSuffix(dir, "/")
			_, known := t.names[dir]
			t.names[dir] = append(t.names[dir], base)
			if known || dir == "" {
				break
			}
			name = dir
		}
	}
	return t
}

// tree reads the manifest of an output once.
func (r *Repo) tree(p *part, o *project.Output) (*tree, error) {
	h := o.Rec.Hash
	p.treesMu.Lock()
	defer p.treesMu.Unlock()
	if t := p.trees[h]; t != nil && !h.IsZero() {
		return t, nil
	}
	entries, err := r.manifest(p, o)
	if err != nil {
		return nil, err
	}
	t := newTree(entries)
	p.trees[h] = t
	return t, nil
}

// manifest looks for it in the caches, and then where the data comes from.
func (r *Repo) manifest(p *part, o *project.Output) ([]object.Entry, error) {
	h := o.Rec.Hash
	if h.IsZero() {
		s, err := r.urlSource(p, o)
		if s == nil || err != nil {
			return nil, r.noData(p, o, "", errors.Join(errNotRecorded, err))
		}
		return s.entries(), nil
	}
	for _, c := range r.caches(p) {
		entries, err := c.Tree(h)
		if err == nil || !errors.Is(err, object.ErrMissing) && !errors.Is(err, object.ErrCorrupt) {
			return entries, err
		}
	}
	if c, from, err := r.chained(p, o); c != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return c.entries(from)
	}
	if s, err := r.urlSource(p, o); s != nil || err != nil {
		if err != nil {
			return nil, r.noData(p, o, "", err)
		}
		return s.entries(), nil
	}
	s, err := r.store(p, o.Remote)
	if err != nil {
		return nil, r.noData(p, o, "", err)
	}
	entries, err := s.Tree(r.ctx, h)
	if err != nil {
		return nil, r.noData(p, o, "", err)
	}
	return entries, nil
}

// caches are where data of a repository is looked for first.
func (r *Repo) caches(p *part) []*object.Cache {
	var list []*object.Cache
	if r.opts.Cache != nil {
		list = append(list, r.opts.Cache)
	}
	if r.Path != "" {
		list = append(list, p.p.Cache())
	}
	return list
}

// storeKey names a remote of one of the repositories.
type storeKey struct {
	part   *part
	remote string
}

// store is a remote, opened once. An empty name is the default.
func (r *Repo) store(p *part, name string) (*transfer.Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := storeKey{p, name}
	if s := r.stores[key]; s != nil {
		return s, nil
	}
	o := transfer.Options{}
	if r.opts.Transfer != nil {
		o = *r.opts.Transfer
	}
	o.Cache, o.Log = r.opts.Cache, r.opts.Log
	s, err := transfer.Open(r.ctx, p.p, name, &o)
	if err == nil {
		r.stores[key] = s
	}
	return s, err
}

// noData says that something is recorded, and where it was looked for in vain.
func (r *Repo) noData(p *part, o *project.Output, rest string, err error) error {
	name := path.Join(p.index.FromRoot(o.Abs), rest)
	if p.dir != "." {
		name = p.dir + "/" + name
	}
	return &DataError{Path: name, URL: r.URL, Err: err}
}

// DataError says that the data of a path could not be read, though the
// repository tracks it.
type DataError struct {
	Path string
	URL  string // of the repository
	Err  error
}

func (e *DataError) Error() string {
	return fmt.Sprintf("the data of '%s' of '%s' is not in a cache here, and cannot be had from its remote: %v", e.Path, e.URL, e.Err)
}
func (e *DataError) Unwrap() error { return e.Err }

var errNotRecorded = errors.New("nothing is recorded of it: its stage has not been run")

// recorded is what is known of an output, or of what is below it.
func (r *Repo) recorded(p *part, o *project.Output, rest string) (h object.Hash, size int64, exec, dir bool, err error) {
	if o.Rec.Hash.IsZero() {
		c, from, err := r.chained(p, o)
		switch {
		case err != nil:
			return h, -1, false, false, err
		case c != nil:
			n, err := c.Node(path.Join(from, rest))
			if err != nil {
				return h, -1, false, false, err
			}
			return n.Hash, n.Size, n.Exec, n.Dir, nil
		case o.From != nil:
			return r.recordedURL(p, o, rest)
		case rest != "":
			return h, -1, false, false, notExist("stat", path.Join(p.index.FromRoot(o.Abs), rest))
		}
		return h, 0, false, false, nil
	}
	if rest == "" {
		size = o.Rec.Size
		if size == 0 && o.Rec.Hash != emptyHash { // DVC 0 recorded no sizes
			size = -1
		}
		return o.Rec.Hash, size, o.Rec.Exec, o.Rec.Hash.IsDir(), nil
	}
	if !o.Rec.Hash.IsDir() {
		return h, -1, false, false, notExist("stat", path.Join(p.index.FromRoot(o.Abs), rest))
	}
	t, err := r.tree(p, o)
	if err != nil {
		return h, -1, false, false, err
	}
	if h, ok := t.files[rest]; ok {
		return h, -1, false, false, nil
	}
	if _, ok := t.names[rest]; ok {
		return object.Hash{}, -1, false, true, nil
	}
	return h, -1, false, false, notExist("stat", path.Join(p.index.FromRoot(o.Abs), rest))
}

// recordedURL is recorded for an import from a URL without its data.
func (r *Repo) recordedURL(p *part, o *project.Output, rest string) (h object.Hash, size int64, exec, dir bool, err error) {
	s, err := r.urlSource(p, o)
	if err != nil {
		return h, -1, false, false, err
	}
	if s == nil && rest == "" {
		return h, 0, false, false, nil
	}
	if s != nil {
		if f, ok := s.files[rest]; ok {
			return h, f.size, false, false, nil
		}
		if _, ok := newTree(s.entries()).names[rest]; ok {
			return h, -1, false, true, nil
		}
	}
	return h, -1, false, false, notExist("stat", path.Join(p.index.FromRoot(o.Abs), rest))
}

var emptyHash, _, _ = object.SumReader(strings.NewReader(""))

// chained is the repository that an output was imported from, with the path in
// it; nil if it was not.
func (r *Repo) chained(p *part, o *project.Output) (*Repo, string, error) {
	i := p.imported(o)
	if i == nil {
		return nil, "", nil
	}
	if r.opts.depth > 10 {
		return nil, "", fmt.Errorf("'%s' of '%s' is imported over too many repositories", i.Path, i.URL)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprintf("%q", []any{i.URL, i.Rev, i.RevLock, i.Remote, i.RemoteConfig, i.Values, i.Config})
	c := r.chain[key]
	if c == nil {
		base := r.opts
		base.Dir, base.depth = p.p.Root, r.opts.depth+1
		opts, err := i.Options(&base)
		if err != nil {
			return nil, "", err
		}
		if c, err = Open(r.ctx, i.URL, opts); err != nil {
			return nil, "", err
		}
		r.chain[key] = c
	}
	return c, path.Clean(i.Path), nil
}

// entries are the files below a directory, as a manifest has them. Those whose
// hash is not recorded are read for it.
func (r *Repo) entries(dir string) ([]object.Entry, error) {
	var out []object.Entry
	err := r.Walk(r.ctx, dir, func(n *Node) error {
		if n.Dir || n.Path != dir && IsDVCFile(n.Path) {
			return nil
		}
		h := n.Hash
		if n.Git || h.IsZero() || h.IsLegacy() {
			f, err := r.Open(n)
			if err != nil {
				return err
			}
			defer f.Close()
			if h, _, err = object.SumReader(f); err != nil {
				return err
			}
		}
		out = append(out, object.Entry{Path: below(n.Path, dir), Hash: h})
		return nil
	})
	object.SortEntries(out)
	return out, err
}

// below is a path relative to a directory that it is in.
func below(name, dir string) string {
	if dir == "." {
		return name
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
}

// Walk calls f with what is at a path and all below it, a directory before what is
// in it, by name. Links that lead nowhere are left out.
func (r *Repo) Walk(ctx context.Context, name string, f func(*Node) error) error {
	n, err := r.Node(name)
	if err != nil {
		return err
	}
	return r.walk(ctx, n, f)
}

func (r *Repo) walk(ctx context.Context, n *Node, f func(*Node) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f(n); err != nil || !n.Dir {
		return err
	}
	list, err := r.list(n)
	if err != nil {
		return err
	}
	for _, child := range list {
		if child.Broken {
			continue
		}
		if err := r.walk(ctx, child, f); err != nil {
			return err
		}
	}
	return nil
}

// Size is the number of bytes of a file; the remote is asked if need be.
func (r *Repo) Size(n *Node) (int64, error) {
	if n.Size >= 0 || n.Dir {
		return max(0, n.Size), nil
	}
	f, err := r.Open(n)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if s, ok := f.(interface{ Size() (int64, error) }); ok {
		return s.Size()
	}
	return io.Copy(io.Discard, f)
}
