package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/project"
)

// Remove stops tracking: a .dvc file is deleted, a stage is taken out of its
// dvc.yaml and dvc.lock, and git sees the outputs again. With outs the outputs
// are deleted from the workspace as well; otherwise they become ordinary,
// writable files.
func (r *Repo) Remove(ctx context.Context, outs bool, targets ...string) error {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.p.SaveMemo()
	for _, target := range targets {
		if err := r.remove(ctx, target, outs); err != nil {
			return err
		}
	}
	return nil
}

// remove reads the index anew for each target: the one before changed the files.
func (r *Repo) remove(ctx context.Context, target string, outs bool) error {
	x := r.p.NewIndex()
	t, err := project.ParseTarget(target, false)
	if err != nil {
		return err
	}
	stages, err := x.StagesOf(t, false)
	if err != nil {
		if (project.IsMissing(err) || project.IsNotFound(err)) && project.Exists(r.p.UserPath(target+dvcfile.Suffix)) {
			return fmt.Errorf("'%[1]s' is not a .dvc file. Do you mean '%[1]s.dvc'?: %[2]w", target, err)
		}
		if t.File == "" && project.IsMissing(err) {
			return fmt.Errorf("'%s' does not exist", dvcfile.ProjectName) // not its full path, as DVC
		}
		return err
	}
	if outs {
		if err := r.p.CheckOutputs(stages); err != nil {
			return err
		}
	}
	// The lines in .gitignore go with the outputs, or git would go on hiding what
	// nothing tracks any more.
	lines := &project.IgnoreLines{Repo: r.p}
	for _, s := range stages {
		if err := r.removeStage(ctx, s, outs, lines); err != nil {
			return err
		}
	}
	return nil
}

// removeStage looks for what cannot be done before it does anything. The definition
// goes last: a kill before leaves the stage, and the command can be repeated.
func (r *Repo) removeStage(ctx context.Context, s *project.Stage, outs bool, lines *project.IgnoreLines) error {
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	for _, o := range s.Outs {
		if !outs && o.GitIgnored() && isDangling(o.Abs) {
			return &danglingError{o.Abs}
		}
	}
	for _, o := range s.Outs {
		// What lies outside is not ours to delete or to make writable.
		if r.p.CheckInside(o.Abs) != nil {
			continue
		}
		if outs {
			if err := os.RemoveAll(o.Abs); err != nil {
				return err
			}
		}
		if !o.GitIgnored() {
			continue
		}
		if err := r.p.Unprotect(ctx, o); err != nil {
			return err
		}
		if err := lines.Remove(o.Abs); err != nil {
			return err
		}
	}
	if s.IsDVC() {
		return os.Remove(r.p.Abs(s.File))
	}
	return r.removeDefinition(s)
}

// isDangling reports a link that leads nowhere.
func isDangling(path string) bool {
	_, err := os.Lstat(path)
	return err == nil && !project.Exists(path)
}

// removeDefinition takes a stage out of dvc.yaml and dvc.lock. A file in which
// nothing is left is deleted.
func (r *Repo) removeDefinition(s *project.Stage) error {
	path := r.p.Abs(s.File)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	left, err := dvcfile.DeleteStage(r.p.Rel(path), data, s.Def)
	if err != nil {
		return err
	}
	if err := r.writeOrRemove(path, left, left == nil); err != nil {
		return err
	}
	// A dvc.lock without a dvc.yaml is an error for DVC, and so is an entry of a
	// stage that is gone, once its outputs are tracked by another.
	lock := s.Project.Lock
	if was, err := lock.Delete(s.Name); !was || err != nil {
		return err
	}
	return r.writeOrRemove(r.p.Abs(lock.Path), lock.Bytes(), len(lock.Names()) == 0)
}

// writeOrRemove writes a file whole, by rename, or deletes it.
func (r *Repo) writeOrRemove(path string, data []byte, empty bool) error {
	if empty {
		return os.Remove(path)
	}
	return atomicfile.WriteFile(path, data, r.p.ViaTemp(true))
}

// Move renames a tracked file or directory, and its .dvc file if that is named
// after it. Into an existing directory it keeps its name. Paths are relative
// to Dir.
func (r *Repo) Move(ctx context.Context, from, to string) error {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.p.SaveMemo()
	x := r.p.NewIndex()
	src, dst := r.p.UserPath(from), r.p.UserPath(to)
	// As mv does.
	if project.IsDir(dst) && !project.IsDir(src) || project.IsDir(dst) && project.IsDir(src) {
		dst = filepath.Join(dst, filepath.Base(src))
	}
	s, out, err := x.Owner(src)
	switch {
	case err != nil:
		return err
	case s == nil || out.Abs != src:
		return fmt.Errorf("Unable to find DVC file with output '%s'", from)
	case !s.IsDVC():
		return fmt.Errorf("move is not permitted for stages that are not data sources. "+
			"You need to either move '%[1]s' to a new location and edit it by hand, or remove '%[1]s' and create a new one at the desired location.", s.Addr)
	case project.Exists(dst) || isDangling(dst):
		return fmt.Errorf("'%s' already exists", r.p.Rel(dst))
	}
	for _, path := range []string{src, dst} {
		if err := r.p.CheckInside(path); err != nil {
			return err
		}
	}
	return r.move(ctx, x, s, out, dst)
}

// move does what Move has checked. Each step after the rename of the data is taken
// back if a later one fails, up to the moment when the new .dvc file is there.
func (r *Repo) move(ctx context.Context, x *project.Index, s *project.Stage, out *project.Output, dst string) error {
	dot := s.Dot
	from, oldFile, at := out.Abs, r.p.Abs(dot.Path), slices.Index(s.Outs, out)
	path := filepath.ToSlash(relTo(s.Wdir, dst))
	named := oldFile == from+dvcfile.Suffix
	if named {
		newFile := dst + dvcfile.Suffix
		if project.Exists(newFile) {
			return fmt.Errorf("'%s' already exists", r.p.Rel(newFile))
		}
		if r.p.GitIgnores(newFile) {
			return fmt.Errorf("bad DVC file name '%s' is git-ignored.", r.p.Rel(newFile))
		}
		relocate(dot, x, newFile)
		path = filepath.Base(dst)
	}
	if err := r.unpinMoved(ctx, &dot.Outs[at].Entry, out); err != nil {
		return err
	}
	dot.Outs[at].Out.Path, dot.Outs[at].Entry.Path = path, path
	moved := r.p.NewOutput(dot.Outs[at].Out, dst)
	// The graph as it is going to be is checked before anything happens: the new
	// place may lie in another output, or around it.
	s.Addr, s.File, out.Abs, out.Show = filepath.ToSlash(r.p.Rel(r.p.Abs(dot.Path))), dot.Path, dst, moved.Show
	if _, err := x.Build(); err != nil {
		return err
	}
	if err := dot.UpdateMD5(); err != nil {
		return err
	}
	// The data is renamed before anything is written: a .dvc file that names data
	// which isn't there would be restored from the cache by the next checkout.
	// Data that isn't there can still be given another name.
	_, err := os.Lstat(from)
	there := err == nil
	if !there {
		r.p.Log.Warn(fmt.Sprintf("'%s' missing", from))
	} else if err := os.Rename(from, dst); err != nil {
		return err
	}
	lines := &project.IgnoreLines{Repo: r.p}
	err = lines.Remove(from)
	if err == nil && moved.GitIgnored() {
		err = lines.Add(moved)
	}
	if err == nil {
		err = r.writeDot(dot)
	}
	if err != nil {
		lines.Undo()
		if there {
			err = errors.Join(err, os.Rename(dst, from))
		}
		out.Abs = from
		return errors.Join(err, lines.Add(out))
	}
	// Both names are handed to git, so that it sees a rename.
	files := append([]string{r.p.Rel(r.p.Abs(dot.Path))}, lines.Files()...)
	if named {
		if err := os.Remove(oldFile); err != nil {
			return err
		}
		files = append(files, r.p.Rel(oldFile))
	}
	return r.p.Track(ctx, files)
}

// relocate gives a .dvc file another place. Its dependencies stay where they are,
// which are written relative to it.
func relocate(dot *dvcfile.DotDVC, x *project.Index, file string) {
	was := x.Repo.Abs(dot.Wdir)
	dot.Path, dot.Wdir = x.FromRoot(file), x.FromRoot(filepath.Dir(file))
	if dot.Wdir == "" {
		dot.Wdir = "."
	}
	for i := range dot.Deps {
		dep := &dot.Deps[i]
		written := filepath.FromSlash(dep.Entry.Path)
		if !dep.IsLocal() || filepath.IsAbs(written) {
			continue
		}
		dep.Entry.Path = filepath.ToSlash(relTo(x.Repo.Abs(dot.Wdir), filepath.Join(was, written)))
		dep.Out.Path = dep.Entry.Path
	}
}

// relTo is path as seen from base; the path itself if there is no way, as between
// drives of Windows.
func relTo(base, path string) string {
	if rel, err := filepath.Rel(base, path); err == nil {
		return rel
	}
	return path
}

// danglingError is of a link that should become a file, whose content is gone.
type danglingError struct{ path string }

func (e *danglingError) Error() string {
	return fmt.Sprintf("can't unprotect non-existing data '%s': it is a link to content that is gone; "+
		"restore it first, or remove it with `--outs`", e.path)
}

// Unwrap is what the system says of such a link.
func (e *danglingError) Unwrap() error {
	return &fs.PathError{Op: "stat", Path: e.path, Err: fs.ErrNotExist}
}
