package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// destroyCmd is dvc destroy.
func (a *app) destroyCmd() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Remove DVC's files and its cache; the data stays",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			err = errors.New("cannot destroy without a confirmation from the user. Use `-f` to force.")
			if force || a.confirm("This will destroy all information about your pipelines, all data files, as well\nas cache in .dvc/cache.\n"+
				"Are you sure you want to continue?") {
				err = repo.Destroy(cmd.Context())
			}
			if err != nil {
				return soft(fmt.Errorf("failed to destroy DVC - %w", err))
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "don't ask")
	return cmd
}
