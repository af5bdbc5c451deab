package origin

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// localOrigin is a file or directory of this machine.
type localOrigin struct {
	p          *project.Repo
	path, show string
}

func (l *localOrigin) Measure(ctx context.Context) (dvcfile.LockEntry, error) {
	e := dvcfile.NewEntry(l.show)
	m, err := l.p.Hasher().Hash(ctx, l.path)
	e.Meta, e.NoSize = m, err != nil
	return e, err
}

func (l *localOrigin) Compare(ctx context.Context, rec *dvcfile.LockEntry) (project.Verdict, error) {
	now, err := l.Measure(ctx)
	if err != nil {
		return project.Same, err
	}
	return project.Differs(&now, rec), nil
}

// Take stores the content. A copy is not executable, whatever the source is.
func (l *localOrigin) Take(ctx context.Context, _ *transfer.Options) (object.Meta, error) {
	m, err := l.p.Cache().Add(ctx, l.p.Hasher(), l.path, nil)
	m.Exec = false
	return m, err
}

// Relay copies each file before it is sent: it may change meanwhile, and what is
// sent must be what its name says.
func (l *localOrigin) Relay(ctx context.Context, to *transfer.Store, opts *transfer.Options) (object.Meta, error) {
	m, err := l.p.Hasher().Hash(ctx, l.path)
	if err != nil {
		return m, err
	}
	if !m.Hash.IsDir() {
		from, err := plainStore(l.p, filepath.Dir(l.path), opts)
		if err != nil {
			return m, err
		}
		metas, err := relay(ctx, l.p, from, to, []transfer.Plain{{Key: filepath.Base(l.path), Size: m.Size}})
		if err != nil {
			return m, err
		}
		return metas[0], nil
	}
	entries, _, err := l.p.Hasher().Tree(ctx, l.path, false)
	if err != nil {
		return m, err
	}
	from, err := plainStore(l.p, l.path, opts)
	if err != nil {
		return m, err
	}
	files, names := make([]transfer.Plain, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		names[i], files[i] = e.Path, transfer.Plain{Key: e.Path, Size: -1}
	}
	metas, err := relay(ctx, l.p, from, to, files)
	if err != nil {
		return m, err
	}
	return sendManifest(ctx, l.p, to, names, metas)
}

// withSpool runs f with a directory for what is only passing through. A kill leaves
// it where the next command removes it.
func withSpool(p *project.Repo, f func(dir string) error) error {
	parent := p.ViaTemp(false).Temp
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(parent, atomicfile.TempPrefix+"*")
	if err != nil {
		return err
	}
	return errors.Join(f(dir), os.RemoveAll(dir))
}
