package pipeline

import (
	"context"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
)

// findRun looks for a run of the stage with these inputs: the lock's own, or
// one of the run cache. Without one it returns nil.
func (p *repro) findRun(ctx context.Context, s *stage, in *inputs) (*runHit, error) {
	if !s.eligible(in) {
		return nil, nil
	}
	hit := &runHit{entry: s.recorded}
	if !s.unchanged(in) {
		if p.opts.NoRunCache {
			return nil, nil
		}
		var err error
		if hit, err = s.loadRun(in); hit == nil || err != nil {
			return nil, err
		}
	}
	if p.opts.Pull && !p.opts.Dry {
		p.pullRun(ctx, s, hit)
	}
	for _, o := range s.outs {
		e := dvcfile.Entry(hit.entry.Outs, o.path)
		if e == nil || e.Hash.IsZero() {
			return nil, nil
		}
		if has, err := p.r.Cache().Has(ctx, e.Hash); err != nil || !has {
			return nil, err
		}
	}
	return hit, nil
}

// restore puts the outputs of a run into the workspace.
func (p *repro) restore(ctx context.Context, s *stage, hit *runHit) error {
	if err := s.removeOutputs(); err != nil {
		return err
	}
	for _, o := range s.outs {
		e := dvcfile.Entry(hit.entry.Outs, o.path)
		opts := &object.CheckoutOptions{Force: true, Exec: e.Exec}
		if _, err := p.r.Cache().Checkout(ctx, p.r.Hasher(), o.abs, e.Hash, opts); err != nil {
			return err
		}
	}
	return nil
}
