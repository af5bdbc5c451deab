package dvcfile

import "github.com/reprodl/reprodl/internal/dvcyaml"

// A Kind says in which section of a stage an output was declared.
type Kind string

// The kinds of outputs, named as their sections.
const (
	Plain  Kind = "outs"
	Metric Kind = "metrics"
	Plot   Kind = "plots"
	Live   Kind = "live" // the section of DVC 2.1 for dvclive
)

// An Out is an output of a stage or of a .dvc file. The zero value of every flag
// is DVC's default.
type Out struct {
	Path    string // as written, relative to the stage's Wdir
	Kind    Kind
	NoCache bool // cache: false
	Persist bool
	NoPush  bool   // push: false
	Remote  string // name of the remote to use instead of the default one
	Desc    string
	Type    string
	Labels  []string
	Meta    any

	// Props are the template, x, y, x_label, y_label, title and header of a
	// plot, in the order of the file; nil if there are none.
	Props *dvcyaml.Map
	// LiveSummary and LiveHTML belong to a Live output.
	LiveSummary, LiveHTML bool
}

// A TopPlot is an entry of the top-level plots of a dvc.yaml.
type TopPlot struct {
	ID    string       // a path, or a name if Props.y is a mapping
	Props *dvcyaml.Map // nil if there are none
}

// An Artifact is an entry of the top-level artifacts of a dvc.yaml.
type Artifact struct {
	Name   string
	Path   string
	Desc   string
	Type   string
	Labels []string
	Meta   any
}
