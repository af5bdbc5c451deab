package experiment

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/git"
)

// Prepared is a copy of the working tree in which a plan can be executed. Nil is none.
type Prepared struct {
	w      *work
	commit git.ID
	remove func()
}

// errOtherSettings says that a plan can't be prepared, as its .dvc/config is not that
// of the repository, by which other plans run.
var errOtherSettings = errors.New("the plan has another .dvc/config")

// Prepare takes in the pack that [Repo.PackPlan] made and makes the copy that Execute
// will run the plan in. It marks nothing: the plan may be executed elsewhere, and then
// closing what was prepared leaves objects alone.
func (r *Repo) Prepare(ctx context.Context, p *Plan, pack []byte) (*Prepared, error) {
	if err := r.receive(ctx, p, pack); err != nil {
		return nil, err
	}
	want, err := r.planConfig(ctx, p)
	if err != nil {
		return nil, err
	}
	if want != nil {
		if have, err := os.ReadFile(r.configFile()); err != nil || !bytes.Equal(have, want) {
			return nil, errors.Join(errOtherSettings, err)
		}
	}
	own := *r
	own.dir = filepath.Join(r.root, filepath.FromSlash(p.Options.Dir))
	w, remove, err := own.planCopy(ctx, p, git.ID(p.Commit))
	if err != nil {
		return nil, err
	}
	return &Prepared{w, git.ID(p.Commit), remove}, nil
}

// planCopy is a copy for a plan.
func (r *Repo) planCopy(ctx context.Context, p *Plan, commit git.ID) (w *work, remove func(), err error) {
	c, err := r.git.Commit(ctx, commit)
	if err != nil {
		return nil, nil, err
	}
	return r.copyTree(ctx, r.planDir(), p.ID+"-", git.ID(p.Baseline), c.Tree, p.Options.Copy)
}

// take is the copy for a repository that was opened by other options, nil if it is one
// of something else.
func (p *Prepared) take(r *Repo, commit git.ID) *work {
	if p == nil || p.commit != commit {
		return nil
	}
	p.w.repo, p.w.git.Env = r, r.opts.Env
	return p.w
}

// Close deletes the copy.
func (p *Prepared) Close() {
	if p != nil {
		p.remove()
	}
}
