package values

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/data"
)

// PlotsOptions select what Plots shows; nil means all plots of the working
// tree.
type PlotsOptions struct {
	// Revs are the revisions to compare; none is the working tree.
	Revs []string
	// Targets are files, or patterns that the ids of plots begin with.
	Targets []string
	// Props override the properties of every plot: template, x, y, x_label,
	// y_label, title, header.
	Props *params.Map
	// Split leaves data and layout out of the specifications, beside them.
	Split bool
}

// PlotSet is what [Plots] found.
type PlotSet struct {
	Plots  []Plot
	Errors []PlotError
}

// Plot is one plot: a Vega-Lite specification or a set of images.
type Plot struct {
	ID       string
	Template string // name of the template; empty for images
	Revs     []string
	// Spec is the specification; nil if there are images or no data.
	Spec *params.Map
	// Anchors are, of a split plot, the parts that Spec lacks.
	Anchors *params.Map
	Images  []PlotImage

	// The rest is what Spec was made from. X and Y name fields of the rows,
	// which also have the revision, as "rev".
	Title, X, Y, XLabel, YLabel string
	Rows                        []*params.Map
}

// PlotImage is an image of one revision.
type PlotImage struct {
	Rev, File string
	Data      []byte
}

// PlotError says what could not be shown.
type PlotError struct {
	ID     string // of the plot; empty if the definitions of the revision cannot be read
	Rev    string
	Source string // data file; empty if the error is in the definition
	Err    error
}

// Plots reads the plots that stages produce and that dvc.yaml files declare,
// and makes a specification of each.
func Plots(ctx context.Context, repo *data.Repo, opts *PlotsOptions) (*PlotSet, error) {
	if opts == nil {
		opts = &PlotsOptions{}
	}
	c := &plotCollector{repo: project.Of(repo), opts: opts, out: &PlotSet{}, data: map[[2]string]*plotData{}}
	if err := c.collect(ctx); err != nil {
		return nil, err
	}
	return c.out, c.render()
}

// PlotsDiff is Plots for a comparison: with one revision that one against the
// working tree; with none HEAD against it, or the working tree alone if it is
// still HEAD's.
func PlotsDiff(ctx context.Context, repo *data.Repo, opts *PlotsOptions) (*PlotSet, error) {
	o := PlotsOptions{}
	if opts != nil {
		o = *opts
	}
	// Before the first commit there is nothing to compare: DVC shows nothing then.
	id, _, err := head(ctx, project.Of(repo))
	if err != nil {
		return nil, err
	}
	if id.IsZero() {
		return &PlotSet{}, nil
	}
	if o.Revs, err = diffRevs(ctx, project.Of(repo), o.Revs); err != nil {
		return nil, err
	}
	return Plots(ctx, repo, &o)
}

// diffRevs is _revisions of DVC's plots diff. A clean working tree equals HEAD, so
// it stands alone; files that git doesn't track don't make it dirty.
func diffRevs(ctx context.Context, r *project.Repo, revs []string) ([]string, error) {
	if len(revs) > 1 {
		return revs, nil
	}
	if len(revs) == 0 {
		repo, err := git.Open(r.Root)
		if err != nil {
			return nil, err
		}
		defer repo.Close()
		out, err := repo.Run(ctx, "status", "--porcelain", "--untracked-files=no")
		if err != nil {
			return nil, err
		}
		if len(out) > 0 {
			revs = []string{"HEAD"}
		}
	}
	return append(slices.Clone(revs), Workspace), nil
}

// plotDef is the definition of a plot at one revision.
type plotDef struct {
	rev, config, id string
	props           *params.Map
}

// plotCollector reads definitions and data of all revisions first. What is drawn
// can only be decided when all are there: ids may clash, and properties come from
// the first revision.
type plotCollector struct {
	repo *project.Repo
	opts *PlotsOptions
	out  *PlotSet
	defs []plotDef
	revs []string
	data map[[2]string]*plotData // by revision and file
}

// collect fills defs, revs and data. A file that several plots of a revision use
// is read once.
func (c *plotCollector) collect(ctx context.Context) error {
	sel := &Revisions{Revs: slices.Clone(c.opts.Revs)}
	// eachView always begins with the working tree; here it is shown only when it
	// is asked for.
	wantWork := len(sel.Revs) == 0 || slices.Contains(sel.Revs, Workspace)
	if len(sel.Revs) == 1 && sel.Revs[0] == Workspace {
		sel.Revs = nil
	}
	return eachView(ctx, c.repo, sel, func(name string, v *view, err error) error {
		// eachView has no name for the working tree alone; plots always name it.
		if name == "" {
			name = Workspace
		}
		if name == Workspace && !wantWork {
			return nil
		}
		c.revs = append(c.revs, name)
		if err != nil {
			c.out.Errors = append(c.out.Errors, PlotError{Rev: name, Err: err})
			return nil
		}
		defs := v.plotDefs(name, c.opts)
		if err := v.lost(defs); err != nil { // as DVC, of which the revision shows nothing then
			c.out.Errors = append(c.out.Errors, PlotError{Rev: name, Err: err})
			return nil
		}
		var files []string
		for _, d := range defs {
			files = append(files, v.fromUser(sourcesOf(d.id, d.props))...)
		}
		v.prefetch(files)
		for _, d := range defs {
			for _, file := range sourcesOf(d.id, d.props) {
				key := [2]string{name, file}
				if c.data[key] == nil {
					c.data[key] = v.loadPlot(file, v.plotHeader(file, c.opts))
				}
			}
		}
		c.defs = append(c.defs, defs...)
		return nil
	})
}

// plotDefs lists the definitions of a view: those of dvc.yaml files, then plots
// that stages produce, then files that are named as targets.
func (v *view) plotDefs(rev string, opts *PlotsOptions) []plotDef {
	d := &defList{v: v, rev: rev, opts: opts}
	declared := false
	for _, i := range v.items {
		if i.File != nil && len(i.File.Plots) > 0 {
			declared = true
			d.topLevel(i.File)
		}
	}
	for _, s := range v.stages() {
		for _, o := range s.Outs {
			if o.Kind == dvcfile.Plot || o.Kind == dvcfile.Live {
				declared = true
				d.paths("", v.show(s.Path(o.Path)), o.Props)
			}
		}
	}
	// A file that no one declared may still be plotted, if it is named.
	for _, t := range opts.Targets {
		name := v.fromUser([]string{t})[0]
		shown := v.show(name)
		switch {
		case t == "" && declared: // it matches every plot, and is no file
			continue
		case strings.HasPrefix(t, "./") || t == ".":
			shown = strings.TrimRight(t, "/") // DVC keeps it
		}
		if !declared || v.isFile(name) || !slices.Equal(v.files(name), []string{name}) {
			d.target(shown)
		}
	}
	return d.defs
}

// defList is the definitions of one revision while they are collected.
type defList struct {
	v    *view
	rev  string
	opts *PlotsOptions
	defs []plotDef
}

// add enters a definition. One for the same file and id is merged with it, the
// later properties winning: DVC merges with dpath.
func (d *defList) add(config, id string, props *params.Map) {
	for i := range d.defs {
		if e := &d.defs[i]; e.config == config && e.id == id {
			for k, x := range props.All() {
				e.props.Set(k, x)
			}
			return
		}
	}
	// Properties given on the command line win over those of any file.
	own := props.Clone()
	for k, x := range d.opts.Props.All() {
		own.Set(k, x)
	}
	d.defs = append(d.defs, plotDef{d.rev, config, id, own})
}

// matches reports whether a plot is asked for: its id, or its id with its file
// in front, begins with a target.
func (d *defList) matches(config, id string) bool {
	if len(d.opts.Targets) == 0 {
		return true
	}
	full := id
	if config != "" {
		full = config + "::" + id
	}
	return slices.ContainsFunc(d.opts.Targets, func(t string) bool { return beginsWith(t, id) || beginsWith(t, full) })
}

// paths adds an output of a stage, if it is asked for.
func (d *defList) paths(config, shown string, props *params.Map) {
	if d.matches(config, shown) {
		d.unpack(config, shown, props, nil)
	}
}

// target adds a file that was named: it needs no definition, and is asked for.
func (d *defList) target(shown string) { d.unpack("", shown, nil, nil) }

// unpack adds a file, or every file below a directory for which no closer
// definition exists.
func (d *defList) unpack(config, shown string, props *params.Map, all []string) {
	name := d.v.fromUser([]string{shown})[0]
	files := d.v.files(name)
	// A directory whose manifest is nowhere has no plots.
	if len(files) == 1 && files[0] == name && d.v.outs[name].Hash.IsDir() {
		return
	}
	for _, file := range files {
		// As the definition writes it: from another directory "../sub/p.json" stays so
		// in sub itself.
		switch {
		case name == ".":
			file = shown + "/" + file
		default:
			file = shown + strings.TrimPrefix(file, name)
		}
		if closest(file, all) == shown || all == nil {
			d.add(config, file, props)
		}
	}
}

// closest is the longest of the paths that are or contain the file; "" if none
// does.
func closest(file string, parents []string) string {
	best := ""
	for _, p := range parents {
		if (file == p || strings.HasPrefix(file, p+"/")) && len(p) > len(best) {
			best = p
		}
	}
	return best
}

// topLevel adds the plots of the section "plots" of a dvc.yaml. Where y is a
// mapping its keys are the files and the id is only a title; else the id is the
// path of the data. Paths are relative to the dvc.yaml, and become relative to
// the working directory.
func (d *defList) topLevel(f *dvcfile.File) {
	config := d.v.show(f.Path)
	dir := path.Dir(config)
	var all []string
	for _, p := range f.Plots {
		all = append(all, path.Join(dir, p.ID))
	}
	for _, p := range f.Plots {
		if !d.matches(config, p.ID) {
			continue
		}
		if y, _ := p.Props.Get("y"); !isMap(y) {
			d.unpack(config, path.Join(dir, p.ID), p.Props, all)
			continue
		}
		props := p.Props.Clone()
		for _, axis := range []string{"x", "y"} {
			files, _ := props.Get(axis)
			m, ok := files.(*params.Map)
			if !ok {
				continue
			}
			moved := &params.Map{}
			for k, x := range m.All() {
				moved.Set(path.Join(dir, fmt.Sprint(k)), x)
			}
			props.Set(axis, moved)
		}
		d.add(config, p.ID, props)
	}
}

func isMap(x any) bool {
	_, ok := x.(*params.Map)
	return ok
}

// sourcesOf lists the data files of a plot.
func sourcesOf(id string, props *params.Map) []string {
	var files []string
	add := func(f string) {
		if !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	y, _ := props.Get("y")
	if m, ok := y.(*params.Map); ok {
		for k := range m.All() {
			add(fmt.Sprint(k))
		}
	} else {
		add(id)
	}
	x, _ := props.Get("x")
	if m, ok := x.(*params.Map); ok && m.Len() > 0 {
		k, _ := m.At(0)
		add(fmt.Sprint(k))
	}
	return files
}

// plotHeader reports whether a table file has a header, as its stage or the
// options say.
func (v *view) plotHeader(file string, opts *PlotsOptions) bool {
	if h, ok := opts.Props.Get("header"); ok {
		return h != false
	}
	name := v.fromUser([]string{file})[0]
	for _, s := range v.stages() {
		for _, o := range s.Outs {
			if p := s.Path(o.Path); o.Kind == dvcfile.Plot && (p == name || strings.HasPrefix(name, p+"/")) {
				h, ok := o.Props.Get("header")
				return !ok || h != false
			}
		}
	}
	return true
}
