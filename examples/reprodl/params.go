package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/pipeline/values"
)

// errSubcommand has argparse's words.
var errSubcommand = errors.New("the following arguments are required: cmd")

// paramsCmd groups the one command that there is.
func (a *app) paramsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "params", Short: "Compare parameters"}
	cmd.AddCommand(a.paramsDiffCmd())
	return requireSub(cmd)
}

// diffFlags are the options that params diff and metrics diff share.
type diffFlags struct {
	opts                     values.DiffOptions
	asJSON, markdown, noPath bool
	precision                int
}

func (d *diffFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&d.opts.Targets, "targets", nil, "files to compare, even if not declared")
	takesList(f, "targets")
	f.BoolVar(&d.opts.Unchanged, "all", false, "also show what is unchanged")
	f.BoolVar(&d.asJSON, "json", false, "show JSON")
	f.BoolVar(&d.markdown, "md", false, "show a Markdown table")
	f.BoolVar(&d.noPath, "no-path", false, "leave out the paths")
}

// revs takes the revisions given; "" is HEAD, then the workspace.
func (d *diffFlags) revs(args []string) {
	if len(args) > 0 {
		d.opts.Old = args[0]
	}
	if len(args) > 1 {
		d.opts.New = args[1]
	}
}

// paramsDiffCmd is dvc params diff.
func (a *app) paramsDiffCmd() *cobra.Command {
	var d diffFlags
	cmd := &cobra.Command{
		Use:   "diff [a_rev] [b_rev]",
		Short: "Compare parameters of two commits, or of a commit and the working tree",
		Args:  cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openValues()
			if err != nil {
				return err
			}
			d.revs(args)
			diff, err := values.ParamsDiff(cmd.Context(), repo, &d.opts)
			if err != nil {
				return err
			}
			return a.showDiff(diff, &d, "Param", false)
		},
	}
	d.add(cmd)
	cmd.Flags().BoolVar(&d.opts.DepsOnly, "deps", false, "only parameters that stages track")
	return cmd
}

// showDiff prints a comparison as JSON or as a table.
func (a *app) showDiff(diff *values.Diff, d *diffFlags, title string, changes bool) error {
	a.errored(diff.Errors)
	if d.asJSON {
		return a.printJSON(diffJSON(diff.Files))
	}
	headers := []string{"Path", title, cmp.Or(d.opts.Old, "HEAD"), cmp.Or(d.opts.New, values.Workspace), "Change"}
	var rows [][]string
	for _, f := range diff.Files {
		for _, c := range f.Changes {
			delta, _ := c.Delta()
			row := []string{f.Path, c.Key}
			for _, x := range []any{c.Old, c.New, delta} {
				if x == nil {
					row = append(row, "-")
				} else {
					row = append(row, fieldText(x, d.precision))
				}
			}
			rows = append(rows, row)
		}
	}
	if d.noPath {
		headers, rows = dropColumn(headers, rows, "Path")
	}
	// params diff has no column of differences.
	if !changes {
		headers, rows = headers[:len(headers)-1], cutLast(rows)
	}
	if len(rows) == 0 && !d.markdown {
		return nil
	}
	a.table(renderTable(d.markdown, headers, rows))
	return nil
}

// cutLast cuts the last cell off every row.
func cutLast(rows [][]string) [][]string {
	for i := range rows {
		rows[i] = rows[i][:len(rows[i])-1]
	}
	return rows
}

// diffJSON is DVC's JSON: "diff" is there for numbers only.
func diffJSON(files []values.FileDiff) *params.Map {
	out := &params.Map{}
	for _, f := range files {
		file := &params.Map{}
		for _, c := range f.Changes {
			entry := &params.Map{}
			entry.Set("old", c.Old)
			entry.Set("new", c.New)
			if delta, ok := c.Delta(); ok {
				entry.Set("diff", delta)
			}
			file.Set(c.Key, entry)
		}
		out.Set(f.Path, file)
	}
	return out
}

// errorJSON is an error as dvc's JSON has it.
func errorJSON(err error) *ordered.Map {
	v := values.AsValueError(err)
	return ordered.New("type", v.Type, "msg", v.Msg)
}

// printJSON prints a value on one line, as dvc does.
func (a *app) printJSON(x any) error {
	text, err := jsonLine(x)
	if err == nil {
		a.printf("%s", text)
	}
	return err
}
