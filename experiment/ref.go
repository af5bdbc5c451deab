package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// DVC's names. Its Python code reads and writes the same references.
const (
	refPrefix = "refs/exps/"
	execApply = refPrefix + "exec/EXEC_APPLY"
	applyHead = refPrefix + "apply/ORIG_HEAD"
	applyWork = refPrefix + "apply/stash"
)

// ref is an experiment's reference.
type ref struct {
	Baseline git.ID
	Name     string
	ID       git.ID
}

// String is the full name. The baseline is split after two digits, as git splits
// the names of loose objects.
func (f ref) String() string {
	return refPrefix + string(f.Baseline[:2]) + "/" + string(f.Baseline[2:]) + "/" + f.Name
}

// parseRef reads refs/exps/xx/yyyy/NAME. The other references below refs/exps
// (apply, celery, exec, temp, stash) and malformed ones are not experiments.
func parseRef(name string) (ref, bool) {
	rest, ok := strings.CutPrefix(name, refPrefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 || parts[2] == "" {
		return ref{}, false
	}
	id, err := git.ParseID(parts[0] + parts[1])
	if err != nil || len(parts[0]) != 2 {
		return ref{}, false
	}
	return ref{Baseline: id, Name: parts[2]}, true
}

// refs lists all experiments, by baseline and name.
func (r *Repo) refs(ctx context.Context) ([]ref, error) {
	all, err := r.git.Refs(ctx, refPrefix)
	if err != nil {
		return nil, err
	}
	list := make([]ref, 0, len(all))
	for _, g := range all {
		if f, ok := parseRef(g.Name); ok {
			f.ID = g.ID
			list = append(list, f)
		}
	}
	return list, nil
}

// checkName applies DVC's rule for names: a reference name without slashes.
func checkName(name string) error {
	if strings.Contains(name, "/") || strings.HasPrefix(name, "-") || !git.ValidRefName(refPrefix+"xx/yy/"+name) {
		return fmt.Errorf("Invalid exp name %s, the exp name must follow rules in https://git-scm.com/docs/git-check-ref-format", name)
	}
	return nil
}

// newName draws a name that no experiment has, for any baseline: names stay
// unambiguous without a full reference.
func (r *Repo) newName(ctx context.Context, taken func(string) bool) (string, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return "", err
	}
	for n := 0; ; n++ {
		name := adjectives[rand.IntN(len(adjectives))] + "-" + nouns[rand.IntN(len(nouns))]
		if n > 1000 { // nearly all are taken
			name += fmt.Sprintf("-%d", rand.IntN(1e9))
		}
		used := slices.ContainsFunc(refs, func(f ref) bool { return f.Name == name })
		if !used && (taken == nil || !taken(name)) {
			return name, nil
		}
	}
}

// exists reports whether the baseline has an experiment of that name.
func (r *Repo) exists(ctx context.Context, f ref) (git.ID, bool) {
	id, err := r.git.Ref(ctx, f.String())
	return id, err == nil
}

// find returns the experiment that a name or full reference means. Of several
// with the name, the one whose baseline is checked out counts.
func (r *Repo) find(ctx context.Context, name string) (ref, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return ref{}, err
	}
	return r.pick(ctx, refs, name)
}

// pick is find in a list of references, those of a remote as well.
func (r *Repo) pick(ctx context.Context, refs []ref, name string) (ref, error) {
	var found []ref
	for _, f := range refs {
		if f.Name == name || f.String() == name {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return ref{}, unknownError("", name)
	case 1:
		return found[0], nil
	}
	head, _, err := r.head(ctx)
	if err != nil {
		return ref{}, err
	}
	for _, f := range found {
		if f.Baseline == head {
			return f, nil
		}
	}
	return ref{}, ambiguousError(name, found)
}

// resolve turns a git revision or the name of an experiment into a commit.
func (r *Repo) resolve(ctx context.Context, rev string) (git.ID, error) {
	// Git comes first, as in DVC: a branch hides an experiment of its name.
	id, err := r.git.Resolve(ctx, rev)
	if err == nil || !errors.Is(err, git.ErrNotFound) {
		return id, err
	}
	f, ferr := r.find(ctx, rev)
	if ferr == nil {
		return f.ID, nil
	}
	if name, tail, ok := cutRev(rev); ok {
		if f, err := r.find(ctx, name); err == nil {
			return r.git.Resolve(ctx, string(f.ID)+tail)
		}
	}
	// The name means several experiments.
	if !errors.Is(ferr, ErrNotFound) {
		return "", fmt.Errorf("ambiguous Git revision '%s'", rev)
	}
	return "", unknownRevision(rev)
}

// cutRev splits "name~2" and "name^" before the operator.
func cutRev(rev string) (name, tail string, ok bool) {
	if i := strings.IndexAny(rev, "~^"); i > 0 {
		return rev[:i], rev[i:], true
	}
	return "", "", false
}

// experiment reads what the commit of f tells.
func (r *Repo) experiment(ctx context.Context, f ref) (*Experiment, error) {
	c, err := r.git.Commit(ctx, f.ID)
	if err != nil {
		return nil, fmt.Errorf("experiment '%s': %w", f.Name, err)
	}
	return &Experiment{Name: f.Name, Rev: string(f.ID), Baseline: string(f.Baseline), Time: c.Committer.When, Message: c.Message}, nil
}
