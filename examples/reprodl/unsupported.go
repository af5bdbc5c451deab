package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// unsupportedCmds are commands of dvc that this program will not have. Each says
// what to use instead, whatever its arguments are.
func (a *app) unsupportedCmds() []*cobra.Command {
	var list []*cobra.Command
	for _, c := range []struct{ name, alias, short, instead string }{
		{"import-db", "", "Not supported: import the result of a query",
			"import-db needs Python's database drivers; write the query's result to a file in a stage of dvc.yaml " +
				"('reprodl stage add'), or export it and 'reprodl add' it"},
		{"dataset", "ds", "Not supported: datasets of DataChain and DVC by name",
			"datasets are not supported; use 'reprodl import' for data of another repository and 'reprodl import-url' for data at a URL"},
		{"studio", "", "Not supported: DVC Studio",
			"DVC Studio is not supported; share experiments with 'reprodl exp push', and see them with 'reprodl exp show --html' " +
				"or, live, with the MLflow sink of package live"},
		{"daemon", "", "Not supported: DVC's background process",
			"there is no background process: it only sends DVC's analytics and looks for updates, and this program does neither"},
	} {
		cmd := &cobra.Command{
			Use: c.name, Short: c.short, Hidden: true, Args: cobra.ArbitraryArgs,
			FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
			RunE:               func(*cobra.Command, []string) error { return errors.New(c.instead) },
		}
		if c.alias != "" {
			cmd.Aliases = []string{c.alias}
		}
		list = append(list, cmd)
	}
	return list
}
