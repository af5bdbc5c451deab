package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
)

// Remove stops tracking: a .dvc file is deleted, a stage is taken out of its
// dvc.yaml and dvc.lock, and git sees the outputs again. With outs the outputs
// are deleted from the workspace as well; otherwise they become ordinary,
// writable files.
func (r *Repo) Remove(ctx context.Context, outs bool, targets ...string) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.saveMemo()
	for _, target := range targets {
		if err := r.remove(ctx, target, outs); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repo) remove(ctx context.Context, target string, outs bool) error {
	x := r.newIndex()
	t, err := parseTarget(target, false)
	if err != nil {
		return err
	}
	stages, err := x.stagesOf(t, false)
	if err != nil {
		if (isMissing(err) || isNotFound(err)) && exists(r.userPath(target+dvcfile.Suffix)) {
			return fmt.Errorf("'%[1]s' is not a .dvc file. Do you mean '%[1]s.dvc'?: %[2]w", target, err)
		}
		return err
	}
	lines := &ignoreLines{repo: r}
	for _, s := range stages {
		if err := r.removeStage(ctx, s, outs, lines); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repo) removeStage(ctx context.Context, s *stage, outs bool, lines *ignoreLines) error {
	release, err := r.claim(s)
	if err != nil {
		return err
	}
	defer release()
	for _, o := range s.outs {
		if !o.gitIgnored() {
			continue
		}
		if outs {
			if err := os.RemoveAll(o.abs); err != nil {
				return err
			}
		} else if err := r.unprotect(o); err != nil {
			return err
		}
		if err := lines.remove(o.abs); err != nil {
			return err
		}
	}
	if s.isDVC() {
		return os.Remove(r.abs(s.file))
	}
	return r.removeDefinition(s)
}

// removeDefinition takes a stage out of dvc.yaml and dvc.lock. A file in which
// nothing is left is deleted.
func (r *Repo) removeDefinition(s *stage) error {
	path := r.abs(s.file)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	left, err := dvcfile.DeleteStage(r.rel(path), data, s.def)
	if err != nil {
		return err
	}
	if err := r.writeOrRemove(path, left, left == nil); err != nil {
		return err
	}
	lock := s.project.Lock
	if was, err := lock.Delete(s.name); !was || err != nil {
		return err
	}
	return r.writeOrRemove(r.abs(lock.Path), lock.Bytes(), len(lock.Names()) == 0)
}

func (r *Repo) writeOrRemove(path string, data []byte, empty bool) error {
	if empty {
		return os.Remove(path)
	}
	return atomicfile.WriteFile(path, data, r.viaTemp(true))
}

// Move renames a tracked file or directory, and its .dvc file if that is named
// after it. Into an existing directory it keeps its name. Paths are relative
// to Dir.
func (r *Repo) Move(ctx context.Context, from, to string) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.saveMemo()
	x := r.newIndex()
	src, dst := r.userPath(from), r.userPath(to)
	if isDir(dst) && !isDir(src) || isDir(dst) && isDir(src) {
		dst = filepath.Join(dst, filepath.Base(src))
	}
	s, out, err := x.owner(src)
	switch {
	case err != nil:
		return err
	case s == nil || out.abs != src:
		return fmt.Errorf("Unable to find DVC file with output '%s'", from)
	case !s.isDVC():
		return fmt.Errorf("move is not permitted for stages that are not data sources. "+
			"You need to either move '%[1]s' to a new location and edit it by hand, or remove '%[1]s' and create a new one at the desired location.", s.addr)
	case exists(dst):
		return fmt.Errorf("'%s' already exists", r.rel(dst))
	}
	return r.move(ctx, x, s, out, dst)
}

func (r *Repo) move(ctx context.Context, x *index, s *stage, out *output, dst string) error {
	dot := s.dot
	oldFile, at := r.abs(dot.Path), slices.Index(s.outs, out)
	path := filepath.ToSlash(relTo(s.wdir, dst))
	named := oldFile == out.abs+dvcfile.Suffix
	if named {
		newFile := dst + dvcfile.Suffix
		if exists(newFile) {
			return fmt.Errorf("'%s' already exists", r.rel(newFile))
		}
		dot.Path, dot.Wdir, path = x.fromRoot(newFile), x.fromRoot(filepath.Dir(dst)), filepath.Base(dst)
		if dot.Wdir == "" {
			dot.Wdir = "."
		}
	}
	dot.Outs[at].Out.Path, dot.Outs[at].Entry.Path = path, path
	if err := os.Rename(out.abs, dst); err != nil {
		return err
	}
	lines := &ignoreLines{repo: r}
	moved := r.newOutput(dot.Outs[at].Out, dst)
	err := lines.remove(out.abs)
	if err == nil && moved.gitIgnored() {
		err = lines.add(moved)
	}
	if err == nil {
		err = r.writeDot(dot)
	}
	if err != nil {
		return errors.Join(err, os.Rename(dst, out.abs))
	}
	files := append([]string{r.rel(r.abs(dot.Path))}, lines.files()...)
	if named {
		if err := os.Remove(oldFile); err != nil {
			return err
		}
		files = append(files, r.rel(oldFile))
	}
	return r.track(ctx, files)
}

func relTo(base, path string) string {
	if rel, err := filepath.Rel(base, path); err == nil {
		return rel
	}
	return path
}
