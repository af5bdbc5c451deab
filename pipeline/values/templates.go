package values

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/reprodl/reprodl/internal/vega"
	"github.com/reprodl/reprodl/params"
)

// Templates are the names of the built-in templates of plots, as the property
// template takes them. A file in .dvc/plots of that name comes before.
func Templates() []string { return vega.Names() }

// Template returns a built-in template, a Vega-Lite specification with anchors
// such as <DVC_METRIC_DATA> for what a plot puts in. The error is an
// [fs.ErrNotExist] when there is none of that name.
func Template(name string) (*params.Map, error) {
	if !slices.Contains(vega.Names(), name) {
		return nil, fmt.Errorf("plot template %q: %w", name, fs.ErrNotExist)
	}
	return vega.Load(name, nil, "")
}

// TemplateError is why nothing can be drawn with a template: it is nowhere, is no
// template or lacks an anchor.
type TemplateError struct{ Err error }

func (e *TemplateError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *TemplateError) Unwrap() error { return e.Err }
