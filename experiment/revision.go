package experiment

import (
	"context"
	"io/fs"
	"time"

	"github.com/reprodl/reprodl/internal/git"
)

// Revision is a commit, an experiment's or another, to be read.
type Revision struct {
	Rev     string // id of the commit
	Time    time.Time
	Message string
	// Files are those of the DVC repository in git: parameters, metrics that
	// git tracks, dvc.lock. What only the DVC cache has is not among them.
	Files fs.FS
}

// Revision opens a git revision or the experiment of that name. Its Files may
// be read until ctx ends or the Repo is closed.
func (r *Repo) Revision(ctx context.Context, rev string) (*Revision, error) {
	id, err := git.ParseID(rev)
	if err != nil {
		if id, err = r.resolve(ctx, rev); err != nil {
			return nil, err
		}
	}
	c, err := r.git.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	// The DVC repository may be a subdirectory of git's.
	root, err := r.git.Lookup(ctx, c.Tree, r.sub)
	if err != nil {
		return nil, err
	}
	return &Revision{Rev: string(c.ID), Time: c.Committer.When, Message: c.Message, Files: r.git.TreeAt(ctx, root.ID)}, nil
}
