package main

import (
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// dvcVersion is the version of DVC that this program behaves as.
const dvcVersion = "3.67.1"

// versionCmd is dvc version. Outside of a repository the last two lines are absent.
func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Aliases: []string{"doctor"},
		Short:   "Print the version of DVC that this program behaves as, and its surroundings",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			title := "DVC version: " + dvcVersion + " (reprodl)"
			a.printf("%s\n%s\n", title, strings.Repeat("-", len(title)))
			a.printf("Platform: %s on %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if repo, err := a.open(); err == nil {
				a.printf("Cache directory: %s\n", repo.CacheDir())
				a.printf("Repo: %s\n", repo.Root())
			}
			return nil
		},
	}
}
