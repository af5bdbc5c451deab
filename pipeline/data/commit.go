package data

import (
	"context"
	"fmt"
	"slices"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// CommitOptions change what Commit does; nil means the zero CommitOptions.
type CommitOptions struct {
	Force     bool // also record what changed
	WithDeps  bool // also what the targets depend on
	Recursive bool // a target may be a directory: all stages declared below it
	NoRelink  bool // leave the workspace files as they are
	// Confirm is asked, in DVC's words, whether a stage that changed is to be recorded; nil means no.
	Confirm func(question string) bool
}

// CommitError refuses to record a stage that changed.
type CommitError struct{ Stage string }

func (e *CommitError) Error() string {
	return fmt.Sprintf("unable to commit changed %s. Use `-f|--force` to force.", e.Stage)
}

// Commit records the dependencies and outputs of stages as they are, and
// stores the outputs in the cache: what Add or Repro left undone with NoCommit, or, with Force, what
// was changed by hand. Without targets it is done for all stages.
func (r *Repo) Commit(ctx context.Context, opts *CommitOptions, targets ...string) error {
	if opts == nil {
		opts = new(CommitOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.p.SaveMemo()
	x := r.p.NewIndex()
	chosen, err := x.Granular(project.Scope{WithDeps: opts.WithDeps, Recursive: opts.Recursive}, targets)
	if err != nil {
		return err
	}
	for _, c := range chosen {
		if err := r.p.CheckOutputs([]*project.Stage{c.Stage}); err != nil {
			return err
		}
	}
	// Place keeps the order of the stages in dvc.lock, to which they come one by one.
	p := project.NewRecorder(r.p, false)
	// DVC's commit saves every run in the run cache, those that repro leaves out
	// since an output of theirs is kept nowhere, too.
	p.EveryRun, p.LockOnce = true, true
	for i, c := range chosen {
		p.Place[c.Stage] = i
	}
	defer p.SyncLocks()
	// What is recorded now, a later checkout may take away again.
	links := r.p.OpenLinks()
	defer links.Save()
	for _, c := range chosen {
		if err := r.commit(ctx, p, c, opts); err != nil {
			return err
		}
		for _, o := range c.Stage.Outs {
			if o.GitIgnored() && c.Part == "" {
				links.Note(o.Abs, o.Rec.Hash)
			}
		}
	}
	return nil
}

// commit records one stage, or some of its outputs.
func (r *Repo) commit(ctx context.Context, p *project.Recorder, c project.Selection, opts *CommitOptions) error {
	s := c.Stage
	changed := opts.Force
	if !opts.Force {
		question, err := commitQuestion(ctx, s)
		if err != nil {
			return err
		}
		if changed = question != ""; changed && (opts.Confirm == nil || !opts.Confirm(question)) {
			return &CommitError{s.String()}
		}
	}
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	// What is not changed is recorded already; only its objects may be missing.
	if changed {
		return p.RecordPart(ctx, s, c.Part)
	}
	return r.storeUnchanged(ctx, c, opts)
}

// storeUnchanged puts outputs into the cache that are what is recorded.
// Nothing is written to a lock or .dvc file.
func (r *Repo) storeUnchanged(ctx context.Context, c project.Selection, opts *CommitOptions) error {
	for _, o := range c.Stage.Outs {
		if c.Only != nil && !c.Only(o) || !o.Cached() || o.Rec.Hash.IsZero() {
			continue
		}
		if !project.Exists(o.Abs) {
			return &MissingOutputError{o.Show}
		}
		if err := r.storePiece(ctx, project.Piece{Output: o, Part: c.Part}, opts); err != nil {
			return err
		}
	}
	return nil
}

// storePiece stores an output, or the manifest of a directory and a part of it.
func (r *Repo) storePiece(ctx context.Context, o project.Piece, opts *CommitOptions) error {
	// What DVC 2 recorded stays in DVC 2's place: the hash in the file says so.
	add := &object.AddOptions{Legacy: o.Rec.Hash.IsLegacy(), Relink: !opts.NoRelink, Exec: &o.Rec.Exec}
	if o.Part != "" && project.IsDir(o.Abs) && !add.Legacy {
		_, err := r.p.StorePart(ctx, o, add.Relink)
		return err
	}
	_, err := r.p.Cache().Add(ctx, r.p.Hasher(), o.Abs, add)
	return err
}

// commitQuestion says what changed of a stage, as DVC asks about it; empty if
// nothing did. That an output is not in the cache is no change.
// Of several changes it names the inputs and the outputs; the command only if nothing
// else changed.
func commitQuestion(ctx context.Context, s *project.Stage) (string, error) {
	var deps, outs []string
	for _, d := range s.Deps {
		v, err := s.Repo.CompareDep(ctx, d)
		if err != nil {
			return "", err
		}
		if v != project.Same {
			deps = append(deps, d.Show)
		}
	}
	for _, q := range s.Params {
		v, _, err := s.Repo.CompareParams(q)
		if err != nil {
			return "", err
		}
		if v != project.Same {
			deps = append(deps, q.Show)
		}
	}
	for _, o := range s.Outs {
		// An output without a record, or that isn't there, counts as changed.
		unchanged := false
		if !o.Rec.Hash.IsZero() && project.Exists(o.Abs) {
			var err error
			if unchanged, err = s.Repo.Hasher().Matches(ctx, o.Abs, o.Rec.Hash); err != nil {
				return "", err
			}
		}
		if !unchanged {
			outs = append(outs, o.Show)
		}
	}
	own, err := s.SumChanged()
	if err != nil {
		return "", err
	}
	ask := " Are you sure you want to commit it?"
	switch {
	case len(deps) > 0 && len(outs) > 0:
		return fmt.Sprintf("dependencies %s and outputs %s of %s changed.", pyList(deps), pyList(outs), s) + ask, nil
	case len(deps) > 0:
		return fmt.Sprintf("dependencies %s of %s changed.", pyList(deps), s) + ask, nil
	case len(outs) > 0:
		return fmt.Sprintf("outputs %s of %s changed.", pyList(outs), s) + ask, nil
	case own:
		return fmt.Sprintf("'md5' of %s changed.", s) + ask, nil
	case s.CmdChanged():
		return fmt.Sprintf("'cmd' of %s has changed.", s) + ask, nil
	}
	return "", nil
}

// pyList prints names as Python prints a list of strings.
func pyList(names []string) string {
	out := "["
	for i, n := range slices.All(names) {
		if i > 0 {
			out += ", "
		}
		out += "'" + n + "'"
	}
	return out + "]"
}
