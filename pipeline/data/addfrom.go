package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// check refuses options that are not for use together. The words are DVC's.
func (o *AddOptions) check(targets []string) error {
	with := "--out"
	if o.ToRemote {
		with = "--to-remote"
	}
	switch elsewhere := o.ToRemote || o.Out != ""; {
	case elsewhere && len(targets) != 1:
		return refuse("multiple targets can't be used with %s", with)
	case elsewhere && o.Glob:
		return refuse("--glob option can't be used with %s", with)
	case elsewhere && o.NoCommit:
		return refuse("--no-commit option can't be used with %s", with)
	case !elsewhere && o.Remote != "":
		return refuse("--remote can't be used without --to-remote")
	case !elsewhere && o.Jobs != 0:
		return refuse("--remote-jobs can't be used without --to-remote")
	}
	return nil
}

// addFrom is Add for a target that is copied: from anywhere, to Out or to a remote.
func (r *Repo) addFrom(ctx context.Context, target string, opts *AddOptions) (string, error) {
	src, err := origin.At(r.p, target, nil)
	if err != nil {
		return "", err
	}
	out := target
	switch {
	case opts.Out != "":
		if out, err = r.resolveOut(target, opts.Out, opts.Force); err != nil {
			return "", err
		}
	case project.IsURL(target) || !project.IsBelow(r.p.UserPath(target), r.p.Root):
		// Sent to a remote it takes no place here, and so may be there already.
		if out, err = r.resolveOut(target, "", true); err != nil {
			return "", err
		}
	}
	x := r.p.NewIndex()
	s, err := r.addedStage(x, out)
	if err != nil {
		return "", err
	}
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return "", err
	}
	defer release()
	lines := &project.IgnoreLines{Repo: r.p}
	if err := r.copyFrom(ctx, s, src, opts, lines); err != nil {
		lines.Undo()
		if errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(*missingAddError)) {
			err = &missingAddError{abs: r.missingPath(target)}
		}
		return "", err
	}
	if err := r.writeDot(s.Dot); err != nil {
		lines.Undo()
		return "", err
	}
	file := r.p.Rel(r.p.Abs(s.File))
	return file, r.p.Track(ctx, append([]string{file}, lines.Files()...))
}

// missingPath is a target as the error names it that it is not there.
func (r *Repo) missingPath(target string) string {
	if project.IsURL(target) || filepath.IsAbs(target) {
		return target
	}
	return r.p.Dir + string(filepath.Separator) + filepath.FromSlash(target) // as it is written
}

// addedStage is the .dvc file that an output goes to: a new one, or the one that
// tracks it.
func (r *Repo) addedStage(x *project.Index, out string) (*project.Stage, error) {
	abs := r.p.UserPath(out)
	owner, o, err := x.Owner(abs)
	switch {
	case err != nil:
		return nil, err
	case owner != nil && !owner.IsDVC():
		return nil, &pipelineOutputError{out: filepath.Base(abs), addr: owner.Addr, file: r.p.Rel(r.p.Abs(owner.File))}
	// DVC makes the whole directory what was to be put into it.
	case owner != nil && o.Abs != abs:
		return nil, fmt.Errorf("'%s' is in '%s', which is tracked as a whole: copy it there, and then run 'dvc add %[2]s'", r.p.Rel(abs), o.Show)
	case owner != nil:
		return owner, nil
	}
	dot, err := r.newDot(x, out)
	if err != nil {
		return nil, err
	}
	job := &addJob{abs: abs, dot: dot, out: r.p.NewOutput(dot.Outs[0].Out, abs)}
	if err := checkOverlap(x, job); err != nil {
		return nil, err
	}
	s := r.p.NewDataStage(dot)
	return s, r.checkNew(x, s)
}

// copyFrom copies the content to where it is wanted, and notes what it is.
func (r *Repo) copyFrom(ctx context.Context, s *project.Stage, src origin.Origin, opts *AddOptions, lines *project.IgnoreLines) error {
	x := (&ImportOptions{Jobs: opts.Jobs, Progress: opts.Progress, Ask: opts.Ask}).transferOptions()
	o, entry := s.Outs[0], &s.Dot.Outs[0].Entry
	if opts.ToRemote {
		to, err := r.openPlain(ctx, opts.Remote, x, "add")
		if err != nil {
			return err
		}
		m, err := src.Relay(ctx, to, x)
		if err == nil {
			entry.Meta, entry.NoSize = m, false
		}
		return err
	}
	if err := r.p.CheckInside(o.Abs); err != nil {
		return err
	}
	m, err := src.Take(ctx, x)
	if err != nil {
		return err
	}
	if err := lines.Add(o); err != nil {
		return err
	}
	if err := origin.Place(ctx, r.p, o, m); err != nil {
		return err
	}
	entry.Meta, entry.NoSize = m, false
	return nil
}

// checkURLTarget refuses a URL that is to be tracked where it is.
func checkURLTarget(text string) error {
	if err := transfer.CheckURL(text); err != nil {
		return err
	}
	return outsideError(text)
}

func outsideError(path string) error {
	return refuse("Cached output(s) outside of DVC project: %s. "+
		"See <https://dvc.org/doc/user-guide/data-management/importing-external-data> for more info.", path)
}
