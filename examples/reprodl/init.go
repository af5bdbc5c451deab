package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

// welcome is the end of what dvc init prints.
const welcome = `What's next?
------------
- Check out the documentation: <https://dvc.org/doc>
- Get help and share ideas: <https://dvc.org/chat>
- Star us on GitHub: <https://github.com/treeverse/dvc>
`

// initCmd is dvc init, with the words that DVC puts before an error.
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
