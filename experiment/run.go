package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline"
)

// RunOptions say how an experiment is run. Nil means the zero RunOptions: all
// stages, in the workspace, under a generated name.
type RunOptions struct {
	Name    string   // "" draws one
	Set     []string // parameters: [FILE:]KEY=VALUE, by the grammar of DVC's -S
	Message string   // of the commit; "" is DVC's
	Force   bool     // run all stages, and replace an experiment of that name
	Targets []string // as in Repro

	// Temp runs in a copy of the working tree instead of the workspace.
	Temp bool
	// Copy lists untracked files and directories that the copy needs.
	Copy []string

	// Repro are the further options of the run.
	Repro pipeline.ReproOptions

	// Stages, if any, are the pipeline in Go; dvc.yaml is written from them, so
	// that the experiment can be reproduced by its files alone. Program is the
	// command line of this program, as for [pipeline.Repo.Define]. In a copy
	// (Temp, or a plan) it is what runs, as functions know one working directory
	// only; a relative path, such as "bin/train", is copied if git lacks it.
	Stages  []pipeline.Stage
	Program string

	// Resources are what a plan asks for instead of what its stages do, where
	// they are not zero. Accept, if any, may refuse a plan for what it needs.
	Resources Resources
	Accept    func(Resources) error

	task string // of the queue
	ran  func() // called when the stages have ended; nil is nobody

	// Seed and Backend are noted in the record of provenance.
	Seed    string
	Backend string
}

// Run runs the pipeline as an experiment and saves the result. In the
// workspace the results stay there, as changes that are not committed.
//
// When a stage fails, or ctx ends, no experiment is saved and the files that
// the run edited are as they were. With Repro.Dry nothing is saved and the
// result is nil.
func (r *Repo) Run(ctx context.Context, opts *RunOptions) (*Experiment, error) {
	o := RunOptions{}
	if opts != nil {
		o = *opts
	}
	head, _, err := r.head(ctx)
	if err != nil {
		return nil, err
	}
	packed := r.packedArgs()
	edits := parseSet(o.Set)
	// The name is drawn before anything is locked: it may be taken meanwhile,
	// which the creation of the reference notices.
	if err := r.claim(ctx, head, &o.Name, o.Force, nil); err != nil {
		return nil, err
	}
	if o.Repro.Dry {
		// A dry run changes nothing, so it needs neither lock nor journal.
		o.Temp = true
	}
	if o.Temp {
		return r.runTemp(ctx, head, edits, &o)
	}
	p, err := project.Open(r.dir, project.Options{Env: r.opts.Env})
	if err != nil {
		return nil, err
	}
	if err := checkTargets(p.NewIndex(), &o); err != nil {
		return nil, err
	}
	lock, err := r.lockWork(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.unlock()
	j := &journal{What: "exp run"}
	if err := r.noteMachineFiles(j, len(o.Stages) > 0); err != nil {
		return nil, err
	}
	// The new contents are known, and in the journal, before any is written.
	changed, err := r.prepareEdits(r.root, r.dir, edits, j)
	if err != nil {
		return nil, err
	}
	r.noteOuts(j)
	if err := r.begin(j); err != nil {
		return nil, err
	}
	// Deferred after the lock, so it ends before the lock is given up.
	end := r.announce(ctx, head, o.Name)
	defer end()
	e, err := r.runHere(ctx, head, changed, &o)
	if err != nil {
		// Undoing must not stop because ctx did.
		return nil, errors.Join(err, r.undo(context.WithoutCancel(ctx), j))
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	if packed != "" {
		_ = os.Remove(packed) // as DVC does; git has it
	}
	r.log.Info(fmt.Sprintf("\nRan experiment(s): %s\nExperiment results have been applied to your workspace.", e.Name))
	return e, nil
}

// runHere edits the parameters, runs the stages in this working tree and
// commits.
func (r *Repo) runHere(ctx context.Context, head git.ID, changed []edited, o *RunOptions) (*Experiment, error) {
	for _, c := range changed {
		if err := c.write(); err != nil {
			return nil, err
		}
	}
	// The stages start only if the baseline is still checked out.
	if err := r.checkHead(ctx, head); err != nil {
		return nil, err
	}
	w := &work{repo: r, git: r.git, root: r.root, dir: r.dir}
	return w.run(ctx, head, o, nil)
}

// checkHead makes sure that the user did not commit or switch meanwhile, so
// that the experiment's parent is what it was started from.
func (r *Repo) checkHead(ctx context.Context, want git.ID) error {
	now, _, err := r.head(ctx)
	if err == nil && now != want {
		err = fmt.Errorf("HEAD moved from %s to %s meanwhile; run the experiment again", want.Short(), now.Short())
	}
	return err
}

// claim checks the name, or draws one. taken reports further names in use.
func (r *Repo) claim(ctx context.Context, base git.ID, name *string, force bool, taken func(string) bool) error {
	if *name == "" {
		n, err := r.newName(ctx, taken)
		*name = n
		return err
	}
	if err := checkName(*name); err != nil {
		return err
	}
	if _, ok := r.exists(ctx, ref{Baseline: base, Name: *name}); ok && !force {
		return existsError(*name)
	}
	return nil
}

// noteMachineFiles puts dvc.lock and the .gitignore files, which a run may
// rewrite, into the journal.
func (r *Repo) noteMachineFiles(j *journal, inGo bool) error {
	files, err := machineFiles(r.root)
	if err != nil {
		return err
	}
	// The files that the definition in Go will write may not be there yet.
	if inGo {
		dir, err := filepath.Rel(r.root, r.dir)
		if err != nil {
			return err
		}
		for _, f := range []string{dvcfile.ProjectName, dvcfile.LockName, ".gitignore"} {
			if f = path.Join(filepath.ToSlash(dir), f); !slices.Contains(files, f) {
				files = append(files, f)
			}
		}
	}
	for _, f := range files {
		n, err := r.note(path.Join(r.sub, f))
		if err != nil {
			return err
		}
		j.Files = append(j.Files, n)
	}
	return nil
}

// work is a working tree in which an experiment runs: the user's or a copy.
type work struct {
	repo *Repo
	git  *git.Repo
	root string // of the DVC repository in this tree
	dir  string // working directory
	temp bool

	saving bool // nothing runs
}

// run brings the stages up to date and commits. record is filled with what
// the caller knows; extra updates are made in the same step as the reference.
func (w *work) run(ctx context.Context, base git.ID, o *RunOptions, extra []git.Update) (*Experiment, error) {
	w.repo.log.Info(fmt.Sprintf("Reproducing experiment '%s'", o.Name))
	p, err := w.open()
	if err != nil {
		return nil, err
	}
	if p, err = w.define(ctx, p, o); err != nil {
		return nil, err
	}
	if !o.Repro.Dry {
		if !w.temp {
			if err := w.keepSources(ctx, p, o); err != nil {
				return nil, err
			}
		}
		if err := w.bring(ctx, p, o); err != nil {
			return nil, err
		}
	}
	ro := o.Repro
	// -f of exp run means both: all stages, and the name.
	ro.Force = ro.Force || o.Force
	ro.NoGit = true // the index is the user's
	// What DVC tells its stages; DVCLive looks for them.
	ro.Env = append(slices.Clone(ro.Env), "DVC_EXP_BASELINE_REV="+string(base), "DVC_EXP_NAME="+o.Name)
	results, err := p.Repro(ctx, &ro, o.Targets...)
	if err != nil {
		return nil, err
	}
	if ro.Dry {
		return nil, nil
	}
	if o.ran != nil {
		o.ran()
	}
	s, err := w.stagesOf(results)
	if err != nil {
		return nil, err
	}
	return w.commit(ctx, base, s, o, extra)
}

// top is the top of the working tree and sub where the DVC repository lies in
// it.
func (w *work) sub() string {
	rel, err := filepath.Rel(w.git.Root(), w.root)
	if err != nil {
		return "."
	}
	return filepath.ToSlash(rel)
}

// packedArgs is the file that DVC hands the options of a run over in, if git tracks
// it: somebody committed it by mistake, which is told in DVC's words. Else empty.
func (r *Repo) packedArgs() string {
	file := filepath.Join(r.root, ".dvc", "tmp", "repro.dat")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	if tracked, err := r.git.Tracked(file); err != nil || !tracked {
		return ""
	}
	r.log.Warn("Temporary DVC file '.dvc/tmp/repro.dat' exists and was likely committed to Git by mistake. It should be removed with:\n\tgit rm .dvc/tmp/repro.dat")
	return file
}
