package project

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/params"
)

// Stays says why a stage can only run in this working tree, and not on a machine
// that is told its inputs and tells its outputs; "" means that it can travel.
func (s *Stage) Stays() string {
	switch {
	case s.IsDVC() || s.Cmd.IsZero():
		return "it has no command"
	case len(s.Outs) == 0:
		return "it has no outputs, so what it does is done to this machine"
	}
	for _, o := range s.Outs {
		switch {
		case !o.InRepo || o.Written == "":
			return fmt.Sprintf("its output '%s' lies outside of the repository", o.Show)
		case o.Persist || o.Kind == dvcfile.Live:
			return fmt.Sprintf("its output '%s' persists from run to run", o.Show)
		}
	}
	for _, d := range s.Deps {
		if d.Origin == nil && !s.Repo.InRepo(d.Abs) {
			return fmt.Sprintf("its dependency '%s' lies outside of the repository", d.Show)
		}
	}
	for _, p := range s.Params {
		if !s.Repo.InRepo(p.Abs) {
			return fmt.Sprintf("its parameters '%s' lie outside of the repository", p.Show)
		}
	}
	return ""
}

// Sources are the outputs, of stages and of .dvc files, that a stage reads: in
// which a dependency lies, or which lie in one.
func (x *Index) Sources(s *Stage) ([]*Output, error) {
	if err := x.Collect(); err != nil {
		return nil, err
	}
	var list []*Output
	for _, from := range x.Stages {
		if from == s {
			continue
		}
		for _, o := range from.Outs {
			for _, d := range s.Deps {
				if d.Origin == nil && (o.Abs == d.Abs || IsBelow(d.Abs, o.Abs) || IsBelow(o.Abs, d.Abs)) {
					list = append(list, o)
					break
				}
			}
		}
	}
	return list, nil
}

// Needs are the files that a stage reads and that no output in sources keeps in
// the cache, from the root of the repository, besides those that declare it.
func (s *Stage) Needs(sources []*Output) ([]string, error) {
	cached := func(abs string) bool {
		for _, o := range sources {
			if o.Cached() && (o.Abs == abs || IsBelow(abs, o.Abs)) {
				return true
			}
		}
		return false
	}
	var files []string
	add := func(abs string) error {
		return filepath.WalkDir(abs, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case cached(path) || d.Name() == ".git":
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			case d.IsDir():
				return nil
			}
			rel, err := filepath.Rel(s.Repo.Root, path)
			files = append(files, filepath.ToSlash(rel))
			return err
		})
	}
	for _, d := range s.Deps {
		if d.Origin == nil && !cached(d.Abs) {
			if err := add(d.Abs); err != nil {
				return nil, err
			}
		}
	}
	for _, p := range s.Params {
		if p.data == nil {
			if err := add(p.Abs); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// Dirs are the directories in which a stage runs and writes, from the root of the
// repository, as far as they are there.
func (s *Stage) Dirs() []string {
	dirs := []string{s.Wdir}
	for _, o := range s.Outs {
		dirs = append(dirs, filepath.Dir(o.Abs))
	}
	var list []string
	for _, dir := range dirs {
		rel, err := filepath.Rel(s.Repo.Root, dir)
		if err == nil && rel != "." && filepath.IsLocal(rel) && IsDir(dir) {
			list = append(list, filepath.ToSlash(rel))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// OtherInput names the first input that differs between a recorded run and in;
// "" means that the run had these inputs.
func (s *Stage) OtherInput(run *dvcfile.LockStage, in *Inputs) string {
	if !run.Cmd.Equal(s.Cmd) {
		return "the command"
	}
	for i, d := range s.Deps {
		if e := dvcfile.Entry(run.Deps, d.Written); e == nil || Differs(&in.deps[i], e) != Same {
			return "'" + d.Show + "'"
		}
	}
	for i, p := range s.Params {
		same := false
		for _, rec := range run.Params {
			same = same || rec.File == p.Written && params.Equal(rec.Values, in.params[i])
		}
		if !same {
			return "'" + p.Show + "'"
		}
	}
	return ""
}

// Changed names the first of the sources of a stage that is not what its stage
// or .dvc file recorded: what is recorded is what another machine gets.
func (s *Stage) Changed(ctx context.Context, sources []*Output) (string, error) {
	for _, o := range sources {
		if !o.Cached() || !Exists(o.Abs) {
			continue
		}
		if v, err := s.Repo.CompareOut(ctx, o); err != nil || v != Same {
			return o.Show, err
		}
	}
	return "", nil
}

// KeepUncached stores in the cache those outputs that only git keeps, so that
// they can be restored.
func (s *Stage) KeepUncached(ctx context.Context, legacy func(int) bool) error {
	for i, o := range s.Outs {
		if o.Cached() || !o.InRepo {
			continue
		}
		// Never as a link: the file is git's, and a link would make it read-only.
		opts := &object.AddOptions{Legacy: legacy(i), Relink: true}
		if _, err := s.Repo.copyCache().Add(ctx, s.Repo.Hasher(), o.Abs, opts); err != nil {
			return err
		}
	}
	return nil
}

// EntryText is a lock entry that stands alone; dvcfile.DecodeLockStage reads it.
func EntryText(e *dvcfile.LockStage) []byte { return dvcyaml.Marshal(e.Map()) }
