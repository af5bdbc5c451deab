package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/git"
)

// Apply gives the files of the working tree the content they have in an
// experiment. HEAD and the index stay, so the result shows as changes that are
// not staged; files that the experiment does not have are kept. What was there
// before, untracked files included, is kept as a stash commit on
// refs/exps/apply/stash.
//
// An experiment whose tree would write outside of the repository is refused.
func (r *Repo) Apply(ctx context.Context, name string) error {
	id, err := r.resolve(ctx, name)
	if err != nil {
		return fmt.Errorf("%w: %w", notExperimentError(name), err)
	}
	c, err := r.git.Commit(ctx, id)
	if err != nil {
		return err
	}
	// Before anything is locked or written.
	if err := r.checkTree(ctx, c.Tree); err != nil {
		return err
	}
	lock, err := r.lockWork(ctx)
	if err != nil {
		return err
	}
	defer lock.unlock()
	// From here on the state before can be had back with git stash apply.
	if err := r.keepWorkspace(ctx, id, name); err != nil {
		return err
	}
	j, err := r.differences(ctx, c.Tree)
	if err != nil {
		return err
	}
	// From here to done a kill is made good by the next call that looks.
	r.noteOuts(j)
	if err := r.begin(j); err != nil {
		return err
	}
	for _, f := range j.Files {
		if err := r.applyFile(ctx, c.Tree, f); err != nil {
			return errors.Join(err, r.undo(context.WithoutCancel(ctx), j))
		}
	}
	w := &work{repo: r, git: r.git, root: r.root, dir: r.dir}
	err = w.checkout(ctx)
	// A cancelled checkout leaves half of the data: everything goes back.
	if ctx.Err() != nil {
		return errors.Join(err, r.undo(context.WithoutCancel(ctx), j))
	}
	// Data that is missing from the cache can be pulled and checked out later.
	if err := errors.Join(err, r.done()); err != nil {
		return err
	}
	return r.git.UpdateRefs(ctx, git.Update{Name: execApply, New: id})
}

// differences lists the files that Apply will write.
func (r *Repo) differences(ctx context.Context, tree git.ID) (*journal, error) {
	j := &journal{What: "exp apply"}
	err := r.git.Walk(ctx, tree, func(name string, e git.Entry) error {
		if e.Mode == git.ModeModule {
			return nil // submodules are the user's business
		}
		if throughLink(r.git.Root(), name) {
			return fmt.Errorf("'%s' lies behind a symbolic link of the working tree and is not written", name)
		}
		abs := filepath.Join(r.git.Root(), filepath.FromSlash(name))
		// A directory is not deleted for the sake of a file.
		if fi, err := os.Lstat(abs); err == nil && fi.IsDir() {
			return fmt.Errorf("'%s' is a file in the experiment and a directory in the workspace; move it away", name)
		}
		// What is the same already is neither written nor in the journal.
		now, mode, err := r.blobAt(abs)
		if err != nil || (now == e.ID && mode == e.Mode) {
			return err
		}
		if err := r.keepBlob(ctx, abs, now, mode); err != nil {
			return err
		}
		j.Files = append(j.Files, journalFile{Path: name, Mode: mode, Old: now, New: e.ID})
		return nil
	})
	return j, err
}

// keepBlob makes sure that the present content can be restored.
func (r *Repo) keepBlob(_ context.Context, abs string, id git.ID, mode git.Mode) error {
	switch mode {
	case 0:
		return nil
	case git.ModeSymlink:
		target, err := os.Readlink(abs)
		if err == nil {
			_, err = r.git.WriteObject(git.Blob, []byte(target))
		}
		return err
	}
	f, err := os.Open(abs)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	now, err := r.git.WriteBlob(f, fi.Size())
	// The journal names the content by its id, so it must be that.
	if err == nil && now != id {
		err = fmt.Errorf("%s changed while it was read", abs)
	}
	return err
}

// applyFile writes one file of the tree; ctx is asked before each, so a file is
// written whole or not at all.
func (r *Repo) applyFile(ctx context.Context, tree git.ID, f journalFile) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e, err := r.git.Lookup(ctx, tree, f.Path)
	if err != nil {
		return err
	}
	return r.writeBlob(ctx, filepath.Join(r.git.Root(), filepath.FromSlash(f.Path)), e.Mode, e.ID)
}

// keepWorkspace stores the state of the working tree as a stash commit, which
// `git stash apply refs/exps/apply/stash` understands.
func (r *Repo) keepWorkspace(ctx context.Context, rev git.ID, name string) error {
	head, branch, err := r.head(ctx)
	if err != nil {
		return err
	}
	// A detached HEAD, in git's words.
	if branch == "" {
		branch = "(no branch)"
	} else {
		branch = filepath.Base(branch)
	}
	updates := []git.Update{{Name: applyHead, New: head}}
	tree, err := r.git.Snapshot(ctx)
	if err != nil {
		return err
	}
	index, err := r.git.IndexTree(ctx)
	if err != nil {
		return err
	}
	hc, err := r.git.Commit(ctx, head)
	if err != nil {
		return err
	}
	author, committer, err := r.git.Identity(ctx)
	if err != nil {
		return err
	}
	commit := func(tree git.ID, msg string, parents ...git.ID) (git.ID, error) {
		return r.git.WriteCommit(&git.Commit{Tree: tree, Parents: parents, Author: author, Committer: committer, Message: msg})
	}
	untracked, err := r.untrackedTree(ctx)
	if err != nil {
		return err
	}
	// Nothing is lost by writing over it, and an older stash, which would be
	// taken for that of this apply, is forgotten.
	if tree == hc.Tree && index == hc.Tree && untracked == "" {
		if old, err := r.git.Ref(ctx, applyWork); err == nil {
			updates = append(updates, git.Update{Name: applyWork, Old: old})
		}
		return r.git.UpdateRefs(ctx, updates...)
	}
	on := fmt.Sprintf("%s: %s", branch, head.Short())
	staged, err := commit(index, "index on "+on+"\n", head)
	if err != nil {
		return err
	}
	// The parents of a stash commit are HEAD, the index and, third, a commit
	// without parents that holds the untracked files.
	parents := []git.ID{head, staged}
	if untracked != "" {
		u, err := commit(untracked, "untracked files on "+on+"\n")
		if err != nil {
			return err
		}
		parents = append(parents, u)
	}
	id, err := commit(tree, fmt.Sprintf("dvc-exp-apply:%s:%s:%s", head, rev, name), parents...)
	if err != nil {
		return err
	}
	return r.git.UpdateRefs(ctx, append(updates, git.Update{Name: applyWork, New: id})...)
}

// untrackedTree stores the untracked files, "" if there are none.
func (r *Repo) untrackedTree(ctx context.Context) (git.ID, error) {
	names, err := r.git.Untracked(ctx)
	if err != nil || len(names) == 0 {
		return "", err
	}
	changes := map[string]git.Change{}
	for _, name := range slices.Clone(names) {
		abs := filepath.Join(r.git.Root(), filepath.FromSlash(name))
		fi, err := os.Lstat(abs)
		// Pipes and the like are no content.
		if err != nil || (!fi.Mode().IsRegular() && fi.Mode()&fs.ModeSymlink == 0) {
			continue
		}
		id, mode, err := r.blobAt(abs)
		if err != nil {
			return "", err
		}
		if err := r.keepBlob(ctx, abs, id, mode); err != nil {
			return "", err
		}
		changes[name] = git.Change{Mode: mode, ID: id}
	}
	if len(changes) == 0 {
		return "", nil
	}
	return r.git.EditTree(ctx, "", changes)
}
