package experiment

import (
	"context"
	"fmt"

	"github.com/reprodl/reprodl/internal/git"
)

// Remove deletes the named experiments, or none if one of them is not known.
func (r *Repo) Remove(ctx context.Context, names ...string) error {
	refs, err := r.refs(ctx)
	if err != nil {
		return err
	}
	var gone []ref
	// All unknown names are told at once.
	var unknown []string
	for _, name := range names {
		f, err := r.pick(ctx, refs, name)
		switch {
		case err == nil:
			gone = append(gone, f)
		case isNotFound(err):
			unknown = append(unknown, name)
		default:
			return err
		}
	}
	if len(unknown) > 0 {
		return unknownError("", unknown...)
	}
	return r.removeRefs(ctx, gone)
}

// RemoveSelected deletes the experiments of the selection, and returns their
// names.
func (r *Repo) RemoveSelected(ctx context.Context, s *Selection) ([]string, error) {
	chosen, err := r.selected(ctx, s)
	if err != nil {
		return nil, err
	}
	return namesOf(chosen), r.removeRefs(ctx, chosen)
}

// KeepSelected deletes all experiments but those of the selection, and returns
// the names of what is deleted.
func (r *Repo) KeepSelected(ctx context.Context, s *Selection) ([]string, error) {
	kept, err := r.selected(ctx, s)
	if err != nil {
		return nil, err
	}
	gone, err := r.others(ctx, kept)
	if err != nil {
		return nil, err
	}
	return namesOf(gone), r.removeRefs(ctx, gone)
}

func namesOf(refs []ref) []string {
	var names []string
	for _, f := range refs {
		names = append(names, f.Name)
	}
	return names
}

// Keep deletes all experiments but the named ones, and returns the names of
// what is deleted.
func (r *Repo) Keep(ctx context.Context, names ...string) ([]string, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return nil, err
	}
	var kept []ref
	for _, name := range names {
		f, err := r.pick(ctx, refs, name)
		if err != nil {
			return nil, err
		}
		kept = append(kept, f)
	}
	gone, err := r.others(ctx, kept)
	if err != nil {
		return nil, err
	}
	return namesOf(gone), r.removeRefs(ctx, gone)
}

// others are the experiments that are not in keep.
func (r *Repo) others(ctx context.Context, keep []ref) ([]ref, error) {
	refs, err := r.refs(ctx)
	if err != nil {
		return nil, err
	}
	kept := map[ref]bool{}
	for _, f := range keep {
		kept[f] = true
	}
	var rest []ref
	for _, f := range refs {
		if !kept[f] {
			rest = append(rest, f)
		}
	}
	return rest, nil
}

// removeRefs deletes the references and the records of provenance.
func (r *Repo) removeRefs(ctx context.Context, gone []ref) error {
	if len(gone) == 0 {
		return nil
	}
	var updates []git.Update
	// EXEC_APPLY names what was applied last; it must not keep a removed
	// experiment alive.
	applied, _ := r.git.Ref(ctx, execApply)
	for _, f := range gone {
		updates = append(updates, git.Update{Name: f.String(), Old: f.ID})
		if old, err := r.git.Ref(ctx, recordRef(f)); err == nil {
			updates = append(updates, git.Update{Name: recordRef(f), Old: old})
		}
		if f.ID == applied {
			updates = append(updates, git.Update{Name: execApply, Old: applied})
			// Two experiments may have the same commit, but the reference can be
			// deleted only once.
			applied = ""
		}
	}
	return r.git.UpdateRefs(ctx, updates...)
}

// RenameOptions change what Rename does. Nil means the zero RenameOptions.
type RenameOptions struct {
	Force bool // replace an experiment that has the new name
}

// Rename gives an experiment another name. The error wraps [ErrExist] if another
// one has it.
func (r *Repo) Rename(ctx context.Context, old, name string, opts *RenameOptions) error {
	f, err := r.find(ctx, old)
	if err != nil {
		return err
	}
	to := ref{Baseline: f.Baseline, Name: name, ID: f.ID}
	if err := checkName(name); err != nil {
		return err
	}
	// A new name that is the old one is no conflict with itself.
	if f.Name == name {
		return nil
	}
	update := git.Update{Name: to.String(), New: f.ID, Old: git.NoRef}
	if _, ok := r.exists(ctx, to); ok {
		if opts == nil || !opts.Force {
			return existsError(name)
		}
		// Whatever has the name is replaced.
		update.Old = ""
	}
	// One step: at no time are there two of them, or none.
	updates := []git.Update{{Name: f.String(), Old: f.ID}, update}
	if rec, err := r.git.Ref(ctx, recordRef(f)); err == nil {
		updates = append(updates, git.Update{Name: recordRef(f), Old: rec}, git.Update{Name: recordRef(to), New: rec})
	}
	return r.git.UpdateRefs(ctx, updates...)
}

// Branch makes a git branch of an experiment, named NAME-branch if branch is
// "", and returns the name. It is not checked out.
func (r *Repo) Branch(ctx context.Context, name, branch string) (string, error) {
	f, err := r.findByRev(ctx, name)
	if err != nil {
		return "", err
	}
	if branch == "" {
		branch = f.Name + "-branch"
	}
	full := "refs/heads/" + branch
	if !git.ValidRefName(full) {
		return "", fmt.Errorf("'%s' is not a valid branch name", branch)
	}
	if _, err := r.git.Ref(ctx, full); err == nil {
		return "", fmt.Errorf("Git branch '%s' already exists.", branch)
	}
	err = r.git.UpdateRefs(ctx, git.Update{Name: full, New: f.ID, Old: git.NoRef,
		Message: fmt.Sprintf("dvc: Created from experiment '%s'", f.Name)})
	return branch, err
}

// findByRev accepts a name, a reference or the id of an experiment's commit.
func (r *Repo) findByRev(ctx context.Context, rev string) (ref, error) {
	f, err := r.find(ctx, rev)
	if err == nil || !isNotFound(err) {
		return f, err
	}
	id, err := r.resolve(ctx, rev)
	if err != nil {
		return ref{}, &messageError{rev, ErrNotFound}
	}
	refs, err := r.refs(ctx)
	if err != nil {
		return ref{}, err
	}
	// Without HEAD no baseline equals it, and all finds count alike.
	head, _, _ := r.git.Head(ctx)
	var found []ref
	for _, f := range refs {
		if f.ID == id {
			// Of several the one of the baseline that is checked out, as in find.
			if f.Baseline == head {
				return f, nil
			}
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return ref{}, notExperimentError(rev)
	case 1:
		return found[0], nil
	}
	return ref{}, ambiguousError(rev, found)
}
