package experiment

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/params/pyjson"
)

// SaveOptions say what is saved. Nil means the zero SaveOptions: the tracked
// files and what the pipeline declares, under a generated name.
type SaveOptions struct {
	Name      string
	Message   string   // of the commit; "" is DVC's
	Force     bool     // replace an experiment of that name
	Targets   []string // limits which outputs are stored in the cache; nil is all
	Recursive bool     // targets may be directories
	Untracked []string // further files and directories to include

	// Seed and Backend are noted in the record of provenance.
	Seed    string
	Backend string
}

// Save records the workspace as an experiment without running anything. All
// outputs must exist; they are stored in the cache, and dvc.lock is brought up
// to date with them.
func (r *Repo) Save(ctx context.Context, opts *SaveOptions) (*Experiment, error) {
	s := SaveOptions{}
	if opts != nil {
		s = *opts
	}
	head, _, err := r.head(ctx)
	if err != nil {
		return nil, err
	}
	o := &RunOptions{Name: s.Name, Message: s.Message, Force: s.Force, Seed: s.Seed, Backend: s.Backend}
	if err := r.claim(ctx, head, &o.Name, o.Force, nil); err != nil {
		return nil, err
	}
	lock, err := r.lockWork(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.unlock()
	j := &journal{What: "exp save"}
	if err := r.noteMachineFiles(j, false); err != nil {
		return nil, err
	}
	if err := r.begin(j); err != nil {
		return nil, err
	}
	e, err := r.save(ctx, head, o, &s)
	if err != nil {
		return nil, errors.Join(err, r.undo(context.WithoutCancel(ctx), j))
	}
	return e, r.done()
}

// save stores the outputs, then commits. The entries are those of all stages, as
// none ran.
func (r *Repo) save(ctx context.Context, head git.ID, o *RunOptions, s *SaveOptions) (*Experiment, error) {
	w := &work{repo: r, git: r.git, root: r.root, dir: r.dir, saving: true}
	if err := w.store(ctx, s); err != nil {
		return nil, err
	}
	items, err := w.items()
	if err != nil {
		return nil, err
	}
	st := &stages{entries: pyjson.NewMap(), files: []string{dvcfile.LockName}}
	st.addTop(items)
	for _, item := range items {
		if item.File == nil || len(s.Targets) > 0 {
			continue // DVC's message then has the hash of nothing
		}
		for _, stage := range item.File.Stages {
			if entry := item.File.Lock.Stage(stage.Name); entry != nil {
				st.entries.Set(stage.Name, entry.Map())
			}
		}
	}
	// Relative to the working directory, like targets.
	for _, p := range s.Untracked {
		rel, err := filepath.Rel(r.root, filepath.Join(r.dir, filepath.FromSlash(p)))
		if err != nil || !filepath.IsLocal(rel) {
			return nil, errors.New("'" + p + "' is outside of the repository")
		}
		st.files = append(st.files, filepath.ToSlash(rel))
	}
	return w.commit(ctx, head, st, o, nil)
}
