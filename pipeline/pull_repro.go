package pipeline

import (
	"context"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
)

// pullRun fetches the outputs of a recorded run.
func (p *repro) pullRun(ctx context.Context, s *stage, hit *runHit) {
	var hashes []object.Hash
	for _, o := range s.outs {
		if e := dvcfile.Entry(hit.entry.Outs, o.path); e != nil {
			hashes = append(hashes, e.Hash)
		}
	}
	if err := p.r.fetchHashes(ctx, hashes); err != nil {
		p.r.log.Debug(err.Error())
	}
}

// pull fetches what a changed stage lacks: dependencies that are the outputs of
// others, and, if it is only for missing data that the stage counts as changed,
// its own outputs. It reports whether the stage is up to date by that.
func (p *repro) pull(ctx context.Context, s *stage, res *Result) (bool, error) {
	if p.opts.Dry {
		return false, nil
	}
	for _, d := range s.deps {
		if exists(d.abs) {
			continue
		}
		owner, out, err := p.x.owner(d.abs)
		if err != nil {
			return false, err
		}
		if owner == nil {
			continue
		}
		if err := p.r.bringBack(ctx, []*output{out}); err != nil {
			p.r.log.Debug(err.Error())
		}
	}
	left, err := p.changes(ctx, s, true)
	if err != nil || len(left) > 0 {
		return false, err
	}
	p.info("Pulling data for %s", s)
	if err := p.r.bringBack(ctx, s.outs); err != nil {
		p.r.log.Debug(err.Error())
		p.info("Unable to pull data for %s", s)
		return false, nil
	}
	res.Action = Pulled
	return true, nil
}
