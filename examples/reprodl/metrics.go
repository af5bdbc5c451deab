package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/values"
)

// defaultPrecision is the number of digits in tables; JSON has all.
const defaultPrecision = 5

// metricsCmd groups metrics show and metrics diff.
func (a *app) metricsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "metrics", Short: "Show and compare metrics"}
	cmd.AddCommand(a.metricsShowCmd(), a.metricsDiffCmd())
	return requireSub(cmd)
}

// requireSub makes a command that only groups others fail when called alone.
func requireSub(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.MinimumNArgs(1)
	cmd.RunE = func(*cobra.Command, []string) error {
		return &exitError{code: exitUsage, err: errSubcommand}
	}
	return cmd
}

// metricsShowCmd is dvc metrics show. A table without rows is not printed, but
// Markdown has its header.
func (a *app) metricsShowCmd() *cobra.Command {
	var opts values.ShowOptions
	var asJSON, markdown, recursive bool
	var precision int
	cmd := &cobra.Command{
		Use:   "show [targets...]",
		Short: "Print metrics",
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openValues()
			if err != nil {
				return err
			}
			opts.Targets = args
			all, err := values.Metrics(cmd.Context(), repo, &opts)
			if err != nil {
				return err
			}
			a.errored(erroredRevs(all))
			if asJSON {
				return a.printJSON(revJSON(all))
			}
			if precision == 0 {
				precision = defaultPrecision
			}
			headers, rows := metricsTable(all, precision)
			// The column is left out where all rows are of one revision.
			if !opts.AllBranches && !opts.AllTags && !opts.AllCommits {
				headers, rows = dropColumn(headers, rows, "Revision")
			}
			if len(rows) > 0 || markdown {
				a.table(renderTable(markdown, headers, rows))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&opts.AllBranches, "all-branches", "a", false, "show metrics for all branches")
	f.BoolVarP(&opts.AllTags, "all-tags", "T", false, "show metrics for all tags")
	f.BoolVarP(&opts.AllCommits, "all-commits", "A", false, "show metrics for all commits")
	f.BoolVar(&asJSON, "json", false, "show JSON")
	f.BoolVar(&markdown, "md", false, "show a Markdown table")
	f.BoolVarP(&recursive, "recursive", "R", false, "targets may be directories (always so)")
	f.IntVar(&precision, "precision", 0, "digits after the point")
	return cmd
}

// metricsDiffCmd is dvc metrics diff.
func (a *app) metricsDiffCmd() *cobra.Command {
	var d diffFlags
	var recursive bool
	cmd := &cobra.Command{
		Use:   "diff [a_rev] [b_rev]",
		Short: "Compare metrics of two commits, or of a commit and the working tree",
		Args:  cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openValues()
			if err != nil {
				return err
			}
			d.revs(args)
			diff, err := values.MetricsDiff(cmd.Context(), repo, &d.opts)
			if err != nil {
				return err
			}
			if d.precision == 0 {
				d.precision = defaultPrecision
			}
			return a.showDiff(diff, &d, "Metric", true)
		},
	}
	d.add(cmd)
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "targets may be directories (always so)")
	cmd.Flags().IntVar(&d.precision, "precision", 0, "digits after the point")
	return cmd
}

// erroredRevs are the revisions of which a file could not be read.
func erroredRevs(all []values.RevValues) []string {
	var revs []string
	for _, v := range all {
		bad := func(f values.FileValues) bool { return f.Err != nil }
		if v.Err != nil || slices.ContainsFunc(v.Files, bad) {
			revs = append(revs, v.Rev)
		}
	}
	return revs
}

// revJSON is DVC's JSON: a revision, and a file in it, has "data" or "error".
func revJSON(all []values.RevValues) *params.Map {
	out := &params.Map{}
	for _, v := range all {
		rev := &params.Map{}
		if v.Err != nil {
			rev.Set("error", errorJSON(v.Err))
		} else {
			data := &params.Map{}
			for _, f := range v.Files {
				file := &params.Map{}
				if f.Err != nil {
					file.Set("error", errorJSON(f.Err))
				} else {
					file.Set("data", f.Data)
				}
				data.Set(f.Path, file)
			}
			rev.Set("data", data)
		}
		out.Set(v.Rev, rev)
	}
	return out
}

// metricsTable has one row per file and one column per metric, sorted by name.
func metricsTable(all []values.RevValues, precision int) ([]string, [][]string) {
	var names []string
	// Cells by name, as the columns are known only after the last file.
	type row struct {
		rev, path string
		cells     map[string]string
	}
	var rows []row
	for _, v := range all {
		for _, f := range v.Files {
			r := row{v.Rev, f.Path, map[string]string{}}
			for _, c := range leavesOf(f) {
				r.cells[c.Key] = fieldText(c.New, precision)
				if !slices.Contains(names, c.Key) {
					names = append(names, c.Key)
				}
			}
			rows = append(rows, r)
		}
	}
	slices.Sort(names)
	var out [][]string
	for _, r := range rows {
		cells := []string{r.rev, r.path}
		for _, n := range names {
			if c, ok := r.cells[n]; ok {
				cells = append(cells, c)
			} else {
				cells = append(cells, "-")
			}
		}
		out = append(out, cells)
	}
	return append([]string{"Revision", "Path"}, names...), out
}

// leavesOf flattens the values of a file; a single value has an empty name.
func leavesOf(f values.FileValues) []params.Change {
	if f.Err != nil {
		return nil
	}
	if _, ok := f.Data.(*params.Map); !ok {
		return []params.Change{{New: f.Data}}
	}
	return params.Diff(nil, f.Data, true)
}
