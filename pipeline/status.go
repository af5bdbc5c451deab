package pipeline

import (
	"context"
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
	scope := scope{withDeps: opts.WithDeps, recursive: opts.Recursive}
	chosen, err := x.granular(scope, targets)
	if err != nil {
		return nil, err
	}
	if coded, err := x.useCode(ctx, false); err != nil {
		return nil, err
	} else if coded != x {
		if chosen, err = coded.granular(scope, targets); err != nil {
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
