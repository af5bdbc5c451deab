package pipeline

import (
	"context"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// pullRun fetches the outputs of a recorded run.
func (p *repro) pullRun(ctx context.Context, s *project.Stage, hit *project.RunHit) {
	var hashes []object.Hash
	for _, o := range s.Outs {
		if e := dvcfile.Entry(hit.Entry.Outs, o.Written); e != nil {
			hashes = append(hashes, e.Hash)
		}
	}
	if err := transfer.FetchHashes(ctx, p.r.p, hashes); err != nil {
		p.r.p.Log.Debug(err.Error())
	}
}

// pull fetches what a changed stage lacks: dependencies that are the outputs of
// others, and, if it is only for missing data that the stage counts as changed,
// its own outputs. It reports whether the stage is up to date by that.
func (p *repro) pull(ctx context.Context, s *project.Stage, res *Result) (bool, error) {
	if p.opts.Dry {
		return false, nil
	}
	for _, d := range s.Deps {
		if d.Origin != nil || project.Exists(d.Abs) {
			continue
		}
		owner, out, err := p.x.Owner(d.Abs)
		if err != nil {
			return false, err
		}
		if owner == nil {
			continue
		}
		if err := origin.BringBack(ctx, p.r.p, []*project.Output{out}); err != nil {
			p.r.p.Log.Debug(err.Error())
		}
	}
	left, err := p.changes(ctx, s, true)
	if err != nil || len(left) > 0 {
		return false, err
	}
	p.info("Pulling data for %s", s)
	// What no run has recorded is nowhere.
	unknown := false
	for _, o := range s.Outs {
		if !o.Rec.Hash.IsZero() {
			continue
		}
		if unknown = true; o.Cached() {
			o.WarnUnknown(p.r.p.Log)
		}
	}
	if unknown {
		p.info("Unable to pull data for %s", s)
		return false, nil
	}
	if err := origin.BringBack(ctx, p.r.p, s.Outs); err != nil {
		p.r.p.Log.Debug(err.Error())
		p.info("Unable to pull data for %s", s)
		return false, nil
	}
	res.Action = Pulled
	return true, nil
}
