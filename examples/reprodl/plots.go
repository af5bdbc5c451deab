package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/values"
)

// plotsCmd groups the commands about plots.
func (a *app) plotsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "plots", Short: "Show and compare plots"}
	cmd.AddCommand(a.plotsShowCmd(), a.plotsDiffCmd(), a.plotsModifyCmd(), a.plotsTemplatesCmd())
	return requireSub(cmd)
}

// plotFlags are the options that plots show and plots diff share.
type plotFlags struct {
	opts                                         values.PlotsOptions
	template, x, y, title, xLabel, yLabel, out   string
	noHeader, showVega, asJSON, open, experiment bool
	htmlTemplate                                 string
}

// addProps adds those that are properties of a plot.
func (p *plotFlags) addProps(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&p.template, "template", "t", "", "template to use")
	takesOptional(f, "template", "")
	f.StringVarP(&p.x, "x", "x", "", "field of the X axis")
	f.StringVarP(&p.y, "y", "y", "", "field of the Y axis")
	f.BoolVar(&p.noHeader, "no-header", false, "tables have no header")
	f.StringVar(&p.title, "title", "", "title of the plot")
	f.StringVar(&p.xLabel, "x-label", "", "label of the X axis")
	f.StringVar(&p.yLabel, "y-label", "", "label of the Y axis")
}

func (p *plotFlags) add(cmd *cobra.Command) {
	p.addProps(cmd)
	f := cmd.Flags()
	f.StringVarP(&p.out, "out", "o", "", "directory to save the plots to")
	f.BoolVar(&p.showVega, "show-vega", false, "print the specification of one plot")
	f.BoolVar(&p.asJSON, "json", false, "print JSON")
	f.BoolVar(&p.opts.Split, "split", false, "with --json: data and layout apart from the template")
	f.BoolVar(&p.open, "open", false, "open the page in the browser")
	f.StringVar(&p.htmlTemplate, "html-template", "", "accepted for DVC: the page has a layout of its own")
}

// props are the properties given on the command line.
func (p *plotFlags) props(cmd *cobra.Command) *params.Map {
	m := &params.Map{}
	for _, o := range []struct{ flag, key, value string }{
		{"template", "template", p.template}, {"x", "x", p.x}, {"y", "y", p.y},
		{"x-label", "x_label", p.xLabel}, {"y-label", "y_label", p.yLabel}, {"title", "title", p.title},
	} {
		// An empty value that was given counts.
		if cmd.Flags().Changed(o.flag) {
			m.Set(o.key, o.value)
		}
	}
	if p.noHeader {
		m.Set("header", false)
	}
	return m
}

func (a *app) plotsShowCmd() *cobra.Command {
	var p plotFlags
	cmd := &cobra.Command{
		Use:   "show [targets...]",
		Short: "Make a page of plots",
		RunE: func(cmd *cobra.Command, args []string) error {
			p.opts.Targets = args
			return a.plots(cmd, &p, values.Plots)
		},
	}
	p.add(cmd)
	return cmd
}

func (a *app) plotsDiffCmd() *cobra.Command {
	var p plotFlags
	cmd := &cobra.Command{
		Use:   "diff [revisions...]",
		Short: "Compare plots of several revisions",
		RunE: func(cmd *cobra.Command, args []string) error {
			p.opts.Revs = args
			return a.plots(cmd, &p, values.PlotsDiff)
		},
	}
	p.add(cmd)
	cmd.Flags().StringArrayVar(&p.opts.Targets, "targets", nil, "plots to show")
	takesList(cmd.Flags(), "targets")
	cmd.Flags().BoolVarP(&p.experiment, "experiment", "e", false, "compare experiments with their baselines")
	return cmd
}

// plotsOf is values.Plots or values.PlotsDiff.
type plotsOf func(context.Context, *data.Repo, *values.PlotsOptions) (*values.PlotSet, error)

// plots is what plots show and plots diff have in common: read, warn, print.
func (a *app) plots(cmd *cobra.Command, p *plotFlags, read plotsOf) error {
	if p.showVega {
		switch n := len(p.opts.Targets); {
		case n == 0:
			// The three refusals come before the repository is looked for.
			return &exitError{exitSoft, errors.New("please specify a target for `--show-vega`")}
		case n > 1:
			return &exitError{exitSoft, errors.New("you can only specify one target for `--show-vega`")}
		case p.asJSON:
			return &exitError{exitSoft, errors.New("'--show-vega' and '--json' are mutually exclusive options.")} // DVC's words
		}
	}
	repo, err := a.openValues()
	if err != nil {
		return err
	}
	p.opts.Props = p.props(cmd)
	plots, err := read(cmd.Context(), repo, &p.opts)
	var template *values.TemplateError
	switch {
	case errors.As(err, &template): // no DvcException
		return err
	case err != nil:
		return soft(err)
	}
	a.plotWarnings(plots)
	switch {
	case p.asJSON:
		return a.plotsJSON(plots, p)
	case p.showVega:
		for _, plot := range plots.Plots {
			switch {
			case plot.Spec != nil:
				return a.printJSON(plot.Spec)
			case plot.Template != "":
				return a.printJSON(&params.Map{}) // of no data
			}
		}
		return nil
	}
	if len(plots.Plots)+len(plots.Errors)+len(p.opts.Targets) == 0 {
		// A target that is not there is an empty page of DVC, without a word.
		fmt.Fprintln(a.msg, "No plots were loaded, visualization file will not be created.")
	}
	return a.plotsPage(plots, p)
}

// plotWarnings names the revisions of which a data file could not be read, and what
// is wrong with data that could.
func (a *app) plotWarnings(plots *values.PlotSet) {
	var revs []string
	for _, e := range plots.Errors {
		if (e.Source != "" || e.ID == "") && !slices.Contains(revs, e.Rev) {
			revs = append(revs, e.Rev)
		}
	}
	if len(revs) > 0 {
		fmt.Fprintf(a.msg, "DVC failed to load some plots for following revisions: '%s'.\n", strings.Join(revs, ", "))
	}
	for _, e := range plots.Errors {
		if e.ID != "" && e.Source == "" {
			a.logger().Warn(fmt.Sprintf("In '%s', %s", e.Rev, strings.ToLower(e.Err.Error())))
		}
	}
}

// outDir is where a page or images go: -o, plots.out_dir, or dvc_plots.
func (a *app) outDir(p *plotFlags) string {
	if p.out != "" {
		return p.out
	}
	if c, err := a.config(); err == nil {
		if dir, ok := c.Get("plots", "out_dir"); ok && dir != "" {
			return dir
		}
	}
	return "dvc_plots"
}

// plotsJSON prints what the editor's extension reads. Images are written to files,
// which it names.
func (a *app) plotsJSON(plots *values.PlotSet, p *plotFlags) error {
	data := &params.Map{}
	for _, plot := range plots.Plots {
		list := []any{}
		if plot.Spec != nil {
			entry := &params.Map{}
			entry.Set("type", "vega")
			entry.Set("revisions", texts(plot.Revs))
			entry.Set("content", plot.Spec)
			if p.opts.Split {
				entry.Set("anchor_definitions", plot.Anchors)
			}
			list = append(list, entry)
		}
		if len(plot.Images) > 0 {
			// An image has an address only once it is a file.
			files, err := plot.WriteImages(a.path(a.outDir(p)))
			if err != nil {
				return err
			}
			for i, img := range plot.Images {
				entry := &params.Map{}
				entry.Set("type", "image")
				entry.Set("revisions", []any{img.Rev})
				entry.Set("url", files[i])
				list = append(list, entry)
			}
		}
		data.Set(plot.ID, list)
	}
	out := &params.Map{}
	if errs := plotErrors(plots); len(errs) > 0 {
		out.Set("errors", errs)
	}
	if data.Len() > 0 {
		out.Set("data", data)
	}
	return a.printJSON(out)
}

// plotErrors lists errors of plots first, then those of whole revisions.
func plotErrors(plots *values.PlotSet) []any {
	var own, rest []any
	for _, e := range plots.Errors {
		entry := &params.Map{}
		if e.ID != "" {
			entry.Set("name", e.ID)
		}
		entry.Set("rev", e.Rev)
		if e.Source != "" {
			entry.Set("source", e.Source)
		}
		for k, v := range errorJSON(e.Err).All() {
			entry.Set(k, v)
		}
		if e.ID == "" {
			rest = append(rest, entry)
		} else {
			own = append(own, entry)
		}
	}
	return append(own, rest...)
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}

// plotsPage writes index.html in one step and prints its address.
func (a *app) plotsPage(plots *values.PlotSet, p *plotFlags) error {
	if len(plots.Plots) == 0 {
		return nil
	}
	file := filepath.Join(a.path(a.outDir(p)), "index.html")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	if err := replaceFile(file, plots.WriteHTML); err != nil {
		return err
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	a.printf("%s\n", address)
	c, err := a.config()
	if err != nil {
		return err
	}
	auto := c.Bool("plots", "auto_open", false)
	if own, _ := c.Get("plots", "html_template"); own != "" || p.htmlTemplate != "" {
		a.logger().Warn("plots.html_template has no effect: " + config.Unused("plots", "html_template", own))
	}
	switch {
	case !auto && !p.open:
		return nil
	case !auto:
		a.printf("To enable auto opening, you can run:\n\n\tdvc config plots.auto_open true\n")
	}
	return a.browse(address)
}

// plotsTemplatesCmd is dvc plots templates.
func (a *app) plotsTemplatesCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "templates [template]",
		Short: "List the built-in templates, or print one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				a.printf("%s\n", strings.Join(values.Templates(), "\n"))
				return nil
			}
			content, err := values.Template(args[0])
			if err != nil {
				return &exitError{exitSoft, fmt.Errorf("Unexpected template: %s.", args[0])} // DVC's words
			}
			return a.printJSON(content)
		},
	}
}
