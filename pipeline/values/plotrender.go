package values

import (
	"fmt"
	"io"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/report"
	"github.com/reprodl/reprodl/internal/vega"
	"github.com/reprodl/reprodl/params"
)

// plotGroup is a plot with its definitions at all revisions.
type plotGroup struct {
	id   string
	defs []plotDef
}

// groups brings the definitions of all revisions together. An id that several
// files define gets the file in front.
func (c *plotCollector) groups() []*plotGroup {
	var all []*plotGroup
	for _, rev := range c.revs {
		for _, d := range c.defs {
			if d.rev != rev {
				continue
			}
			id := d.id
			// Two dvc.yaml files may define a plot of one name, which are two plots.
			if d.config != "" && slices.ContainsFunc(c.defs, func(o plotDef) bool {
				return o.rev == rev && o.id == d.id && o.config != d.config
			}) {
				id = d.config + "::" + d.id
			}
			i := slices.IndexFunc(all, func(g *plotGroup) bool { return g.id == id })
			if i < 0 {
				i = len(all)
				all = append(all, &plotGroup{id: id})
			}
			all[i].defs = append(all[i].defs, d)
		}
	}
	return all
}

// render makes a plot of each group. A template that cannot be loaded ends it all;
// data that cannot be read is an error of its plot.
func (c *plotCollector) render() error {
	for _, g := range c.groups() {
		props := &params.Map{} // the first revision decides
		// The first revision is the last to set a property, and so wins; those that only
		// later ones have are kept.
		for _, d := range slices.Backward(g.defs) {
			for k, v := range d.props.All() {
				props.Set(k, v)
			}
		}
		res := Plot{ID: g.id}
		if isImage(g.defs[0].id) {
			res.ID = g.defs[0].id
			c.images(g, &res)
		} else if err := c.curves(g, props, &res); err != nil {
			return err
		}
		c.out.Plots = append(c.out.Plots, res)
	}
	return nil
}

// content returns the data files of a definition that could be read; errors are
// noted.
func (c *plotCollector) content(id string, d plotDef) map[string]*plotData {
	files := map[string]*plotData{}
	for _, file := range sourcesOf(d.id, d.props) {
		data := c.data[[2]string{d.rev, file}]
		switch {
		case data == nil:
		case data.err != nil:
			c.out.Errors = append(c.out.Errors, PlotError{ID: id, Rev: d.rev, Source: file, Err: data.err})
		default:
			files[file] = data
		}
	}
	return files
}

// images lists the images of a plot, revision by revision. One that a revision
// lacks is in the errors.
func (c *plotCollector) images(g *plotGroup, res *Plot) {
	for _, d := range g.defs {
		files := c.content(res.ID, d)
		for _, name := range sourcesOf(d.id, d.props) {
			if f := files[name]; f != nil {
				res.Images = append(res.Images, PlotImage{d.rev, name, f.image})
				res.Revs = append(res.Revs, d.rev)
			}
		}
	}
}

// curves joins the rows of all revisions into one plot, with the axes and the
// labels of the first that has any.
func (c *plotCollector) curves(g *plotGroup, props *params.Map, res *Plot) error {
	name, _ := props.Get("template")
	if res.Template, _ = name.(string); res.Template == "" {
		res.Template = vega.Default
	}
	var merged *vega.Plot
	for _, d := range g.defs {
		p := &points{id: d.id, props: props, files: map[string]any{}}
		files := c.content(g.id, d)
		for _, name := range sourcesOf(d.id, d.props) {
			if f := files[name]; f != nil && !isFalsy(f.content) {
				p.files[name] = f.content
				p.order = append(p.order, name)
			}
		}
		// A revision whose columns don't fit leaves the others to be shown.
		plot, err := p.plot(d.rev)
		if err != nil {
			c.out.Errors = append(c.out.Errors, PlotError{ID: g.id, Rev: d.rev, Err: err})
			continue
		}
		if len(plot.Data) == 0 {
			continue
		}
		res.Revs = append(res.Revs, d.rev)
		if merged == nil {
			merged = plot
		} else {
			merged.Data = append(merged.Data, plot.Data...)
		}
	}
	if merged == nil {
		return nil
	}
	merged.Revs, merged.Title = res.Revs, g.id
	if t, ok := props.Get("title"); ok {
		merged.Title = fmt.Sprint(t)
	}
	template, err := vega.Load(res.Template, os.DirFS(c.repo.Root), ".dvc/plots")
	if err != nil {
		return &TemplateError{Err: err}
	}
	res.Title, res.Rows = merged.Title, merged.Data
	res.X, res.Y, res.XLabel, res.YLabel = merged.X, merged.Y, merged.XLabel, merged.YLabel
	if res.Spec, res.Anchors, err = merged.Spec(template, c.opts.Split); err != nil {
		return &TemplateError{Err: err}
	}
	return nil
}

// WriteHTML writes a self-contained page with all plots.
func (p *PlotSet) WriteHTML(w io.Writer) error {
	page := &report.Page{Title: "Plots", Updated: time.Now()}
	for _, plot := range p.Plots {
		for _, img := range plot.Images {
			name := img.File
			if len(plot.Images) > 1 {
				name = img.Rev + "/" + img.File
			}
			page.Images = append(page.Images, report.Image{Name: name, Type: mime.TypeByExtension(path.Ext(img.File)), Data: img.Data})
		}
		if plot.Spec == nil {
			continue
		}
		page.Plots = append(page.Plots, report.Plot{Name: plot.ID, Template: plot.Template, X: plot.X, Y: []string{plot.Y},
			Title: plot.Title, XLabel: plot.XLabel, YLabel: plot.YLabel, Data: plot.labelled()})
	}
	return page.Render(w)
}

// labelled returns the rows with one name for each line of the plot: of the
// revision, and of the file and the field where several are plotted.
func (p *Plot) labelled() []*params.Map {
	// The page draws a line for each "rev"; what else tells lines apart goes into it.
	seen := map[string]map[any]bool{"filename": {}, "field": {}}
	for _, row := range p.Rows {
		for key, values := range seen {
			v, _ := row.Get(key)
			values[v] = true
		}
	}
	rows := make([]*params.Map, len(p.Rows))
	for i, row := range p.Rows {
		rows[i] = row.Clone()
		rev, _ := row.Get("rev")
		label := fmt.Sprint(rev)
		for _, key := range []string{"filename", "field"} {
			if v, ok := row.Get(key); ok && len(seen[key]) > 1 {
				label += " " + fmt.Sprint(v)
			}
			rows[i].Delete(key)
		}
		rows[i].Set("rev", label)
	}
	return rows
}

// WriteImages writes the images of a plot below dir, and returns their
// absolute paths.
func (p *Plot) WriteImages(dir string) ([]string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(abs, 0o777); err != nil {
		return nil, err
	}
	var files []string
	for _, img := range p.Images {
		// One flat directory: the slashes of branches and of paths become underscores.
		name := strings.ReplaceAll(img.Rev+"_"+img.File, "/", "_")
		file := filepath.Join(abs, name)
		if err := os.WriteFile(file, img.Data, 0o666); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
