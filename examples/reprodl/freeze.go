package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
)

// freezeCmd and unfreezeCmd differ in what they call alone.
func (a *app) freezeCmd() *cobra.Command {
	return a.freezing("freeze", "Keep stages or .dvc files as they are", (*pipeline.Repo).Freeze)
}

func (a *app) unfreezeCmd() *cobra.Command {
	return a.freezing("unfreeze", "Let stages or .dvc files be updated again", (*pipeline.Repo).Unfreeze)
}

// freezing goes on after a target that fails, and exits with 1 then.
func (a *app) freezing(name, short string, do func(*pipeline.Repo, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   name + " targets...",
		Short: short,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			failed := false
			for _, target := range args {
				if err := do(repo, cmd.Context(), target); err != nil {
					failed = true
					a.report(fmt.Errorf("failed to %s '%s' - %w", name, target, err))
				}
			}
			if failed {
				return &exitError{code: exitSoft}
			}
			return nil
		},
	}
}
