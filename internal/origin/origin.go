// Package origin is where imported data comes from: a path of this machine, a URL,
// or a path of another repository. It says what is there (the checksums that DVC
// records of it), and copies it to the cache or straight to a remote.
package origin

import (
	"context"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// Origin is a source of data.
type Origin interface {
	project.Origin
	// Take copies what is there to the cache, and says what it is: a directory is
	// named by its manifest, which is stored, too.
	Take(ctx context.Context, opts *transfer.Options) (object.Meta, error)
	// Relay copies what is there to a store and keeps nothing of it.
	Relay(ctx context.Context, to *transfer.Store, opts *transfer.Options) (object.Meta, error)
}

func init() {
	project.NewOrigin = func(p *project.Repo, e *dvcfile.LockEntry) project.Origin {
		if external.ImportOf(&dvcfile.DotOut{Entry: *e}) != nil {
			return &repoOrigin{p, *e}
		}
		return &urlOrigin{p: p, url: e.Path, rec: *e}
	}
}

// Of is the origin of an import, as its .dvc file says by now.
func Of(s *project.Stage) Origin {
	d := s.Deps[0]
	if d.Origin != nil {
		return project.NewOrigin(s.Repo, &s.Dot.Deps[0].Entry).(Origin)
	}
	return &localOrigin{p: s.Repo, path: d.Abs, show: d.Show}
}

// At is what lies at a URL or a path, absolute or relative to the working directory.
func At(p *project.Repo, where string, options map[string]string) (Origin, error) {
	if !project.IsURL(where) {
		return &localOrigin{p: p, path: p.UserPath(where), show: where}, nil
	}
	o := &urlOrigin{p: p, url: where, options: options}
	_, err := o.config()
	return o, err
}

// manifest stores the manifest of a directory whose files are in the cache.
func manifest(ctx context.Context, c *object.Cache, names []string, files []object.Meta) (object.Meta, error) {
	m, entries := total(names, files)
	h, err := c.PutManifest(ctx, entries)
	m.Hash = h
	return m, err
}

func total(names []string, files []object.Meta) (object.Meta, []object.Entry) {
	m := object.Meta{Files: len(files)}
	entries := make([]object.Entry, len(files))
	for i, f := range files {
		entries[i] = object.Entry{Path: names[i], Hash: f.Hash}
		m.Size += f.Size
	}
	return m, entries
}

// sendManifest sends the manifest of a directory whose files have been sent: it is
// last, as what is there vouches for them.
func sendManifest(ctx context.Context, p *project.Repo, to *transfer.Store, names []string, files []object.Meta) (object.Meta, error) {
	m, entries := total(names, files)
	err := withSpool(p, func(dir string) error {
		spool := object.OpenCache(dir, nil)
		h, err := spool.PutManifest(ctx, entries)
		if err != nil {
			return err
		}
		m.Hash = h
		return to.Send(ctx, spool, h)
	})
	return m, err
}
