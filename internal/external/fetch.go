package external

import (
	"context"
	"errors"
	"io"
	"path"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
)

// Fetch puts what is at a path into the cache of the options, which must be set,
// and returns what an output with it records. What the cache has already is not
// moved. Stage files and .dvcignore of a directory are left out, and a copy is not
// executable, as in DVC.
func (r *Repo) Fetch(ctx context.Context, name string) (object.Meta, error) {
	n, err := r.Node(path.Clean(name))
	if err != nil {
		return object.Meta{}, err
	}
	g := &gather{r: r, ctx: ctx, cache: r.opts.Cache, wanted: map[*transfer.Store][]object.Hash{}, nodes: map[object.Hash]*Node{}}
	g.receiver = g.cache.Receiver()
	defer g.receiver.Close()
	if err := g.collect(n); err != nil {
		return object.Meta{}, err
	}
	if err := g.fetch(); err != nil {
		return object.Meta{}, err
	}
	return g.meta(n)
}

// gather is one Fetch.
type gather struct {
	r        *Repo
	ctx      context.Context
	cache    *object.Cache
	receiver *object.Receiver

	files  []file
	wanted map[*transfer.Store][]object.Hash // by where they are
	nodes  map[object.Hash]*Node             // one that has it
}

type file struct {
	node *Node
	hash object.Hash // zero: not yet known
}

// collect sorts the files by where their bytes come from. What is known by its
// hash is fetched side by side later.
func (g *gather) collect(n *Node) error {
	top := n.Path
	return g.r.walk(g.ctx, n, func(n *Node) error {
		if n.Dir || n.Path != top && IsDVCFile(n.Path) {
			return nil
		}
		f := file{node: n}
		if !n.Git && !n.Hash.IsZero() && !n.Hash.IsLegacy() {
			f.hash = n.Hash
			if err := g.want(n); err != nil {
				return err
			}
		}
		g.files = append(g.files, f)
		return nil
	})
}

// want looks for the object in the caches; else the remote is asked.
func (g *gather) want(n *Node) error {
	if g.nodes[n.Hash] != nil {
		return nil
	}
	g.nodes[n.Hash] = n
	for _, c := range g.r.caches(n.part) {
		ok, err := c.HasObject(g.ctx, n.Hash, -1)
		if err != nil {
			return err
		}
		if ok && c == g.cache {
			return nil
		}
		if ok {
			return g.copy(n)
		}
	}
	c, _, err := g.r.chained(n.part, n.out)
	if err != nil {
		return err
	}
	source, err := g.r.urlSource(n.part, n.out)
	if err != nil {
		return g.r.noData(n.part, n.out, n.rest, err)
	}
	if c != nil || source != nil {
		return g.copy(n)
	}
	s, err := g.r.store(n.part, n.out.Remote)
	if err != nil {
		return g.r.noData(n.part, n.out, n.rest, err)
	}
	g.wanted[s] = append(g.wanted[s], n.Hash)
	return nil
}

// copy stores a file whose hash is known.
func (g *gather) copy(n *Node) error {
	f, err := g.r.Open(n)
	if err != nil {
		return err
	}
	_, err = g.receiver.Receive(g.ctx, n.Hash, f)
	return errors.Join(err, f.Close())
}

// fetch asks each remote for what only it has.
func (g *gather) fetch() error {
	for s, hashes := range g.wanted {
		t, err := s.Fetch(g.ctx, transfer.All(hashes...))
		if err != nil {
			return err
		}
		for _, h := range t.Missing {
			n := g.nodes[h]
			return g.r.noData(n.part, n.out, n.rest, object.ErrMissing)
		}
		if err := errors.Join(t.Failed...); err != nil {
			return err
		}
	}
	return nil
}

// meta completes the files whose hash had to be computed.
func (g *gather) meta(n *Node) (object.Meta, error) {
	var m object.Meta
	entries := make([]object.Entry, 0, len(g.files))
	for _, f := range g.files {
		if f.hash.IsZero() {
			var err error
			if f.hash, err = g.add(f.node); err != nil {
				return m, err
			}
		}
		size, err := g.cache.Size(f.hash)
		if err != nil {
			return m, err
		}
		m.Size += size
		m.Hash = f.hash
		entries = append(entries, object.Entry{Path: below(f.node.Path, n.Path), Hash: f.hash})
	}
	if !n.Dir {
		return m, nil
	}
	var err error
	m.Files = len(entries)
	m.Hash, err = g.cache.PutManifest(g.ctx, entries)
	return m, err
}

// add stores a file whose hash is not known: it is read for it first.
func (g *gather) add(n *Node) (object.Hash, error) {
	var h object.Hash
	err := g.read(n, func(f io.Reader) (err error) { h, _, err = object.SumReader(f); return err })
	if err != nil {
		return h, err
	}
	if ok, err := g.cache.HasObject(g.ctx, h, -1); ok || err != nil {
		return h, err
	}
	return h, g.read(n, func(f io.Reader) error { _, err := g.receiver.Receive(g.ctx, h, f); return err })
}

func (g *gather) read(n *Node, use func(io.Reader) error) error {
	f, err := g.r.Open(n)
	if err != nil {
		return err
	}
	return errors.Join(use(f), f.Close())
}
