package pipeline

import (
	"context"

	"github.com/reprodl/reprodl/internal/project"
)

// StatusOptions select what is looked at; nil means the zero StatusOptions.
type StatusOptions struct {
	WithDeps  bool // of the targets, also the stages that they depend on
	Recursive bool // a target may be a directory: all stages declared below it
	NoUpdates bool // don't ask the sources of imports for what is newer
}

// StageStatus says what changed in one stage or .dvc file.
type StageStatus struct {
	Address  string
	NeverRan bool // nothing is recorded of the stage: each part of it is a change
	// Changes are in DVC's order: dependencies, parameters, outputs, always
	// changed, command or checksum.
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
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer r.p.SaveMemo()
	x := r.p.NewIndex()
	scope := project.Scope{WithDeps: opts.WithDeps, Recursive: opts.Recursive}
	chosen, err := x.Granular(scope, targets)
	if err != nil {
		return nil, err
	}
	if coded, err := r.useCode(ctx, x, false); err != nil {
		return nil, err
	} else if coded != x {
		if chosen, err = coded.Granular(scope, targets); err != nil {
			return nil, err
		}
	}
	if err := r.p.CheckBusy(ctx, chosen); err != nil {
		return nil, err
	}
	var list []StageStatus
	for _, c := range chosen {
		shown := c.Stage.IsRepoImport() || c.Stage.IsImport() && c.Stage.Deps[0].Versioned()
		if c.Stage.Frozen && !shown {
			r.p.Log.Warn(c.Stage.String() + " is frozen. Its dependencies are not going to be shown in the status output.")
		}
		changes, err := status(ctx, c.Stage, c.Only, shown && !opts.NoUpdates)
		if err != nil {
			return nil, err
		}
		if len(changes) > 0 {
			list = append(list, StageStatus{Address: c.Stage.Addr, NeverRan: neverRan(c.Stage), Changes: changes})
		}
	}
	return list, nil
}

// status is all that differs. only limits the outputs; nil means all. updates asks
// for what is newer even if the stage is frozen.
func status(ctx context.Context, s *project.Stage, only func(*project.Output) bool, updates bool) ([]Change, error) {
	var changes []Change
	if !s.Frozen || updates {
		inputs, err := inputChanges(ctx, s)
		if err != nil {
			return nil, err
		}
		changes = inputs
	}
	outs, err := outputChanges(ctx, s, only)
	if err != nil {
		return nil, err
	}
	changes = append(changes, outs...)
	if s.IsCallback() || s.Always {
		changes = append(changes, Change{Kind: AlwaysChange})
	}
	own, err := ownChange(s)
	return append(changes, own...), err
}
