package experiment

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/git"
)

// ExecuteOptions change where a plan talks to. Nil means the zero
// ExecuteOptions: as the Repo was opened.
type ExecuteOptions struct {
	Stdout, Stderr io.Writer    // nil is that of the Repo
	Env            []string     // added to the environment of stages
	Logger         *slog.Logger // nil is that of the Repo
	// Pull fetches what stages need and this machine lacks from the DVC remote.
	Pull bool
	// Prepared is the copy to run in, if it was made before. Execute closes it.
	Prepared *Prepared
	// Ran, if set, is called when the stages have ended, before the result is
	// recorded: the machine is free for others.
	Ran func()
}

// planDir is where plans are executed, in copies of their own.
func (r *Repo) planDir() string { return r.tmpDir("reprodl", "work") }

// Execute runs a plan in a copy of the working tree, and records the result
// together with the removal of the mark. So of several attempts one counts:
// the others return the experiment of the one that was first. Without mark and
// experiment, because the plan was discarded, the error wraps [ErrNotFound].
func (r *Repo) Execute(ctx context.Context, p *Plan, opts *ExecuteOptions) (*Experiment, error) {
	own := r.with(opts)
	var ready *Prepared
	if opts != nil {
		ready = opts.Prepared
	}
	defer ready.Close()
	// No mark: it was executed, or discarded.
	mark, err := r.git.Ref(ctx, markRef(p.ID))
	if err != nil {
		return r.executed(ctx, p)
	}
	// A plan runs in the directory it was made in.
	own.dir = filepath.Join(r.root, filepath.FromSlash(p.Options.Dir))
	base := git.ID(p.Baseline)
	// Not two programs of one task at once.
	if err := own.endPrograms(ctx); err != nil {
		return nil, err
	}
	w := ready.take(own, mark)
	if w == nil {
		var remove func()
		if w, remove, err = own.planCopy(ctx, p, mark); err != nil {
			return nil, err
		}
		defer remove()
	}
	ran := func() {}
	if opts != nil && opts.Ran != nil {
		ran = opts.Ran
	}
	if p.Options.Stage != nil {
		return w.runStage(ctx, p, mark, opts != nil && opts.Pull, ran)
	}
	// Removing the mark is part of the step that makes the result visible,
	// so two attempts cannot both succeed.
	o := p.runOptions()
	o.ran = ran
	if opts != nil && opts.Pull && !o.Repro.Pull {
		o.Repro.Pull, o.Repro.LocalRuns = true, true
	}
	e, err := w.run(ctx, base, o, []git.Update{{Name: markRef(p.ID), Old: mark}})
	if err != nil {
		// Looked up even when ctx has ended: the result may be there.
		if e, err := r.executed(context.WithoutCancel(ctx), p); err == nil {
			return e, nil // another attempt was first
		}
	}
	return e, err
}

// with is the repository with other streams.
func (r *Repo) with(opts *ExecuteOptions) *Repo {
	own := *r
	if opts == nil {
		return &own
	}
	// Nobody types into a task of a queue.
	own.opts.Stdin = nil
	if opts.Stdout != nil {
		own.opts.Stdout = opts.Stdout
	}
	if opts.Stderr != nil {
		own.opts.Stderr = opts.Stderr
	}
	if opts.Logger != nil {
		own.log = opts.Logger
	}
	own.opts.Env = append(slices.Clone(own.opts.Env), opts.Env...)
	return &own
}

// executed finds the result of a plan whose mark is gone.
func (r *Repo) executed(ctx context.Context, p *Plan) (*Experiment, error) {
	if p.Options.Stage != nil {
		return r.executedStage(ctx, p)
	}
	f := ref{Baseline: git.ID(p.Baseline), Name: p.Name}
	if id, ok := r.exists(ctx, f); ok {
		// Only the record tells the result of this plan from an experiment that
		// took the name by other means.
		if rec, err := r.recordOf(ctx, id, p.Name); err == nil && rec.Task == p.ID {
			f.ID = id
			return r.experiment(ctx, f)
		}
	}
	return nil, goneError(p)
}
