package pipeline

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/project"
)

// DAGFormat is a way to write down the graph of stages.
type DAGFormat string

// The formats.
const (
	ASCII    DAGFormat = "" // boxes and lines, as dvc dag draws them
	Dot      DAGFormat = "dot"
	Mermaid  DAGFormat = "mermaid"
	Markdown DAGFormat = "markdown" // a Mermaid chart for a Markdown file
)

// DAGOptions change what DAG shows; nil draws all stages in ASCII.
type DAGOptions struct {
	Format   DAGFormat
	Target   string // a stage, group, file or output: what it is made from; empty is everything
	Full     bool   // all that is connected with the target
	Outs     bool   // one node per output instead of per stage
	Collapse bool   // one node for all members of a foreach or matrix
}

// DAG draws the graph of the repository's stages, producers first.
func (r *Repo) DAG(ctx context.Context, opts *DAGOptions) (string, error) {
	if opts == nil {
		opts = &DAGOptions{}
	}
	if opts.Outs && opts.Collapse {
		return "", errors.New("`--outs` and `--collapse-foreach-matrix` are mutually exclusive")
	}
	x := r.p.NewIndex()
	graph, err := x.Build()
	if err != nil {
		return "", err
	}
	// DVC draws stages by default; with outputs as nodes a stage without any is not
	// drawn at all.
	picture := graph.Stages()
	if opts.Outs {
		picture = graph.Outputs()
	}
	if opts.Target != "" {
		names, err := dagNames(x, opts.Target, opts.Outs)
		if err != nil {
			return "", err
		}
		picture = picture.Around(names, opts.Full)
	}
	if opts.Collapse {
		picture = picture.Collapse()
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	switch opts.Format {
	case Dot:
		return picture.Dot(), nil
	case Mermaid:
		return picture.Mermaid(), nil
	case Markdown:
		return picture.Markdown(), nil
	}
	return picture.ASCII(), nil
}

// dagNames are the nodes that a target means.
func dagNames(x *project.Index, text string, outs bool) ([]string, error) {
	chosen, err := x.SelectTarget(project.Scope{}, filepath.ToSlash(text))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range chosen {
		if !outs {
			names = append(names, c.Stage.Addr)
			continue
		}
		for _, o := range c.Stage.Outs {
			if c.Only == nil || c.Only(o) {
				names = append(names, o.Show)
			}
		}
	}
	return names, nil
}
