package experiment

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// Tips lists the commits that references of the repository point to: who knows
// them can tell what it lacks.
func (r *Repo) Tips(ctx context.Context) ([]string, error) {
	refs, err := r.git.Refs(ctx, "refs/")
	seen := map[git.ID]bool{}
	var list []string
	for _, g := range refs {
		if !seen[g.ID] {
			seen[g.ID] = true
			list = append(list, string(g.ID))
		}
	}
	return list, err
}

// PackSubmission writes a plan for another clone, as a git pack with all that is
// not reached from tips, which are those of the other one: what git push would
// send.
func (r *Repo) PackSubmission(ctx context.Context, w io.Writer, p *Plan, tips []string) error {
	mark, err := r.git.Ref(ctx, markRef(p.ID))
	if err != nil {
		return goneError(p)
	}
	return r.packBeyond(ctx, w, mark, tips)
}

// PackTask writes a plan, which may have been executed here meanwhile, for clones that
// have what the remote-tracking branches of this one point to and, with baseline, the
// plan's baseline.
func (r *Repo) PackTask(ctx context.Context, w io.Writer, p *Plan, baseline bool) error {
	id, err := git.ParseID(p.Commit)
	if err != nil {
		return err
	}
	if _, _, err := r.git.Size(ctx, id); err != nil {
		return goneError(p)
	}
	refs, err := r.git.Refs(ctx, "refs/remotes/")
	if err != nil {
		return err
	}
	var tips []string
	for _, g := range refs {
		tips = append(tips, string(g.ID))
	}
	if baseline {
		tips = append(tips, p.Baseline)
	}
	return r.packBeyond(ctx, w, id, tips)
}

// PackCommits writes what plans have beyond their baselines, as a git pack for
// [Repo.AcceptObjects] of a repository that has these. Commits that are not here are left
// out.
func (r *Repo) PackCommits(ctx context.Context, w io.Writer, plans ...Plan) error {
	var in strings.Builder
	for i := range plans {
		if p := &plans[i]; r.Has(ctx, p.Commit) && r.Has(ctx, p.Baseline) {
			fmt.Fprintf(&in, "%s\n^%s\n", p.Commit, p.Baseline)
		}
	}
	return r.pack(ctx, w, in.String())
}

// AcceptObjects takes in a git pack, for plans that are accepted next.
func (r *Repo) AcceptObjects(ctx context.Context, pack []byte) error {
	return r.unpack(ctx, pack, true)
}

// Has reports whether a commit is here.
func (r *Repo) Has(ctx context.Context, commit string) bool {
	id, err := git.ParseID(commit)
	if err == nil {
		_, _, err = r.git.Size(ctx, id)
	}
	return err == nil
}

// packBeyond writes a commit and all that is not reached from tips.
func (r *Repo) packBeyond(ctx context.Context, w io.Writer, commit git.ID, tips []string) error {
	var in strings.Builder
	fmt.Fprintf(&in, "%s\n", commit)
	for _, id := range tips {
		if _, err := git.ParseID(id); err != nil {
			continue
		}
		if kind, _, err := r.git.Size(ctx, git.ID(id)); err == nil && kind == git.CommitObj {
			fmt.Fprintf(&in, "^%s\n", id)
		}
	}
	return r.pack(ctx, w, in.String())
}

// AcceptSubmission takes in what PackSubmission wrote, and marks the plan here. A
// plan that is marked already, or was executed, is left as it is.
func (r *Repo) AcceptSubmission(ctx context.Context, p *Plan, pack []byte) error {
	id, err := git.ParseID(p.Commit)
	if err != nil {
		return err
	}
	if !validID(p.ID) {
		return fmt.Errorf("%q is not the id of a plan", p.ID)
	}
	if _, err := r.git.Ref(ctx, markRef(p.ID)); err == nil {
		return nil
	}
	if _, err := r.Recorded(ctx, p); err == nil {
		return nil
	}
	if err := r.unpack(ctx, pack, true); err != nil {
		return err
	}
	c, err := r.git.Commit(ctx, id)
	if err != nil {
		return err
	}
	if q, ok := parseMark(c); !ok || q.Baseline != p.Baseline || q.Name != p.Name {
		return fmt.Errorf("commit %s is not what the plan says", id.Short())
	}
	if err := r.checkTree(ctx, c.Tree); err != nil {
		return err
	}
	if _, err := r.git.Run(ctx, "rev-list", "--objects", "--quiet", string(id), "--not", "--all"); err != nil {
		return fmt.Errorf("what was sent of %s is not complete: %w", id.Short(), err)
	}
	return r.git.UpdateRefs(ctx, git.Update{Name: markRef(p.ID), New: id, Old: git.NoRef})
}

// validID keeps a plan's id one element of a reference's name.
func validID(id string) bool {
	return id != "" && !bytes.ContainsFunc([]byte(id), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	})
}
