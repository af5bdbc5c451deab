package pipeline

import (
	"context"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// findRun looks for a run of the stage with these inputs: the lock's own, or
// one of the run cache. Without one it returns nil.
func (p *repro) findRun(ctx context.Context, s *project.Stage, in *project.Inputs) (*project.RunHit, error) {
	if !s.Eligible(in) {
		return nil, nil
	}
	hit := &project.RunHit{Entry: s.Recorded}
	if !s.Unchanged(in) {
		if p.opts.NoRunCache {
			return nil, nil
		}
		var err error
		if hit, err = s.LoadRun(in); hit == nil || err != nil {
			return nil, err
		}
	}
	if p.opts.Pull && !p.opts.Dry {
		p.pullRun(ctx, s, hit)
	}
	// All or nothing: with one output missing from the cache the stage runs.
	for _, o := range s.Outs {
		e := dvcfile.Entry(hit.Entry.Outs, o.Written)
		if e == nil || e.Hash.IsZero() {
			return nil, nil
		}
		if has, err := p.r.p.Cache().Has(ctx, e.Hash); err != nil || !has {
			return nil, err
		}
	}
	return hit, nil
}

// restore puts the outputs of a run into the workspace.
// Force, as removeOutputs has removed what would be in the way.
func (p *repro) restore(ctx context.Context, s *project.Stage, hit *project.RunHit) error {
	if err := removeOutputs(ctx, s); err != nil {
		return err
	}
	for _, o := range s.Outs {
		e := dvcfile.Entry(hit.Entry.Outs, o.Written)
		opts := &object.CheckoutOptions{Force: true, Exec: e.Exec}
		if _, err := p.r.p.Cache().Checkout(ctx, p.r.p.Hasher(), o.Abs, e.Hash, opts); err != nil {
			return err
		}
	}
	return nil
}
