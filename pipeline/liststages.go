package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/project"
)

// StageInfo is what Stages tells of a stage or .dvc file.
type StageInfo struct {
	Address string
	// Desc is the first line of the description, or else what the stage
	// depends on and produces in DVC's words.
	Desc string
}

// ListOptions change what Stages lists; nil lists the dvc.yaml of the working
// directory.
type ListOptions struct {
	All       bool // every stage and .dvc file of the repository
	Recursive bool // a target may be a directory
	Strict    bool // a file that cannot be read is an error; otherwise it is left out
}

// Stages lists the stages that targets mean, in the order of their files.
func (r *Repo) Stages(ctx context.Context, opts *ListOptions, targets ...string) ([]StageInfo, error) {
	if opts == nil {
		opts = &ListOptions{}
	}
	x := r.p.NewIndex()
	var found []*project.Stage
	if opts.All {
		collect := x.CollectReadable
		if opts.Strict {
			collect = x.Collect
		}
		if err := collect(); err != nil {
			return nil, err
		}
		found = x.Stages
	} else {
		if len(targets) == 0 {
			targets = []string{dvcfile.ProjectName}
		}
		for _, t := range targets {
			stages, err := x.Resolve(t, project.Scope{Recursive: opts.Recursive})
			if err != nil {
				return nil, err
			}
			for _, s := range stages {
				if !slices.Contains(found, s) {
					found = append(found, s)
				}
			}
		}
	}
	list := make([]StageInfo, len(found))
	for i, s := range found {
		list[i] = StageInfo{s.Addr, describe(s)}
	}
	return list, ctx.Err()
}

// describe is one line about the stage.
func describe(s *project.Stage) string {
	desc := ""
	switch {
	case s.Def != nil:
		desc = s.Def.Desc
	case s.Dot != nil:
		desc = s.Dot.Desc
	}
	// The first line that says something, cut where DVC cuts it.
	for line := range strings.Lines(desc) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			return shorten(strings.TrimSpace(line))
		}
	}
	if len(s.Outs) == 0 {
		var deps []string
		for _, d := range s.Deps {
			deps = append(deps, d.Written)
		}
		for _, p := range s.Params {
			deps = append(deps, p.Written)
		}
		if deps == nil {
			return "No outputs or dependencies"
		}
		return shorten("Depends on " + strings.Join(deps, ", "))
	}
	var outs, reports, parts []string
	for _, o := range s.Outs {
		if o.IsMetric() || o.IsPlot() {
			reports = append(reports, o.Written)
		} else {
			outs = append(outs, o.Written)
		}
	}
	if outs != nil {
		parts = append(parts, "Outputs "+strings.Join(outs, ", "))
	}
	if reports != nil {
		parts = append(parts, "Reports "+strings.Join(reports, ", "))
	}
	return shorten(strings.Join(parts, "; "))
}

// shorten cuts a line to 80 characters.
func shorten(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
