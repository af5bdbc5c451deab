package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/data"
)

// installCmd is dvc install. The hooks call this program by the name that it has
// here.
func (a *app) installCmd() *cobra.Command {
	var preCommit bool
	var program string
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install hooks of git that check out, look and push",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if preCommit {
				return errors.New("the pre-commit tool installs DVC in Python and its hooks; " +
					"add them by hand if you want these (repo: https://github.com/treeverse/dvc), or use 'install' without this option")
			}
			err = repo.Install(cmd.Context(), program)
			if errors.As(err, new(*data.HookError)) {
				err = fmt.Errorf("%w. Please refer to <https://man.dvc.org/install> for more info.", err)
			}
			if err != nil {
				return soft(fmt.Errorf("failed to install DVC Git hooks - %w", err))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&program, "program", calledAs(), "`command` that the hooks call (not in dvc)")
	cmd.Flags().BoolVar(&preCommit, "use-pre-commit-tool", false, "not supported, as that tool's hooks run DVC in Python")
	return cmd
}

// gitHookCmd is what the hooks call; nobody types it.
func (a *app) gitHookCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "git-hook", Short: "Run a hook of git", Hidden: true}
	// Outside of a repository, on a branch without one say, there is nothing to do.
	again := func(cmd *cobra.Command, args ...string) error {
		if _, err := a.open(); err != nil {
			if exitCode(err) == exitNotRepo {
				return nil
			}
			return err
		}
		w := a.world
		if code := run(cmd.Context(), args, &w); code != 0 {
			return &exitError{code: code}
		}
		return nil
	}
	for _, hook := range []struct{ name, command string }{{"pre-commit", "status"}, {"pre-push", "push"}} {
		cmd.AddCommand(&cobra.Command{Use: hook.name, Short: hook.command, Args: cobra.ArbitraryArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return again(cmd, hook.command) }})
	}
	cmd.AddCommand(&cobra.Command{Use: "post-checkout", Short: "checkout", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			// The third argument of git is 1 when a commit, not a file, was checked out; a tool
			// that gives no arguments has a variable for it.
			flag := a.getenv("PRE_COMMIT_CHECKOUT_TYPE")
			if flag == "" && len(args) >= 3 {
				flag = args[2]
			}
			if flag != "1" || isDir(filepath.Join(a.Dir, ".git", "rebase-merge")) {
				return nil
			}
			return again(cmd, "checkout")
		}})
	cmd.AddCommand(a.mergeDriverCmd())
	return requireSub(cmd)
}

// mergeDriverCmd merges .dvc files of directories.
func (a *app) mergeDriverCmd() *cobra.Command {
	var ancestor, our, their string
	cmd := &cobra.Command{Use: "merge-driver", Short: "Merge .dvc files", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.open()
			if exitCode(err) == exitNotRepo {
				return nil
			}
			if err != nil {
				return err
			}
			return repo.Merge(cmd.Context(), ancestor, our, their)
		}}
	for name, value := range map[string]*string{"ancestor": &ancestor, "our": &our, "their": &their} {
		cmd.Flags().StringVar(value, name, "", "`file` of that side")
		_ = cmd.MarkFlagRequired(name) // there is such a flag
	}
	return cmd
}

// calledAs is how hooks call this program: as it was, or else as dvc.
func calledAs() string {
	if name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"); name == "reprodl" {
		return name
	}
	return "dvc"
}
