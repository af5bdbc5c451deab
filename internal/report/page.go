// Package report renders the self-contained HTML page of a run, of a comparison
// of plots, or of a table of experiments.
package report

import (
	"time"

	"github.com/reprodl/reprodl/internal/pyjson"
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
	Points []Point // by ascending step, already thinned out: extremes are kept
	Count  int     // of points before thinning
}

// Point is a value at a step. Values may be NaN or infinite.
type Point struct {
	Step  int
	Value float64
}

// Image is an encoded image. Names such as samples/12.png, with a number for
// the step, make a series that is shown with a slider.
type Image struct {
	Name string
	Type string // media type
	Data []byte
}

// Plot is a plot of data points by a template of DVC's: linear, simple,
// scatter, smooth, confusion, confusion_normalized, bar_horizontal, ….
type Plot struct {
	Name     string
	Template string
	X        string
	Y        []string
	Title    string
	XLabel   string
	YLabel   string
	Data     []*pyjson.Map
}

// Table is a table of texts.
type Table struct {
	Title  string
	Header []string
	Rows   [][]string
}
