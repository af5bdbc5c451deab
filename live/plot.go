package live

import (
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// NoTemplate is the template of a plot that leaves the choice to DVC.
const NoTemplate = "none"

// Plot says how DVC shows the data of [Logger.LogPlot].
type Plot struct {
	X        string   // name of the column of the x axis
	Y        string   // name of the column of the y axis
	Ys       []string // names of several columns, instead of Y
	Template string   // empty means "linear"; see also NoTemplate
	Title    string
	XLabel   string
	YLabel   string
}

// plot is one file of data and its entry in dvc.yaml.
type plot struct {
	file string // below the directory, with slashes
	Plot
}

// config is the plot's entry in dvc.yaml.
func (p *plot) config() *pyjson.Map {
	m := new(pyjson.Map)
	put := func(key, text string) {
		if text != "" {
			m.Set(key, text)
		}
	}
	if p.Template != NoTemplate {
		put("template", p.Template)
	}
	// x and y are there even if empty; the other keys only with a text.
	m.Set("x", p.X)
	if p.Ys == nil {
		m.Set("y", p.Y)
	} else {
		list := make([]any, len(p.Ys))
		for i, y := range p.Ys {
			list[i] = y
		}
		m.Set("y", list)
	}
	put("title", p.Title)
	put("x_label", p.XLabel)
	put("y_label", p.YLabel)
	return m
}

// LogPlot logs the data of a plot: plots/custom/NAME.json. Data is a list of
// points: of [ordered.Map], of structs with yaml tags, or of maps with string keys.
// Each call replaces the file; how the plot is shown is settled by the first
// call with its name.
func (l *Logger) LogPlot(name string, data any, p Plot) error {
	if p.Template == "" {
		p.Template = "linear"
	}
	points, err := plain(data)
	if err != nil {
		return fmt.Errorf("plot %s: %w", name, err)
	}
	list, ok := points.([]any)
	if !ok {
		return fmt.Errorf("plot %s: %w %T: log a list of points", name, ErrType, data)
	}
	for _, point := range list {
		if _, ok := point.(*pyjson.Map); !ok {
			return fmt.Errorf("plot %s: %w %T: a point is a mapping from column to value", name, ErrType, point)
		}
	}
	return l.logPlot(name, "plots/custom/", list, p)
}

// logPlot writes the data below the given folder and registers the plot.
func (l *Logger) logPlot(name, folder string, data any, p Plot) error {
	// A name may come with the suffix, which is put on below.
	file, err := localFile(strings.ReplaceAll(name, ".json", ""))
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	if l.classic != nil && l.opts.Exact {
		return fmt.Errorf("plot %s: %w: the classic layout had no plots", name, ErrOption)
	}
	text, err := pyjson.Marshal(data, pyjson.Style{Indent: 4, ASCII: true})
	if err != nil {
		return fmt.Errorf("plot %s: %w", name, err)
	}
	if err := l.touch(); err != nil {
		return err
	}
	defer l.io.Unlock()
	l.files.content.addPlot(folder, name, file, p)
	return l.writeFile(folder+file+".json", append(text, '\n'))
}

// addPlot registers a plot, unless its name is known.
func (c *content) addPlot(folder, name, file string, p Plot) {
	if c.byName[folder+name] {
		return
	}
	if c.byName == nil {
		c.byName = make(map[string]bool)
	}
	c.byName[folder+name] = true
	c.plots = append(c.plots, &plot{file: folder + file + ".json", Plot: p})
}
