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
	Revs []string // revisions; nil is HEAD unless more is chosen, empty is none
	// Num is how many first parents are taken from each revision, itself
	// included; 0 is 1, negative means all.
	Num int
	All bool // every commit, or every experiment
	// Branches and Tags take in the tips of all branches, with Num first
	// parents each, and all tags.
	Branches, Tags bool
}

// orHead makes the defaults explicit; the receiver may be nil and is not changed.
func (s *Selection) orHead() Selection {
	if s == nil {
		return Selection{Revs: []string{"HEAD"}, Num: 1}
	}
	out := *s
	// HEAD is only what nothing else was chosen for.
	if out.Revs == nil && !out.All && !out.Branches && !out.Tags {
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
		// A negative num is never reached, which means all.
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
			// The parent is named but not here.
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

// baselines lists the commits that a selection means, each once: revisions
// first, then everything or the tips of branches and tags.
func (r *Repo) baselines(ctx context.Context, s Selection) ([]git.ID, error) {
	list, err := r.commits(ctx, s.Revs, s.Num)
	if err != nil {
		return nil, err
	}
	seen := map[git.ID]bool{}
	for _, id := range list {
		seen[id] = true
	}
	add := func(ids []git.ID) {
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				list = append(list, id)
			}
		}
	}
	if s.All {
		all, err := r.allCommits(ctx)
		add(all)
		return list, err
	}
	// Tags are taken by themselves, without parents, whatever Num is.
	for _, tips := range []struct {
		wanted bool
		space  string
		num    int
	}{{s.Branches, "refs/heads/", s.Num}, {s.Tags, "refs/tags/", 1}} {
		if !tips.wanted {
			continue
		}
		refs, err := r.git.Refs(ctx, tips.space)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, g := range refs {
			names = append(names, g.Name)
		}
		ids, err := r.commits(ctx, names, tips.num)
		if err != nil {
			return nil, err
		}
		add(ids)
	}
	return list, nil
}

// Commits lists the baselines of a selection, each once. All lists what
// branches, tags and remotes reach, newest first.
func (r *Repo) Commits(ctx context.Context, s *Selection) ([]string, error) {
	ids, err := r.baselines(ctx, s.orHead())
	return texts(ids), err
}

// texts are the ids as the API has them.
func texts(ids []git.ID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = string(id)
	}
	return list
}

// Orphans lists the baselines of experiments that no branch, tag or remote
// reaches, as after a rebase, but for those in known.
func (r *Repo) Orphans(ctx context.Context, known []string) ([]string, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[git.ID]bool{}
	// Those are on the table already.
	for _, id := range known {
		seen[git.ID(id)] = true
	}
	var ask []git.ID
	for _, f := range refs { // sorted by baseline
		if !seen[f.Baseline] {
			seen[f.Baseline] = true
			ask = append(ask, f.Baseline)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	// One git process answers for all: what it lists is not reached by any
	// name. Commits between the baselines are listed as well, and ignored.
	args := append([]string{"rev-list", "--ignore-missing"}, texts(ask[:min(len(ask), maxAsked)])...)
	out, err := r.git.Run(ctx, append(args, "--not", "HEAD", "--branches", "--tags", "--remotes")...)
	if err != nil {
		return nil, err
	}
	lost := map[git.ID]bool{}
	for id := range strings.FieldsSeq(string(out)) {
		lost[git.ID(id)] = true
	}
	return texts(slices.DeleteFunc(ask, func(id git.ID) bool { return !lost[id] })), nil
}

// maxAsked bounds the length of git's command line.
const maxAsked = 2000

// selected lists the experiments of the selection in order of reference.
func (r *Repo) selected(ctx context.Context, s *Selection) ([]ref, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return nil, err
	}
	return r.ofSelection(ctx, refs, s)
}

// ofSelection keeps those of refs whose baseline is selected, in their order. It
// reuses the array of refs.
func (r *Repo) ofSelection(ctx context.Context, refs []ref, s *Selection) ([]ref, error) {
	sel := s.orHead()
	if sel.All {
		return refs, nil
	}
	bases, err := r.baselines(ctx, sel)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(refs, func(f ref) bool { return !slices.Contains(bases, f.Baseline) }), nil
}

// Refs is [Repo.List] without reading the commits: Time and Message are zero.
func (r *Repo) Refs(ctx context.Context, s *Selection) ([]Experiment, error) {
	if _, _, err := r.head(ctx); err != nil {
		return nil, err
	}
	refs, err := r.selected(ctx, s)
	list := make([]Experiment, len(refs))
	for i, f := range refs {
		list[i] = Experiment{Name: f.Name, Rev: string(f.ID), Baseline: string(f.Baseline)}
	}
	return list, err
}

// List returns the experiments of the selected baselines, by baseline and
// name.
func (r *Repo) List(ctx context.Context, s *Selection) ([]Experiment, error) {
	if _, _, err := r.head(ctx); err != nil {
		// Without a selection DVC looks HEAD up like any other revision.
		if sel := s.orHead(); errors.Is(err, ErrNoCommits) && !sel.All && len(sel.Revs) > 0 {
			return nil, &messageError{unknownRevision(sel.Revs[0]).Error(), ErrNoCommits}
		}
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
		// The branch that is checked out wins over tags.
		names[string(head)] = strings.TrimPrefix(branch, "refs/heads/")
	}
	if err != nil && !errors.Is(err, git.ErrNotFound) {
		return nil, err
	}
	return names, nil
}
