package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/reprodl/reprodl/internal/object"
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
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.saveMemo()
	x := r.newIndex()
	chosen, err := x.granular(scope{withDeps: opts.WithDeps, recursive: opts.Recursive}, targets)
	if err != nil {
		return err
	}
	p := newRecorder(r, false)
	p.everyRun = true
	for i, c := range chosen {
		p.place[c.stage] = i
	}
	defer p.syncLocks()
	links := r.openLinks()
	defer links.save()
	for _, c := range chosen {
		if err := r.commit(ctx, p, c, opts); err != nil {
			return err
		}
		for _, o := range c.stage.outs {
			if o.gitIgnored() {
				links.note(o.abs, o.rec.Hash)
			}
		}
	}
	return nil
}

// commit records one stage, or some of its outputs.
func (r *Repo) commit(ctx context.Context, p *recorder, c selection, opts *CommitOptions) error {
	s := c.stage
	changed := opts.Force
	if !opts.Force {
		question, err := s.commitQuestion(ctx)
		if err != nil {
			return err
		}
		if changed = question != ""; changed && (opts.Confirm == nil || !opts.Confirm(question)) {
			return &CommitError{s.String()}
		}
	}
	release, err := r.claim(s)
	if err != nil {
		return err
	}
	defer release()
	if changed {
		return p.record(ctx, s)
	}
	return r.storeUnchanged(ctx, c, opts)
}

// storeUnchanged puts outputs into the cache that are what is recorded.
func (r *Repo) storeUnchanged(ctx context.Context, c selection, opts *CommitOptions) error {
	for _, o := range c.stage.outs {
		if c.only != nil && !c.only(o) || !o.cached() || o.rec.Hash.IsZero() {
			continue
		}
		if !exists(o.abs) {
			return &MissingOutputError{o.show}
		}
		add := &object.AddOptions{Legacy: o.rec.Hash.IsLegacy(), Relink: !opts.NoRelink}
		if _, err := r.Cache().Add(ctx, r.Hasher(), o.abs, add); err != nil {
			return err
		}
	}
	return nil
}

// commitQuestion says what changed of a stage, as DVC asks about it; empty if
// nothing did. That an output is not in the cache is no change.
func (s *stage) commitQuestion(ctx context.Context) (string, error) {
	var deps, outs []string
	for _, d := range s.deps {
		v, err := s.repo.compareDep(ctx, d)
		if err != nil {
			return "", err
		}
		if v != same {
			deps = append(deps, d.show)
		}
	}
	for _, q := range s.params {
		v, _, err := s.repo.compareParams(q)
		if err != nil {
			return "", err
		}
		if v != same {
			deps = append(deps, q.show)
		}
	}
	for _, o := range s.outs {
		unchanged := false
		if !o.rec.Hash.IsZero() && exists(o.abs) {
			var err error
			if unchanged, err = s.repo.Hasher().Matches(ctx, o.abs, o.rec.Hash); err != nil {
				return "", err
			}
		}
		if !unchanged {
			outs = append(outs, o.show)
		}
	}
	ask := " Are you sure you want to commit it?"
	switch {
	case len(deps) > 0 && len(outs) > 0:
		return fmt.Sprintf("dependencies %s and outputs %s of %s changed.", pyList(deps), pyList(outs), s) + ask, nil
	case len(deps) > 0:
		return fmt.Sprintf("dependencies %s of %s changed.", pyList(deps), s) + ask, nil
	case len(outs) > 0:
		return fmt.Sprintf("outputs %s of %s changed.", pyList(outs), s) + ask, nil
	case s.cmdChanged():
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
