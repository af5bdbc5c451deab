package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// SyncOptions change what Sync does.
type SyncOptions struct {
	Force      bool // also if nothing changed
	NoDownload bool // only look at the origin; what was imported before goes
	Dry        bool // only say what would be done
	Transfer   *transfer.Options
}

// Sync makes an import what its origin is: the content goes to the cache, and from
// there to the workspace, and is noted in s.Dot. Whoever calls writes that file.
// ignored gets the line that hides the output from git.
func Sync(ctx context.Context, s *project.Stage, ignored *project.IgnoreLines, opts *SyncOptions) error {
	s.Repo.Log.Info(fmt.Sprintf("Importing '%s' -> '%s'", s.Deps[0].Show, s.Outs[0].Show))
	if opts.Dry {
		return nil
	}
	o := s.Outs[0]
	if err := s.Repo.CheckInside(o.Abs); err != nil {
		return err
	}
	src := Of(s)
	if !opts.NoDownload {
		willTake(src, opts.Transfer)
	}
	now, err := measure(ctx, s, src)
	if err != nil {
		return err
	}
	if err := ignored.Add(o); err != nil {
		return err
	}
	if !opts.Force {
		if cached, err := alreadyCached(ctx, s, &now); cached || err != nil {
			if err == nil {
				err = Place(ctx, s.Repo, o, o.Rec)
			}
			return err
		}
	}
	return take(ctx, s, now, opts)
}

// measure is what the origin is now. Missing, it is DVC's error.
func measure(ctx context.Context, s *project.Stage, src Origin) (dvcfile.LockEntry, error) {
	now, err := src.Measure(ctx)
	return now, missing(s, err)
}

// missing is DVC's error for what is not there.
func missing(s *project.Stage, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		show := s.Deps[0].Show
		return project.MissingInput(show, fmt.Sprintf("dependency '%s' does not exist", show), nil)
	}
	return err
}

// alreadyCached reports an import that only lacks its file in the workspace.
func alreadyCached(ctx context.Context, s *project.Stage, now *dvcfile.LockEntry) (bool, error) {
	changed, err := s.SumChanged()
	if changed || err != nil || project.Differs(now, &s.Deps[0].Rec) != project.Same && !s.IsRepoImport() {
		return false, err
	}
	h := s.Outs[0].Rec.Hash
	if h.IsZero() {
		return false, nil
	}
	return s.Repo.Cache().Has(ctx, h)
}

func take(ctx context.Context, s *project.Stage, now dvcfile.LockEntry, opts *SyncOptions) error {
	dep, out := &s.Dot.Deps[0].Entry, &s.Dot.Outs[0].Entry
	now.Path = dep.Path
	*dep, s.Deps[0].Rec = now, now
	if opts.NoDownload {
		if err := os.RemoveAll(s.Outs[0].Abs); err != nil {
			return err
		}
		return s.Dot.UpdateMD5()
	}
	m, err := Of(s).Take(ctx, opts.Transfer)
	if err != nil {
		return missing(s, err)
	}
	if err := Place(ctx, s.Repo, s.Outs[0], m); err != nil {
		return err
	}
	out.Meta, out.NoSize = m, false
	s.Outs[0].Rec = m
	return s.Dot.UpdateMD5()
}

// Place puts content of the cache into the workspace, whatever is there.
func Place(ctx context.Context, p *project.Repo, o *project.Output, m object.Meta) error {
	opts := &object.CheckoutOptions{Force: true, Exec: m.Exec}
	if _, err := p.Cache().Checkout(ctx, p.Hasher(), o.Abs, m.Hash, opts); err != nil {
		return err
	}
	links := p.OpenLinks()
	links.Note(o.Abs, m.Hash)
	links.Save()
	return nil
}

// Relay sends the content to a remote, and nothing of it to the cache or the
// workspace. It is noted in s.Dot.
func Relay(ctx context.Context, s *project.Stage, to *transfer.Store, opts *transfer.Options) error {
	src := Of(s)
	m, err := src.Relay(ctx, to, opts)
	if err != nil {
		return missing(s, err)
	}
	now, err := measure(ctx, s, src)
	if err != nil {
		return err
	}
	dep, out := &s.Dot.Deps[0].Entry, &s.Dot.Outs[0].Entry
	now.Path = dep.Path
	*dep, s.Deps[0].Rec = now, now
	out.Meta, out.NoSize, s.Outs[0].Rec = m, false, m
	return s.Dot.UpdateMD5()
}

// Advance lets an import that is bound to a commit, or to versions of a server's
// objects, go on to the newest. An empty rev is the revision that is recorded.
func Advance(ctx context.Context, s *project.Stage, rev string) error {
	dep := &s.Dot.Deps[0].Entry
	switch o := Of(s).(type) {
	case *repoOrigin:
		e, err := o.advance(ctx, rev)
		if err != nil {
			return err
		}
		*dep, s.Deps[0].Rec, s.Deps[0].Origin = e, e, &repoOrigin{s.Repo, e}
	case *urlOrigin:
		if !o.versioned() {
			return nil
		}
		e, err := o.Measure(ctx)
		if err != nil {
			return missing(s, err)
		}
		e.Path = dep.Path
		*dep, s.Deps[0].Rec, s.Deps[0].Origin = e, e, &urlOrigin{p: s.Repo, url: e.Path, rec: e, now: &e}
	}
	return nil
}

// Fetch puts the content of an import into the cache. If something is recorded of it,
// it must be that.
func Fetch(ctx context.Context, p *project.Repo, o *project.Output, opts *transfer.Options) (object.Meta, error) {
	src, ok := o.From.Origin.(Origin)
	if !ok {
		src = &localOrigin{p: p, path: o.From.Abs, show: o.From.Show}
	}
	if !o.From.IsRepo() && !o.From.Versioned() {
		willTake(src, opts)
		v, err := p.CompareDep(ctx, o.From)
		if err == nil && v != project.Same && v != project.UpdateAvailable {
			err = &ChangedError{o.From.Show, v == project.Deleted, !recorded(&o.From.Rec)}
		}
		if err != nil {
			return object.Meta{}, err
		}
	}
	m, err := src.Take(ctx, opts)
	if err == nil && !o.Rec.Hash.IsZero() && m.Hash != o.Rec.Hash && !o.Rec.Hash.IsLegacy() {
		err = fmt.Errorf("it holds %s where %s was imported", m.Hash, o.Rec.Hash)
	}
	return m, err
}

// recorded reports whether anything is known of what a source was: --no-exec leaves
// that out.
func recorded(e *dvcfile.LockEntry) bool {
	name, _ := e.Sum()
	return name != "" || !e.Hash.IsZero()
}

// ChangedError says that a source is not what it was when it was imported.
type ChangedError struct {
	Source string
	Gone   bool
	New    bool // nothing is recorded of what it was
}

func (e *ChangedError) Error() string {
	if e.Gone {
		return fmt.Sprintf("'%s' does not exist any more", e.Source)
	}
	if e.New {
		return fmt.Sprintf("nothing is recorded of '%s' yet; dvc update fetches it", e.Source)
	}
	return fmt.Sprintf("'%s' has changed since it was imported; dvc update fetches what it is now", e.Source)
}

// BringBack fetches outputs and checks them out: imports from their sources, others
// from their remotes.
func BringBack(ctx context.Context, p *project.Repo, outs []*project.Output) error {
	var rest []*project.Output
	for _, o := range outs {
		if o.From == nil || !o.From.IsRepo() {
			rest = append(rest, o)
			continue
		}
		m, err := Fetch(ctx, p, o, nil)
		if err != nil {
			return err
		}
		if _, err := p.Cache().Checkout(ctx, p.Hasher(), o.Abs, m.Hash, nil); err != nil {
			return err
		}
	}
	return transfer.BringBack(ctx, p, rest)
}
