package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// repoOrigin is a file or directory of another repository.
type repoOrigin struct {
	p   *project.Repo
	rec dvcfile.LockEntry
}

// open opens the repository at the commit that is recorded, or else at its revision.
// latest asks for what the revision is by now.
func (o *repoOrigin) open(ctx context.Context, latest bool, opts *transfer.Options) (*external.Repo, error) {
	i := external.ImportOf(&dvcfile.DotOut{Entry: o.rec})
	if latest {
		i.RevLock = ""
	}
	// Paths are relative to the working directory, as for DVC.
	x, err := i.Options(&external.Options{Dir: o.p.Dir, Env: o.p.Env, Log: o.p.Log, Cache: o.p.Cache(),
		SiteCache: o.p.Setting("core", "site_cache_dir"), Transfer: opts})
	if err != nil {
		return nil, err
	}
	return external.Open(ctx, i.URL, x)
}

// path is where the data lies in the repository.
func (o *repoOrigin) path() string { return path.Clean(filepath.ToSlash(o.rec.Path)) }

// commit is the one that is opened.
func (o *repoOrigin) commit(ctx context.Context, latest bool) (string, error) {
	r, err := o.open(ctx, latest, nil)
	if err != nil {
		return "", err
	}
	id, err := r.Commit(ctx)
	return id, errors.Join(err, r.Close())
}

// Measure locks the commit, unless one is locked already.
func (o *repoOrigin) Measure(ctx context.Context) (dvcfile.LockEntry, error) {
	if i := external.ImportOf(&dvcfile.DotOut{Entry: o.rec}); i.RevLock != "" {
		return o.rec, nil
	}
	id, err := o.commit(ctx, false)
	if err != nil {
		return o.rec, err
	}
	return withRepo(o.rec, "", id), nil
}

// withRepo is the entry at another revision, if it isn't empty, and commit.
func withRepo(e dvcfile.LockEntry, rev, commit string) dvcfile.LockEntry {
	v, _ := e.Extra.Get("repo")
	was, _ := v.(*dvcyaml.Map)
	now := dvcyaml.NewMap()
	set := func(key, value string) {
		v, _ := was.Get(key)
		if value != "" {
			v = value
		}
		if v != nil && v != "" {
			now.Set(key, v)
		}
	}
	set("url", "")
	set("rev", rev)
	set("rev_lock", commit)
	for k, v := range was.All() {
		if _, done := now.Get(k); !done && v != "" && v != nil {
			now.Set(k, v)
		}
	}
	e.Extra = e.Extra.Clone()
	e.Extra.Set("repo", now)
	return e
}

// Compare asks whether the revision has moved on.
func (o *repoOrigin) Compare(ctx context.Context, rec *dvcfile.LockEntry) (project.Verdict, error) {
	i := external.ImportOf(&dvcfile.DotOut{Entry: *rec})
	now, err := o.commit(ctx, true)
	if err != nil || i.RevLock == "" || now == i.RevLock {
		return project.Same, err
	}
	return project.UpdateAvailable, nil
}

// Take fetches the data by way of the repository's cache or its remote.
func (o *repoOrigin) Take(ctx context.Context, opts *transfer.Options) (object.Meta, error) {
	r, err := o.open(ctx, false, opts)
	if err != nil {
		return object.Meta{}, err
	}
	m, err := r.Fetch(ctx, o.path())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		if bad := new(external.DataError); !errors.As(err, &bad) {
			err = &NoPathError{Path: o.rec.Path, URL: r.URL, Commit: external.ImportOf(&dvcfile.DotOut{Entry: o.rec}).RevLock}
		}
	}
	m.Exec = false
	return m, errors.Join(err, r.Close())
}

// Relay is not for data that has a remote.
func (o *repoOrigin) Relay(context.Context, *transfer.Store, *transfer.Options) (object.Meta, error) {
	return object.Meta{}, errors.New("data of another repository is not sent to a remote of this one")
}

// NoPathError says that a repository has nothing at a path.
type NoPathError struct{ Path, URL, Commit string }

func (e *NoPathError) Error() string {
	at := ""
	if len(e.Commit) > 7 {
		at = " at " + e.Commit[:7]
	}
	return fmt.Sprintf("'%s' does not exist in '%s'%s", e.Path, e.URL, at)
}

// Is makes it an [fs.ErrNotExist].
func (e *NoPathError) Is(target error) bool { return target == fs.ErrNotExist }

// advance moves the entry to what a revision is by now.
func (o *repoOrigin) advance(ctx context.Context, rev string) (dvcfile.LockEntry, error) {
	e := withRepo(o.rec, rev, "")
	id, err := (&repoOrigin{o.p, e}).commit(ctx, true)
	return withRepo(e, rev, id), err
}
