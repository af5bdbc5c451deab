package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// dvcVersion is the version of DVC that this program behaves as.
const dvcVersion = "3.67.1"

// versionCmd is dvc version, with dvc's lines as far as they make sense here.
// Outside of a repository those about it are absent.
func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Aliases: []string{"doctor"},
		Short:   "Print the version of DVC that this program behaves as, and its surroundings",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			title := "DVC version: " + dvcVersion + " (reprodl)"
			fmt.Fprintf(a.out, "%s\n%s\n", title, strings.Repeat("-", len(title)))
			fmt.Fprintf(a.out, "Platform: %s on %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			fmt.Fprintf(a.out, "Supports:\n\t%s\n", strings.Join(remote.Schemes(), ",\n\t"))
			c, err := a.config()
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "Config:\n\tGlobal: %s\n\tSystem: %s\n", filepath.Dir(c.File(config.Global)), filepath.Dir(c.File(config.System)))
			r, err := a.open()
			if errors.Is(err, pipeline.ErrNotRepo) {
				return nil
			}
			if err != nil {
				return err
			}
			a.aboutRepo(r, c)
			return nil
		},
	}
}

func (a *app) aboutRepo(r *pipeline.Repo, c *config.Config) {
	if isDir(r.CacheDir()) {
		fmt.Fprintf(a.out, "Cache types: %s\n", strings.Join(linkTypes(r.CacheDir(), r.Root()), ", "))
	} else {
		fmt.Fprintf(a.out, "Cache types: https://error.dvc.org/no-dvc-cache\n")
	}
	fmt.Fprintf(a.out, "Cache directory: %s\n", r.CacheDir())
	fmt.Fprintf(a.out, "Caches: local\n")
	var kinds []string
	for _, def := range c.Remotes() {
		scheme := (&remote.Config{URL: def.URL}).Scheme()
		if scheme == "" {
			scheme = "local"
		}
		kinds = append(kinds, scheme)
	}
	if kinds == nil {
		kinds = []string{"None"}
	}
	fmt.Fprintf(a.out, "Remotes: %s\n", strings.Join(kinds, ", "))
	fmt.Fprintf(a.out, "Workspace directory: %s\n", r.Root())
	what := "dvc, git"
	up, err := exec.Command("git", "-C", r.Root(), "rev-parse", "--show-cdup").Output()
	switch {
	case c.Bool("core", "no_scm", false) || err != nil:
		what = "dvc (no_scm)"
	case strings.TrimSpace(string(up)) != "":
		what = "dvc (subdir), git"
	}
	fmt.Fprintf(a.out, "Repo: %s\n", what)
}

// linkTypes tries how a file of the cache can be linked into the workspace.
func linkTypes(cache, root string) []string {
	from, err := os.CreateTemp(cache, ".link-*")
	if err != nil {
		return []string{"none: " + err.Error()}
	}
	defer os.Remove(from.Name())
	from.Close()
	var kinds []string
	for _, kind := range []struct {
		name string
		link func(from, to string) error
	}{{"hardlink", os.Link}, {"symlink", os.Symlink}} {
		to := filepath.Join(root, ".dvc", "tmp", fmt.Sprintf("link-%d", os.Getpid()))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			continue
		}
		if kind.link(from.Name(), to) == nil {
			kinds = append(kinds, kind.name)
			_ = os.Remove(to)
		}
	}
	return append(kinds, "copy")
}
