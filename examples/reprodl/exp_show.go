package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/reprodl/reprodl/experiment/compare"
)

// expShowCmd is dvc exp show; --html and orphans are not in dvc.
func (a *app) expShowCmd() *cobra.Command {
	var opts compare.ShowOptions
	var table compare.TableOptions
	var asJSON, markdown, noPager, noFetch bool
	order, html := "asc", ""
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print experiments",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table.Descending = order == "desc"
			repo, err := a.openExp()
			if exitCode(err) == exitOther {
				return soft(fmt.Errorf("failed to show experiments - %w", err))
			}
			if err != nil {
				return err
			}
			defer repo.Close()
			// Without a hub elsewhere that it uses, the table has what the clone has.
			if q, err := a.queue(cmd.Context(), repo); err != nil {
				a.warnf("%v", err)
			} else {
				opts.Activities = q.Activities
			}
			// What programs read is as dvc writes it; our further rows are for people.
			opts.HideOrphans = opts.HideOrphans || asJSON || table.CSV || markdown
			states, err := compare.Show(cmd.Context(), repo, &opts)
			if err != nil {
				return soft(fmt.Errorf("failed to show experiments - %w", err))
			}
			if asJSON {
				a.printf("%s\n", compare.AppendJSON(nil, states))
				return nil
			}
			if html != "" {
				return a.writeHTML(html, states, &table)
			}
			t, err := compare.Tabulate(states, &table)
			if err != nil {
				return err
			}
			switch {
			case table.CSV:
				a.printf("%s", t.AppendCSV(nil))
			case markdown:
				a.table(string(t.AppendMarkdown(nil)))
			default:
				err = a.page(!noPager, func(w io.Writer, color bool) error {
					_, err := w.Write(t.AppendText(nil, color))
					return err
				})
			}
			return err
		},
	}
	selection(cmd, &opts.Selection, "Show")
	f := cmd.Flags()
	f.BoolVarP(&opts.Branches, "all-branches", "a", false, "show experiments derived from the tip of all git branches")
	f.BoolVarP(&opts.Tags, "all-tags", "T", false, "show experiments derived from all git tags")
	f.BoolVar(&noPager, "no-pager", false, "do not pipe output into a pager")
	f.BoolVar(&table.OnlyChanged, "only-changed", false, "only show metrics and params with values varying across the selected experiments")
	f.StringArrayVar(&table.Drop, "drop", nil, "remove the columns matching the regular `expression`")
	f.StringArrayVar(&table.Keep, "keep", nil, "preserve the columns matching the regular `expression`")
	f.BoolVar(&opts.ParamDeps, "param-deps", false, "show only params that are stage dependencies")
	f.StringVar(&table.SortBy, "sort-by", "", "sort related experiments by the specified `metric/param`")
	f.Var(&choice{&order, []string{"asc", "desc"}}, "sort-order", "sort `order` to use with --sort-by: asc or desc")
	f.BoolVar(&opts.SHA, "sha", false, "always show git commit SHAs instead of branch/tag names")
	f.BoolVar(&opts.HideFailed, "hide-failed", false, "hide failed experiments in the table")
	f.BoolVar(&opts.HideQueued, "hide-queued", false, "hide queued experiments in the table")
	f.BoolVar(&opts.HideWorkspace, "hide-workspace", false, "hide workspace row in the table")
	f.BoolVar(&opts.HideOrphans, "hide-orphans", false, "hide experiments whose baseline is on no branch any more")
	f.BoolVar(&asJSON, "json", false, "print output in JSON format instead of a human-readable table")
	f.BoolVar(&table.CSV, "csv", false, "print output in csv format instead of a human-readable table")
	f.BoolVar(&markdown, "md", false, "show tabulated output in the Markdown format (GFM)")
	f.StringVar(&html, "html", "", "write a page with table and plots to `file` (not in dvc)")
	f.IntVar(&table.Precision, "precision", 0, "round metrics/params to `n` digits precision")
	f.BoolVarP(&opts.Force, "force", "f", false, "force re-collection of experiments instead of loading from exp cache")
	f.BoolVar(&noFetch, "no-fetch", false, "")
	f.MarkHidden("no-fetch")
	return cmd
}

// writeHTML writes the page in one step and prints its address.
func (a *app) writeHTML(name string, states []compare.State, table *compare.TableOptions) error {
	err := replaceFile(a.path(name), func(w io.Writer) error {
		return compare.WriteHTML(w, "Experiments", states, table)
	})
	if err != nil {
		return err
	}
	a.printf("file://%s\n", a.path(name))
	return nil
}

// expDiffCmd is dvc exp diff. What the records of provenance tell goes to stderr,
// so that stdout is dvc's.
func (a *app) expDiffCmd() *cobra.Command {
	var opts compare.DiffOptions
	var table compare.DiffTableOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff [a_rev] [b_rev]",
		Short: "Show changes between experiments",
		Args:  cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			// "" is HEAD for the first, the workspace for the second.
			args = append(args, "", "")
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			d, err := compare.Diff(cmd.Context(), repo, args[0], args[1], &opts)
			if err != nil {
				return soft(fmt.Errorf("failed to show experiments diff - %w", err))
			}
			switch {
			case d == nil && asJSON:
				a.printf("{}\n")
				return nil
			case d == nil:
				return nil
			case asJSON:
				out, err := d.AppendJSON(nil)
				if err == nil {
					a.printf("%s\n", out)
				}
				return err
			}
			table.A, table.B = args[0], args[1]
			a.table(string(d.AppendText(nil, &table)))
			if why := d.Explain(); why != "" {
				fmt.Fprintf(a.Stderr, "\n%s\n", why)
				for _, c := range d.Why {
					fmt.Fprintf(a.Stderr, "  %s\n", c)
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.All, "all", false, "show unchanged metrics/params as well")
	f.BoolVar(&opts.ParamDeps, "param-deps", false, "show only params that are stage dependencies")
	f.BoolVar(&asJSON, "json", false, "show output in JSON format")
	f.BoolVar(&table.Markdown, "md", false, "show tabulated output in the Markdown format (GFM)")
	f.BoolVar(&table.NoPath, "no-path", false, "don't show metric/param path")
	f.IntVar(&table.Precision, "precision", 0, "round metrics/params to `n` digits precision")
	return cmd
}

// page writes through a pager if the output is a terminal.
func (a *app) page(pager bool, write func(w io.Writer, color bool) error) error {
	f, ok := a.Stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return write(a.Stdout, false)
	}
	color := a.getenv("NO_COLOR") == ""
	command := a.getenv("DVC_PAGER")
	if command == "" {
		command = "less -FRSX"
	}
	if !pager {
		return write(&output{w: f, safe: !color}, color)
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Stdout, cmd.Stderr, cmd.Env = f, os.Stderr, a.Env
	stdin, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return write(f, color)
	}
	// A pager that quits early closes the pipe. With colours the cells are made
	// harmless one by one.
	write(&output{w: stdin, safe: !color}, color)
	stdin.Close()
	return cmd.Wait()
}
