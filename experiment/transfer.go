package experiment

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/data"
)

// DataOptions say how the data of experiments travels. Nil means the zero
// DataOptions: the default DVC remote.
type DataOptions struct {
	Remote   string // name of the DVC remote
	Jobs     int
	RunCache bool
	// Progress and Ask are those of data.TransferOptions.
	Progress func(data.Progress)
	Ask      func(ctx context.Context, prompt string) (string, error)
}

// transfer opens the pipeline with the options to move the data of exps.
func (r *Repo) transfer(exps []Experiment, opts *DataOptions) (*pipeline.Repo, *data.TransferOptions, error) {
	o := DataOptions{}
	if opts != nil {
		o = *opts
	}
	t := &data.TransferOptions{Remote: o.Remote, Jobs: o.Jobs, RunCache: o.RunCache, CommitsOnly: true, Progress: o.Progress, Ask: o.Ask}
	for _, e := range exps {
		// Commits, not names: what is moved is what their files refer to.
		t.Revs = append(t.Revs, e.Rev)
	}
	p, err := pipeline.Open(r.root, &pipeline.Options{Env: r.opts.Env, Logger: r.log})
	return p, t, err
}

// PushData sends the cached outputs of experiments to a DVC remote and returns
// how many files it sent. No experiments and no remote are an error, as in DVC.
func (r *Repo) PushData(ctx context.Context, exps []Experiment, opts *DataOptions) (int, error) {
	p, t, err := r.transfer(exps, opts)
	if err == nil && (t.Remote != "" || len(exps) == 0) {
		err = r.checkDataRemote(t.Remote)
	}
	if err != nil || len(exps) == 0 {
		return 0, err
	}
	done, err := p.Push(ctx, t)
	// Without any remote the references are all that there is to push, as for DVC.
	if errors.Is(err, config.ErrNoRemote) && p.RemoteName(t.Remote) == "" {
		r.log.Warn("the data of experiments was not pushed: no remote for it is configured")
		err = nil
	}
	return done.Files, err
}

// FetchData fetches the cached outputs of experiments from a DVC remote into
// the cache.
func (r *Repo) FetchData(ctx context.Context, exps []Experiment, opts *DataOptions) error {
	p, t, err := r.transfer(exps, opts)
	if err == nil && t.Remote != "" {
		err = r.checkDataRemote(t.Remote)
	}
	if err != nil || len(exps) == 0 {
		return err
	}
	_, err = p.Fetch(ctx, t)
	return err
}

// checkDataRemote refuses the name of a DVC remote that does not exist, as DVC does with
// nothing to transfer, too; no name is the default remote.
func (r *Repo) checkDataRemote(name string) error {
	c, err := config.Load(filepath.Join(r.root, ".dvc"), r.getenv)
	if err != nil {
		return err
	}
	_, err = c.Remote(name)
	return err
}
