package pipeline

import (
	"context"
	"path/filepath"
)

// StatusOptions select what is looked at; nil means the zero StatusOptions.
type StatusOptions struct {
	WithDeps  bool // of the targets, also the stages that they depend on
	Recursive bool // a target may be a directory: all stages declared below it
}

// StageStatus says what changed in one stage or .dvc file.
type StageStatus struct {
	Address string
	// Changes are in DVC's order: dependencies, parameters, outputs, always
	// changed, command.
	Changes []Change
}

// Status compares stages with what their last run recorded: those named by
// targets (stages, groups, files, outputs), or all. Only stages with changes
// are returned. Nothing is written, except that damaged objects found in the
// cache are removed.
func (r *Repo) Status(ctx context.Context, opts *StatusOptions, targets ...string) ([]StageStatus, error) {
	if opts == nil {
		opts = &StatusOptions{}
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer r.saveMemo()
	x := r.newIndex()
	chosen, err := x.granular(opts, targets)
	if err != nil {
		return nil, err
	}
	if coded, err := x.useCode(ctx, false); err != nil {
		return nil, err
	} else if coded != x {
		if chosen, err = coded.granular(opts, targets); err != nil {
			return nil, err
		}
	}
	if err := r.checkBusy(chosen); err != nil {
		return nil, err
	}
	var list []StageStatus
	for _, c := range chosen {
		if c.stage.frozen {
			r.log.Warn(c.stage.String() + " is frozen. Its dependencies are not going to be shown in the status output.")
		}
		changes, err := c.stage.status(ctx, c.only)
		if err != nil {
			return nil, err
		}
		if len(changes) > 0 {
			list = append(list, StageStatus{Address: c.stage.addr, Changes: changes})
		}
	}
	return list, nil
}

// status is all that differs. only limits the outputs; nil means all.
func (s *stage) status(ctx context.Context, only func(*output) bool) ([]Change, error) {
	var changes []Change
	if !s.frozen {
		inputs, err := s.inputChanges(ctx)
		if err != nil {
			return nil, err
		}
		changes = inputs
	}
	outs, err := s.outputChanges(ctx, only)
	if err != nil {
		return nil, err
	}
	changes = append(changes, outs...)
	if s.isCallback() || s.always {
		changes = append(changes, Change{Kind: AlwaysChange})
	}
	return append(changes, s.commandChange()...), nil
}

// selection is a stage, or some outputs of it.
type selection struct {
	stage *stage
	only  func(*output) bool // nil = all outputs
}

// granular returns what targets mean where outputs are targets too. Without
// targets it is everything.
func (x *index) granular(opts *StatusOptions, targets []string) ([]selection, error) {
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

func (x *index) selectTarget(opts *StatusOptions, text string) ([]selection, error) {
	if opts.WithDeps {
		if err := x.collect(); err != nil {
			return nil, err
		}
	}
	repro := &ReproOptions{Recursive: opts.Recursive}
	stages, err := x.resolve(text, repro)
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
	if opts.WithDeps {
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

func (e *noTargetError) Class() string { return "not_found" }
