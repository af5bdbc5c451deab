package main

import (
	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
)

// dagCmd is dvc dag. Without a format the graph is drawn with characters; of
// several formats the first in the switch counts.
func (a *app) dagCmd() *cobra.Command {
	var opts pipeline.DAGOptions
	var dot, mermaid, md bool
	cmd := &cobra.Command{
		Use:   "dag [target]",
		Short: "Draw the graph of stages",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			switch {
			case dot:
				opts.Format = pipeline.Dot
			case md:
				opts.Format = pipeline.Markdown
			case mermaid:
				opts.Format = pipeline.Mermaid
			}
			if len(args) > 0 {
				opts.Target = args[0]
			}
			text, err := repo.DAG(cmd.Context(), &opts)
			if err != nil {
				return err
			}
			a.printf("%s\n", text)
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&dot, "dot", false, "print in the language of Graphviz")
	f.BoolVar(&mermaid, "mermaid", false, "print a Mermaid flow chart")
	f.BoolVar(&md, "md", false, "print a Mermaid flow chart for a Markdown file")
	f.BoolVar(&opts.Full, "full", false, "all that is connected with the target")
	f.BoolVarP(&opts.Outs, "outs", "o", false, "show outputs instead of stages")
	f.BoolVar(&opts.Collapse, "collapse-foreach-matrix", false, "show a foreach or matrix as one node")
	return cmd
}
