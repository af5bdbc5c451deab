package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/repofs"
)

// artifactsCmd groups what dvc has below artifacts.
func (a *app) artifactsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "artifacts", Short: "Get models and other artifacts by name and version"}
	cmd.AddCommand(a.artifactsGetCmd())
	return requireSub(cmd)
}

// artifactsGetCmd is dvc artifacts get. DVC asks Studio first, and says so when it
// has none to ask.
func (a *app) artifactsGetCmd() *cobra.Command {
	var e externalFlags
	var artifact repofs.ArtifactOptions
	var out string
	var showURL, force bool
	cmd := &cobra.Command{
		Use:   "get url name",
		Short: "Download an artifact from a repository",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, name := args[0], args[1]
			f, err := a.openExternal(cmd, url, &e)
			if err != nil {
				return soft(fmt.Errorf("failed to get '%s' - %w", name, err))
			}
			defer f.Close()
			if showURL {
				return a.showArtifact(cmd, f, name, &artifact)
			}
			n, to, err := a.getArtifact(cmd, f, name, out, force, &artifact)
			switch {
			case errors.Is(err, repofs.ErrArtifact):
				a.logger().Error(fmt.Sprintf("Failed to download artifact '%s' via Studio - No studio config", name))
				return soft(fmt.Errorf("failed to get '%s' from '%s' - Failed to download artifact '%s' via DVC remote: %w", name, url, name, err))
			case err != nil:
				return soft(fmt.Errorf("failed to get '%s' from '%s' - %w", name, url, err))
			}
			a.printf("Downloaded %d file(s) to '%s'\n", n, to)
			return nil
		},
	}
	flags := cmd.Flags()
	e.add(flags, false)
	flags.StringVar(&artifact.Version, "rev", "", "`version` of the artifact, such as v1.2.0")
	flags.StringVar(&artifact.Stage, "stage", "", "`stage` of the artifact, such as prod")
	flags.StringVarP(&out, "out", "o", "", "`path` to download to")
	flags.BoolVar(&showURL, "show-url", false, "only print where the data is stored")
	flags.IntVarP(&e.opts.Jobs, "jobs", "j", 0, "copies at a time")
	flags.BoolVarP(&force, "force", "f", false, "overwrite what is there")
	return cmd
}

// getArtifact downloads it and returns the number of files, and where they are.
func (a *app) getArtifact(cmd *cobra.Command, f *repofs.FS, name, out string, force bool, opts *repofs.ArtifactOptions) (int, string, error) {
	rev, file, err := f.Artifact(name, opts)
	if err != nil {
		return 0, "", err
	}
	to, err := repofs.Destination(file, out, a.Dir, force)
	if err != nil {
		return 0, "", err
	}
	at, err := f.At(cmd.Context(), rev)
	if err != nil {
		return 0, "", err
	}
	defer at.Close()
	n, err := a.download(cmd, at, file, to, force)
	return n, to, err
}

func (a *app) showArtifact(cmd *cobra.Command, f *repofs.FS, name string, opts *repofs.ArtifactOptions) error {
	rev, file, err := f.Artifact(name, opts)
	if err != nil {
		return err
	}
	at, err := f.At(cmd.Context(), rev)
	if err != nil {
		return err
	}
	defer at.Close()
	address, err := at.Address(file)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, address)
	return nil
}
