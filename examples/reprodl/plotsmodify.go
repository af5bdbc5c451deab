package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/values"
)

// plotsModifyCmd is dvc plots modify.
func (a *app) plotsModifyCmd() *cobra.Command {
	var p plotFlags
	var unset []string
	cmd := &cobra.Command{
		Use:   "modify target",
		Short: "Change how a plot of a stage is shown",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			props := p.props(cmd)
			if t, ok := props.Get("template"); ok {
				if err := a.checkTemplate(repo.Root(), fmt.Sprint(t)); err != nil {
					return err
				}
			}
			return repo.ModifyPlot(cmd.Context(), args[0], props, unset...)
		},
	}
	p.addProps(cmd)
	cmd.Flags().StringArrayVar(&unset, "unset", nil, "`property` to remove")
	takesList(cmd.Flags(), "unset")
	return cmd
}

// checkTemplate requires that a template exists: in .dvc/plots, as a file, or built in.
func (a *app) checkTemplate(root, name string) error {
	for _, file := range []string{filepath.Join(root, ".dvc", "plots", name), filepath.Join(root, ".dvc", "plots", name+".json"), a.path(name)} {
		if fi, err := os.Stat(file); err == nil && !fi.IsDir() {
			return nil
		}
	}
	if _, err := values.Template(name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("Template '%s' not found.", name)
	}
	return nil
}
