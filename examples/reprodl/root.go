package main

import "github.com/spf13/cobra"

func (a *app) rootCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "root",
		Short: "Print the path of the repository's root, relative to the working directory",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			a.printf("%s\n", a.rel(repo.Root()))
			return nil
		},
	}
}
