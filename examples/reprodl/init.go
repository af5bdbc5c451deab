package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

const welcome = `What's next?
------------
- Check out the documentation: <https://dvc.org/doc>
- Get help and share ideas: <https://dvc.org/chat>
- Star us on GitHub: <https://github.com/treeverse/dvc>
`

func (a *app) initCmd() *cobra.Command {
	var opts data.InitOptions
	cmd := &cobra.Command{
		Use:   "init [directory]",
		Short: "Make a directory a DVC repository",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := a.Dir
			if len(args) > 0 {
				dir = a.path(args[0])
			}
			if err := pipeline.Init(cmd.Context(), dir, &opts); err != nil {
				return soft(fmt.Errorf("failed to initiate DVC - %w", err))
			}
			a.printf("Initialized DVC repository.\n\n")
			if !opts.NoSCM {
				a.printf("You can now commit the changes to git.\n\n")
			}
			a.printf("%s", welcome)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.NoSCM, "no-scm", false, "not below git")
	flags.BoolVarP(&opts.Force, "force", "f", false, "replace what is there, the cache included")
	flags.BoolVar(&opts.Subdir, "subdir", false, "below the root of a git repository")
	return cmd
}

func (a *app) checkIgnoreCmd() *cobra.Command {
	var details, all, nonMatching bool
	cmd := &cobra.Command{
		Use:   "check-ignore target...",
		Short: "Tell whether .dvcignore files exclude paths",
		RunE: func(_ *cobra.Command, targets []string) error {
			repo, err := a.open()
			switch {
			case err != nil:
				return err
			case len(targets) == 0:
				return errors.New("`targets` or `--stdin` needed")
			case nonMatching && !details:
				return errors.New("`--non-matching` is only valid with `--details`")
			case all && !details:
				return errors.New("`--all` is only valid with `--details`")
			}
			found := false
			for _, target := range targets {
				result, err := repo.CheckIgnore(target)
				if err != nil {
					return err
				}
				found = found || result.Pattern != ""
				switch {
				case details && result.Pattern != "":
					a.printf("%s\t%s\n", result.Pattern, target)
				case details && nonMatching:
					a.printf("::\t%s\n", target)
				case !details && result.Match:
					a.printf("%s\n", target)
				}
			}
			if !found {
				return &exitError{code: exitSoft}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&details, "details", "d", false, "show the patterns that decided")
	flags.BoolVarP(&all, "all", "a", false, "show all matching patterns")
	flags.BoolVarP(&nonMatching, "non-matching", "n", false, "show also what no pattern matches")
	return cmd
}
