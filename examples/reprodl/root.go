package main

import (
	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/data"
)

func (a *app) rootCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "root",
		Short: "Print the path of the repository's root, relative to the working directory",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			repo, err := data.Open(a.Dir, nil) // a broken configuration is no matter here
			if err != nil {
				return err
			}
			a.printf("%s\n", a.rel(repo.Root()))
			return nil
		},
	}
}
