package experiment

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/git"
)

// copyModules puts the files of submodules into a copy of the working tree, at the
// commits that a tree object of it names. Each becomes a repository of its own there, which
// reads the objects of the one in the working tree. Of submodules that are not in that,
// as on the worker of a hub, the directory stays empty.
func (r *Repo) copyModules(ctx context.Context, from *git.Repo, tree git.ID, dir string) error {
	if _, err := from.Lookup(ctx, tree, ".gitmodules"); err != nil {
		return nil
	}
	return from.Walk(ctx, tree, func(name string, e git.Entry) error {
		if e.Mode != git.ModeModule {
			return nil
		}
		src, dst := filepath.Join(from.Root(), filepath.FromSlash(name)), filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(filepath.Join(src, ".git")); err == nil {
			sub, err := git.Open(src)
			if err != nil {
				return err
			}
			defer sub.Close()
			if c, err := sub.Commit(ctx, e.ID); err == nil {
				if err := r.copyModule(ctx, sub, e.ID, c.Tree, dst); err != nil {
					return err
				}
				return r.copyModules(ctx, sub, c.Tree, dst)
			}
		}
		r.log.Warn(fmt.Sprintf("the submodule '%s' is empty where the experiment runs: its commit %s is not on this machine", name, e.ID.Short()))
		return nil
	})
}

// copyModule makes dir a working tree of a submodule.
func (r *Repo) copyModule(ctx context.Context, sub *git.Repo, commit, tree git.ID, dir string) error {
	gitDir := filepath.Join(dir, ".git")
	for _, d := range []string{filepath.Join(gitDir, "objects", "info"), filepath.Join(gitDir, "refs")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			return err
		}
	}
	config := "[core]\n\trepositoryformatversion = 0\n"
	if len(commit) == 64 {
		config = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
	}
	for name, text := range map[string]string{"HEAD": string(commit) + "\n", "config": config,
		"objects/info/alternates": filepath.ToSlash(filepath.Join(sub.CommonDir(), "objects")) + "\n"} {
		if err := os.WriteFile(filepath.Join(gitDir, filepath.FromSlash(name)), []byte(text), 0o666); err != nil {
			return err
		}
	}
	g, err := git.Open(dir)
	if err != nil {
		return err
	}
	defer g.Close()
	g.Env = r.opts.Env
	return checkoutAll(ctx, g, gitDir, dir, tree)
}

// checkoutAll writes the files of a tree object, and an index of them.
func checkoutAll(ctx context.Context, g *git.Repo, gitDir, dir string, tree git.ID) error {
	// Both are given, so that a GIT_DIR in the environment, as in a hook, does not lead to
	// another repository.
	env := []string{"GIT_DIR=" + gitDir, "GIT_WORK_TREE=" + dir}
	for _, args := range [][]string{
		{"-c", "core.sparseCheckout=false", "read-tree", string(tree)},
		{"-c", "core.sparseCheckout=false", "checkout-index", "--all", "--force", "--index"},
	} {
		if _, err := g.Do(ctx, git.Cmd{Args: args, Dir: dir, Env: env}); err != nil {
			return err
		}
	}
	return nil
}
