package experiment

import (
	"context"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

// DataOptions say how the data of experiments travels. Nil means the zero
// DataOptions: the default DVC remote.
type DataOptions struct {
	Remote   string // name of the DVC remote
	Jobs     int
	RunCache bool
}

// transfer opens the pipeline with the options to move the data of exps.
func (r *Repo) transfer(exps []Experiment, opts *DataOptions) (*pipeline.Repo, *data.TransferOptions, error) {
	o := DataOptions{}
	if opts != nil {
		o = *opts
	}
	t := &data.TransferOptions{Remote: o.Remote, Jobs: o.Jobs, RunCache: o.RunCache, CommitsOnly: true}
	for _, e := range exps {
		// Commits, not names: what is moved is what their files refer to.
		t.Revs = append(t.Revs, e.Rev)
	}
	p, err := pipeline.Open(r.root, &pipeline.Options{Env: r.opts.Env, Logger: r.log})
	return p, t, err
}

// PushData sends the cached outputs of experiments to a DVC remote and returns
// how many files it sent.
func (r *Repo) PushData(ctx context.Context, exps []Experiment, opts *DataOptions) (int, error) {
	p, t, err := r.transfer(exps, opts)
	if err != nil || len(exps) == 0 {
		return 0, err
	}
	done, err := p.Push(ctx, t)
	return done.Files, err
}

// FetchData fetches the cached outputs of experiments from a DVC remote into
// the cache.
func (r *Repo) FetchData(ctx context.Context, exps []Experiment, opts *DataOptions) error {
	p, t, err := r.transfer(exps, opts)
	if err != nil || len(exps) == 0 {
		return err
	}
	_, err = p.Fetch(ctx, t)
	return err
}
