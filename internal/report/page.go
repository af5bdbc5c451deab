// Package report renders one self-contained HTML page: the curves, images and
// plots of a run, a comparison of revisions, or a table of experiments.
//
// The page holds everything it needs and asks no server and no network for
// anything: the data as JSON, the page's script and style, and uPlot, a small
// plotting library (MIT; see assets/uplot.LICENSE) that draws curves of
// thousands of points at once. Text from the data is only ever set as text.
//
// A page with Reload set follows a run: it loads the file that has replaced it
// in an invisible frame, takes over the data, and keeps zoom, smoothing,
// sliders and scroll position. That works for a file opened from disk too,
// where a page may not read other files.
package report

import (
	"time"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Page is what a page shows. Empty parts are left out.
type Page struct {
	Title string
	// Reload is how often a page that shows a run under way asks for its
	// successor; zero means never: the run has ended.
	Reload time.Duration
	// Step is the last completed step, and Updated when the page was made.
	Step    int
	Updated time.Time

	Params  *pyjson.Map // nested values allowed
	Summary *pyjson.Map
	Curves  []Curve
	Images  []Image
	Plots   []Plot
	Tables  []Table
}

// Curve is the history of a metric. Slashes in the name make groups.
type Curve struct {
	Name string
	// Series holds one line for a run, several for a comparison of revisions.
	Series []Series
}

// Series is one line of a curve.
type Series struct {
	Label  string  // of the revision; "" where there is only one
	Points []Point // by ascending step; of more than 4096 the extremes are kept
	Count  int     // of points before thinning; 0 means len(Points)
}

// Point is a value at a step. Values may be NaN or infinite: they make gaps.
type Point struct {
	Step  int
	Value float64
}

// Image is an encoded image. Names such as samples/12.png, with a number for
// the step, make a series that is shown with a slider.
type Image struct {
	Name string
	Type string // media type; "" goes by the extension
	Data []byte
}

// Plot is a plot of data points by a template of DVC's: linear, simple, smooth,
// scatter, scatter_jitter, confusion, confusion_normalized, bar_horizontal or
// bar_horizontal_sorted; any other is drawn as linear. A field rev of the data
// separates revisions.
type Plot struct {
	Name     string
	Template string
	X        string // "" numbers the points
	Y        []string
	Title    string
	XLabel   string
	YLabel   string
	Data     []*pyjson.Map
}

// Table is a table of texts that can be sorted and filtered.
type Table struct {
	Title  string
	Header []string
	// Kinds says of each column whether it is a "metric" or a "param"; "" is
	// neither. A table with Kinds also gets parallel coordinates and a plot of
	// a metric over a parameter. Nil for a plain table.
	Kinds []string
	// Missing and Failed are the texts of cells that have no value, and of
	// those whose value could not be had: they are marked as such, and not
	// plotted. An empty cell has no value either.
	Missing, Failed string
	Rows            [][]string
}
