package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/data"
)

// info tells the user one line, of which parallel stages may have several.
func (p *repro) info(format string, args ...any) {
	p.r.p.Log.Info(fmt.Sprintf(format, args...))
}

// bring brings one stage up to date.
func (p *repro) bring(ctx context.Context, s *project.Stage, res *Result) error {
	p.separate()
	if s.Frozen && !s.IsImport() {
		p.r.p.Log.Warn(s.String() + " is frozen. Its dependencies are not going to be reproduced.")
	}
	force := p.isForced(s)
	if force {
		res.Reasons = []Change{{Kind: ForcedChange}}
	} else {
		reasons, err := p.changes(ctx, s, p.opts.AllowMissing)
		if err != nil {
			return err
		}
		if len(reasons) == 0 {
			p.skip(s, res)
			return nil
		}
		res.Reasons = reasons
		if p.opts.Pull {
			if done, err := p.pull(ctx, s, res); err != nil || done {
				return err
			}
		}
	}
	p.why(s, res.Reasons)
	if p.opts.Confirm != nil && !p.opts.Confirm(s.Addr) {
		return fmt.Errorf("reproduction aborted by the user")
	}
	if err := p.act(ctx, s, res, force); err != nil {
		return err
	}
	p.setPrinted()
	return nil
}

// skip notes that a stage is up to date, in DVC's words.
func (p *repro) skip(s *project.Stage, res *Result) {
	res.Action = Skipped
	if s.IsDVC() {
		p.info("'%s' didn't change, skipping", s.Addr)
	} else {
		p.info("Stage '%s' didn't change, skipping", s.Addr)
	}
	p.mu.Lock()
	p.printed = false
	p.mu.Unlock()
}

// separate prints a blank line after a stage that ran.
func (p *repro) separate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.printed {
		p.printed = false
		p.r.p.Log.Info("")
	}
}

func (p *repro) setPrinted() {
	p.mu.Lock()
	p.printed = true
	p.mu.Unlock()
}

// why tells the reasons to those who listen at the Debug level.
func (p *repro) why(s *project.Stage, reasons []Change) {
	if !p.r.p.Log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for _, c := range reasons {
		p.r.p.Log.Debug(s.Addr+": "+c.String(), slog.String("stage", s.Addr))
	}
}

// changes are the reasons to do something: the command and the inputs, and if
// those are unchanged, the outputs.
func (p *repro) changes(ctx context.Context, s *project.Stage, allowMissing bool) ([]Change, error) {
	// A changed command hides nothing: DVC lists it beside the changed inputs.
	changes, err := ownChange(s)
	if err != nil {
		return nil, err
	}
	switch {
	case s.Frozen:
	case s.IsCallback() || s.Always:
		changes = append(changes, Change{Kind: AlwaysChange})
	default:
		inputs, err := inputChanges(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, c := range inputs {
			if allowMissing && c.State == Deleted && c.Kind == DepChange && !p.remade(s, &c) {
				continue
			}
			changes = append(changes, c)
		}
	}
	if len(changes) > 0 {
		if neverRan(s) {
			return []Change{{Kind: NeverRan}}, nil // instead of one for each input
		}
		return changes, nil
	}
	// Outputs are looked at last, and only if all else agrees: hashing them is
	// what costs.
	outs, err := outputChanges(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range outs {
		if !allowMissing || c.State != NotInCache && c.State != Deleted {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// neverRan reports that the lock has no entry for a stage.
func neverRan(s *project.Stage) bool { return !s.IsDVC() && s.Recorded == nil }

// remade reports whether a missing dependency has another content by now,
// going by what its producer recorded.
func (p *repro) remade(s *project.Stage, c *Change) bool {
	if p.graph == nil {
		return false
	}
	changed := false
	p.notes.Recorded(func() {
		for _, d := range s.Deps {
			for _, n := range p.graph.Producers(p.x.At[s]) {
				for _, o := range p.x.Stages[n].Outs {
					if d.Show == c.Path && o.Abs == d.Abs && o.Rec.Hash != d.Rec.Hash {
						changed = true
					}
				}
			}
		}
	})
	if changed {
		c.State = Modified
	}
	return changed
}

// act restores, runs or verifies a stage that changed, and records it.
func (p *repro) act(ctx context.Context, s *project.Stage, res *Result, force bool) error {
	if s.IsImport() && !s.Frozen || s.IsPartialImport() {
		return p.fetchImport(ctx, s, res, force)
	}
	if s.Frozen || s.Cmd.IsZero() {
		res.Action = Verified
		if p.opts.Dry {
			return nil
		}
		if s.Frozen {
			p.info("Verifying outputs in frozen stage: '%s'", s.Addr)
		} else {
			p.info("Verifying data sources in stage: '%s'", s.Addr)
		}
		if err := checkOutputs(s); err != nil {
			return err
		}
		p.files.RLock()
		defer p.files.RUnlock()
		return p.notes.Record(ctx, s)
	}
	if p.opts.Dry {
		return p.dry(ctx, s, res, force)
	}
	// Before anything is removed, everything must be there that is needed.
	in, err := s.ReadRunInputs(ctx)
	var missing *data.MissingInputError
	if errors.As(err, &missing) && missing.Params == nil && force {
		err = nil // the stage may make it itself, which recording it will tell
	}
	if err != nil {
		return err
	}
	// Other processes see from here on what is being read and written, and are
	// "busy" only for that: the lock itself is given back while the command runs.
	release, err := p.r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	if !force {
		hit, err := p.findRun(ctx, s, in)
		if err != nil {
			return err
		}
		if hit != nil {
			res.Action, res.RunCache = Restored, hit.Name
			if hit.Name != "" {
				p.r.p.Log.Debug(s.Addr+": restored from run cache "+hit.Name, slog.String("stage", s.Addr))
			}
			p.info("Stage '%s' is cached - skipping run, checking out outputs", s.Addr)
			return p.restoreAndRecord(ctx, s, hit)
		}
	}
	if p.opts.Executor != nil {
		if done, err := p.elsewhere(ctx, s, in, res, force); done || err != nil {
			return err
		}
	}
	if err := removeOutputs(ctx, s); err != nil {
		return err
	}
	res.Action = Ran
	start := time.Now()
	err = p.command(ctx, s)
	res.Duration = time.Since(start)
	if err != nil {
		return err
	}
	p.files.RLock()
	defer p.files.RUnlock()
	return p.notes.Record(ctx, s)
}

// fetchImport makes an import what its source is.
func (p *repro) fetchImport(ctx context.Context, s *project.Stage, res *Result, force bool) error {
	res.Action = Ran
	if p.opts.Dry {
		return origin.Sync(ctx, s, nil, &origin.SyncOptions{Dry: true})
	}
	release, err := p.r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	lines := &project.IgnoreLines{Repo: p.r.p}
	if err := origin.Sync(ctx, s, lines, &origin.SyncOptions{Force: force}); err != nil {
		lines.Undo()
		return err
	}
	return p.notes.WriteData(s, lines)
}

// dry tells what act would do.
func (p *repro) dry(ctx context.Context, s *project.Stage, res *Result, force bool) error {
	res.Action = Ran
	if !force && s.MayRestore() {
		in, err := s.ReadRunInputs(ctx)
		if err != nil {
			return err
		}
		hit, err := p.findRun(ctx, s, in)
		if err != nil {
			return err
		}
		if hit != nil {
			p.info("Stage '%s' is cached - skipping run, checking out outputs", s.Addr)
		}
	}
	p.info("Running stage '%s':", s.Addr)
	for _, script := range s.Cmd.Scripts() {
		p.info("> %s", script)
	}
	return nil
}

// command runs the scripts of a stage, or its function, without the lock.
func (p *repro) command(ctx context.Context, s *project.Stage) error {
	p.info("Running stage '%s':", s.Addr)
	if f := p.body(s); f != nil {
		return p.working.outside(ctx, func() error { return f(within(ctx, s)) })
	}
	sh := newShell(environ(s, p.opts.Env), p.runner)
	sh.dir, sh.stdin = s.Wdir, p.r.opts.Stdin
	sh.stdout, sh.stderr = p.r.opts.Stdout, p.r.opts.Stderr
	// Side by side no stage may have the terminal's input.
	if p.opts.Jobs > 1 {
		out := newPrefixer(&p.mu, sh.stdout, s.Addr)
		errs := newPrefixer(&p.mu, sh.stderr, s.Addr)
		defer out.flush()
		defer errs.flush()
		sh.stdin, sh.stdout, sh.stderr = nil, out, errs
	}
	return p.working.outside(ctx, func() error {
		for _, script := range s.Cmd.Scripts() {
			p.info("> %s", script)
			if err := sh.run(ctx, script); err != nil {
				return err
			}
		}
		return livePages(s)
	})
}

// body is the function of a stage that is written in Go, or nil.
func (p *repro) body(s *project.Stage) Func {
	if s.IsDVC() || p.r.defined == "" || p.r.p.Abs(s.File) != p.r.defined {
		return nil
	}
	return p.r.funcs[s.Name]
}

// environ is the environment of the commands of a stage.
func environ(s *project.Stage, extra []string) []string {
	env := s.Repo.Env
	for _, kv := range extra {
		name, value, _ := strings.Cut(kv, "=")
		env = setenv(env, name, value)
	}
	// Nested runs keep the outermost root, as DVC's do.
	if project.Getenv(env, rootVariable) == "" {
		env = setenv(env, rootVariable, s.Repo.Root)
	}
	env = setenv(env, stageVariable, s.Addr)
	for _, o := range s.Outs {
		if o.Kind == dvcfile.Live {
			env = setenv(env, "DVCLIVE_PATH", o.Written)
			env = setenv(env, "DVCLIVE_SUMMARY", flag(o.LiveSummary))
			env = setenv(env, "DVCLIVE_HTML", flag(o.LiveHTML))
		}
	}
	return env
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// removeOutputs deletes the outputs of the last run. Those that persist become
// writable; those outside of the repository are their command's affair.
func removeOutputs(ctx context.Context, s *project.Stage) error {
	for _, o := range s.Outs {
		if o.Persist || o.Kind == dvcfile.Live {
			if err := s.Repo.Unprotect(ctx, o); err != nil {
				return err
			}
			continue
		}
		if !o.Cached() && !o.InRepo {
			continue
		}
		// Once more, as an earlier stage may have made a link.
		if err := s.Repo.CheckInside(o.Abs); err != nil {
			return err
		}
		if err := os.RemoveAll(o.Abs); err != nil {
			return err
		}
	}
	return nil
}

// checkOutputs requires that the data of a frozen stage or a .dvc file exists.
func checkOutputs(s *project.Stage) error {
	var missing []string
	for _, o := range s.Outs {
		if !project.Exists(o.Abs) {
			missing = append(missing, o.Show)
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return &missingDataError{"missing data 'source': " + missing[0]}
	}
	return &missingDataError{"missing data 'sources': " + strings.Join(missing, ", ")}
}

type missingDataError struct{ text string }

func (e *missingDataError) Error() string { return e.text }
