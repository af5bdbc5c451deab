package pipeline

import (
	"path/filepath"
)

// scope says how targets are meant.
type scope struct {
	withDeps  bool // also the stages that they depend on
	recursive bool // a target may be a directory: all stages declared below it
	glob      bool // a target is a pattern of stage names
}

// selection is a stage, or some outputs of it.
type selection struct {
	stage *stage
	only  func(*output) bool // nil = all outputs
}

// granular returns what targets mean where outputs are targets too. Without
// targets it is everything.
func (x *index) granular(opts scope, targets []string) ([]selection, error) {
	var list []selection
	if len(targets) == 0 {
		if err := x.collect(); err != nil {
			return nil, err
		}
		for _, s := range x.stages {
			list = append(list, selection{stage: s})
		}
		return list, nil
	}
	for _, text := range targets {
		found, err := x.selectTarget(opts, filepath.ToSlash(text))
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

func (x *index) selectTarget(opts scope, text string) ([]selection, error) {
	if opts.withDeps {
		if err := x.collect(); err != nil {
			return nil, err
		}
	}
	stages, err := x.resolve(text, scope{recursive: opts.recursive})
	if err != nil {
		owner, out, ownErr := x.owner(x.repo.userPath(text))
		if ownErr != nil {
			return nil, ownErr
		}
		if owner == nil {
			if t, _ := parseTarget(text, false); isStageFile(t.file) && t.name == "" {
				return nil, err
			}
			if isMissing(err) || isNotFound(err) {
				return nil, &noTargetError{text, err}
			}
			return nil, err
		}
		return []selection{{stage: owner, only: func(o *output) bool { return o == out }}}, nil
	}
	var list []selection
	if opts.withDeps {
		graph, err := x.build()
		if err != nil {
			return nil, err
		}
		var nodes []int
		for _, s := range stages {
			nodes = append(nodes, x.at[s])
		}
		for _, i := range graph.Upstream(nodes...) {
			list = append(list, selection{stage: x.stages[i]})
		}
		return list, nil
	}
	for _, s := range stages {
		list = append(list, selection{stage: s})
	}
	return list, nil
}

// owner finds the stage whose output a path is, or lies in.
func (x *index) owner(abs string) (*stage, *output, error) {
	if err := x.collect(); err != nil {
		return nil, nil, err
	}
	for _, s := range x.stages {
		for _, o := range s.outs {
			if o.abs == abs || isBelow(abs, o.abs) {
				return s, o, nil
			}
		}
	}
	return nil, nil, nil
}

type noTargetError struct {
	target string
	err    error
}

func (e *noTargetError) Error() string {
	return "'" + e.target + "' does not exist as an output or a stage name in 'dvc.yaml': " + e.err.Error()
}

func (e *noTargetError) Unwrap() error { return e.err }
