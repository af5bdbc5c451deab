package experiment

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// Selection chooses baselines, and with them their experiments. Nil or the
// zero Selection is HEAD alone.
type Selection struct {
	Revs []string // revisions; nil is HEAD unless All is set
	// Num is how many first parents are taken from each revision, itself
	// included; 0 is 1, negative means all.
	Num int
	All bool // every commit, or every experiment
}

func (s *Selection) orHead() Selection {
	if s == nil {
		return Selection{Revs: []string{"HEAD"}, Num: 1}
	}
	out := *s
	if len(out.Revs) == 0 && !out.All {
		out.Revs = []string{"HEAD"}
	}
	if out.Num == 0 {
		out.Num = 1
	}
	return out
}

// commits lists the revisions and num-1 first parents of each, each commit
// once, in order.
func (r *Repo) commits(ctx context.Context, revs []string, num int) ([]git.ID, error) {
	var list []git.ID
	seen := map[git.ID]bool{}
	for _, rev := range revs {
		id, err := r.resolve(ctx, rev)
		if err != nil {
			return nil, err
		}
		for n := 0; n != num; {
			if !seen[id] {
				seen[id] = true
				list = append(list, id)
			}
			if n++; n == num {
				break
			}
			c, err := r.git.Commit(ctx, id)
			if err != nil || len(c.Parents) == 0 {
				break // the root, or where a shallow clone ends
			}
			if _, _, err := r.git.Size(ctx, c.Parents[0]); err != nil {
				break
			}
			id = c.Parents[0]
		}
	}
	return list, nil
}

// allCommits lists what branches, tags and remotes reach, newest first.
func (r *Repo) allCommits(ctx context.Context) ([]git.ID, error) {
	out, err := r.git.Run(ctx, "rev-list", "--date-order", "HEAD", "--branches", "--tags", "--remotes")
	if err != nil {
		return nil, err
	}
	var ids []git.ID
	for s := range strings.FieldsSeq(string(out)) {
		ids = append(ids, git.ID(s))
	}
	return ids, nil
}

// selected lists the experiments of the selection in order of reference.
func (r *Repo) selected(ctx context.Context, s *Selection) ([]ref, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return nil, err
	}
	sel := s.orHead()
	if sel.All {
		return refs, nil
	}
	bases, err := r.commits(ctx, sel.Revs, sel.Num)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(refs, func(f ref) bool { return !slices.Contains(bases, f.Baseline) }), nil
}

// List returns the experiments of the selected baselines, by baseline and
// name.
func (r *Repo) List(ctx context.Context, s *Selection) ([]Experiment, error) {
	if _, _, err := r.head(ctx); err != nil {
		return nil, err
	}
	refs, err := r.selected(ctx, s)
	if err != nil {
		return nil, err
	}
	list := make([]Experiment, 0, len(refs))
	for _, f := range refs {
		e, err := r.experiment(ctx, f)
		if err != nil {
			return nil, err
		}
		list = append(list, *e)
	}
	return list, nil
}

// Find returns the experiment of that name or full reference. The error wraps
// [ErrNotFound] when there is none.
func (r *Repo) Find(ctx context.Context, name string) (*Experiment, error) {
	f, err := r.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.experiment(ctx, f)
}

// Describe names commits as DVC does: the current branch, else a tag, else a
// branch. Commits without a name are absent.
func (r *Repo) Describe(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	for _, space := range []string{"refs/heads/", "refs/tags/"} { // tags win
		refs, err := r.git.Refs(ctx, space)
		if err != nil {
			return nil, err
		}
		for _, g := range slices.Backward(refs) { // the first of several wins
			id := g.ID
			if space == "refs/tags/" {
				c, err := r.git.Commit(ctx, g.ID)
				if err != nil {
					continue // a tag of something else
				}
				id = c.ID
			}
			names[string(id)] = strings.TrimPrefix(g.Name, space)
		}
	}
	head, branch, err := r.git.Head(ctx)
	if err == nil && branch != "" {
		names[string(head)] = strings.TrimPrefix(branch, "refs/heads/")
	}
	if err != nil && !errors.Is(err, git.ErrNotFound) {
		return nil, err
	}
	return names, nil
}
