package experiment

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

// open opens the pipeline of this working tree.
func (w *work) open() (*pipeline.Repo, error) {
	o := &w.repo.opts
	return pipeline.Open(w.dir, &pipeline.Options{Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr, Env: o.Env, Logger: w.repo.log})
}

// bring puts data into place before a run: in a copy what the targets need, in the
// user's working tree what is missing. DVC overwrites changed data there, too, and
// with it what the user did.
func (w *work) bring(ctx context.Context, p *pipeline.Repo, o *RunOptions) error {
	opts := &data.CheckoutOptions{AllowMissing: true}
	if w.temp {
		opts.Force = true
		if len(o.Targets) > 0 && targetsSuffice(&o.Repro) {
			needed := *opts
			needed.WithDeps, needed.Recursive = true, o.Repro.Recursive
			// A target that dvc.yaml does not have is one in Go, or a mistake that Repro
			// will name; then all is brought.
			if _, err := p.Checkout(ctx, &needed, o.Targets...); err == nil || ctx.Err() != nil {
				return err
			}
		}
		_, err := p.Checkout(ctx, opts)
		return err
	}
	opts.Recorded = true
	w.warnUnmade(p, o)
	// In the user's tree only what is not there at all is checked out: a
	// changed file may be their work.
	items, err := w.items()
	if err != nil {
		return nil // Repro will say it
	}
	var missing []string
	for name := range tracked(items) {
		abs := filepath.Join(w.root, filepath.FromSlash(name))
		if _, err := os.Lstat(abs); os.IsNotExist(err) {
			rel, err := filepath.Rel(w.dir, abs)
			if err != nil {
				return err
			}
			missing = append(missing, rel)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = p.Checkout(ctx, opts, missing...)
	return err
}

// keepSources records the data that the targets rest on as it is, before anything
// runs, as DVC does. What is not there is brought later.
func (w *work) keepSources(ctx context.Context, p *pipeline.Repo, o *RunOptions) error {
	chosen, err := concerned(p, o)
	if err != nil {
		return nil // Repro will say it
	}
	var sources []string
	for _, c := range chosen {
		s := c.Stage
		if !s.IsDVC() || !s.Cmd.IsZero() || len(s.Deps) > 0 {
			continue
		}
		if !slices.ContainsFunc(s.Outs, func(out *project.Output) bool { return !project.Exists(out.Abs) }) {
			sources = append(sources, s.Addr)
		}
	}
	if len(sources) == 0 {
		return nil
	}
	return p.Commit(ctx, &data.CommitOptions{Force: true, NoRelink: true}, sources...)
}

// warnUnmade warns, as a checkout does, of outputs of the targets that no run has made
// yet.
func (w *work) warnUnmade(p *pipeline.Repo, o *RunOptions) {
	chosen, err := concerned(p, o)
	if err != nil {
		return // Repro will say it
	}
	for _, out := range project.Pieces(chosen) {
		if out.Cached() && out.From == nil && out.Rec.Hash.IsZero() {
			out.WarnUnknown(w.repo.log)
		}
	}
}

// checkout makes all data what the files of the pipeline say.
func (w *work) checkout(ctx context.Context) error {
	p, err := w.open()
	if err != nil {
		return err
	}
	_, err = p.Checkout(ctx, &data.CheckoutOptions{Force: true})
	return err
}

// store records all outputs as they are, and puts them into the cache.
func (w *work) store(ctx context.Context, s *SaveOptions) error {
	p, err := w.open()
	if err != nil {
		return err
	}
	return p.Commit(ctx, &data.CommitOptions{Force: true, NoRelink: true, Recursive: s.Recursive}, s.Targets...)
}

// define puts stages in Go in place of dvc.yaml, and writes it from them.
func (w *work) define(ctx context.Context, p *pipeline.Repo, o *RunOptions) (*pipeline.Repo, error) {
	if len(o.Stages) == 0 {
		return p, nil
	}
	d, err := p.Define(o.Program, o.Stages...)
	if err != nil {
		return nil, err
	}
	if err := d.WriteProject(ctx); err != nil {
		return nil, err
	}
	// A copy runs the program by the dvc.yaml just written; functions know
	// one working directory only, and it is not the copy.
	if w.temp {
		return p, nil
	}
	return d, nil
}

// concerned are the stages, or parts of them, that a run may look at.
func concerned(p *pipeline.Repo, o *RunOptions) ([]project.Selection, error) {
	targets := o.Targets
	if !targetsSuffice(&o.Repro) {
		targets = nil
	}
	return project.Of(p.Repo).NewIndex().Granular(project.Scope{WithDeps: true, Recursive: o.Repro.Recursive}, targets)
}

// targetsSuffice reports whether a run concerns only its targets and what they
// depend on.
func targetsSuffice(o *pipeline.ReproOptions) bool {
	return !o.Downstream && !o.Pipeline && !o.AllPipelines && !o.Glob
}
