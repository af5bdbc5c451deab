package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

// Func is the body of a stage that is written in Go. It runs with the working
// directory of the process, whatever the stage's is.
type Func func(context.Context) error

// info tells the user one line, of which parallel stages may have several.
func (p *repro) info(format string, args ...any) {
	p.r.log.Info(fmt.Sprintf(format, args...))
}

// bring brings one stage up to date.
func (p *repro) bring(ctx context.Context, s *stage, res *Result) error {
	p.separate()
	if s.frozen {
		p.r.log.Warn(s.String() + " is frozen. Its dependencies are not going to be reproduced.")
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
	if p.opts.Confirm != nil && !p.opts.Confirm(s.addr) {
		return fmt.Errorf("reproduction aborted by the user")
	}
	if err := p.act(ctx, s, res, force); err != nil {
		return err
	}
	p.setPrinted()
	return nil
}

func (p *repro) skip(s *stage, res *Result) {
	res.Action = Skipped
	if s.isDVC() {
		p.info("'%s' didn't change, skipping", s.addr)
	} else {
		p.info("Stage '%s' didn't change, skipping", s.addr)
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
		p.r.log.Info("")
	}
}

func (p *repro) setPrinted() {
	p.mu.Lock()
	p.printed = true
	p.mu.Unlock()
}

// why tells the reasons to those who listen at the Debug level.
func (p *repro) why(s *stage, reasons []Change) {
	if !p.r.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	for _, c := range reasons {
		p.r.log.Debug(s.addr+": "+c.String(), slog.String("stage", s.addr))
	}
}

// changes are the reasons to do something: the command and the inputs, and if
// those are unchanged, the outputs.
func (p *repro) changes(ctx context.Context, s *stage, allowMissing bool) ([]Change, error) {
	changes := s.commandChange()
	switch {
	case s.frozen:
	case s.isCallback() || s.always:
		changes = append(changes, Change{Kind: AlwaysChange})
	default:
		inputs, err := s.inputChanges(ctx)
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
		return changes, nil
	}
	outs, err := s.outputChanges(ctx, nil)
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

// remade reports whether a missing dependency has another content by now,
// going by what its producer recorded.
func (p *repro) remade(s *stage, c *Change) bool {
	if p.graph == nil {
		return false
	}
	changed := false
	p.notes.recorded(func() {
		for _, d := range s.deps {
			for _, n := range p.graph.Producers(p.x.at[s]) {
				for _, o := range p.x.stages[n].outs {
					if d.show == c.Path && o.abs == d.abs && o.rec.Hash != d.rec.Hash {
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
func (p *repro) act(ctx context.Context, s *stage, res *Result, force bool) error {
	if s.frozen || s.cmd.IsZero() {
		res.Action = Verified
		if p.opts.Dry {
			return nil
		}
		if s.frozen {
			p.info("Verifying outputs in frozen stage: '%s'", s.addr)
		} else {
			p.info("Verifying data sources in stage: '%s'", s.addr)
		}
		if err := s.checkOutputs(); err != nil {
			return err
		}
		return p.notes.record(ctx, s)
	}
	if p.opts.Dry {
		return p.dry(ctx, s, res, force)
	}
	// Before anything is removed, everything must be there that is needed.
	in, err := s.readInputs(ctx)
	if err != nil {
		return err
	}
	release, err := p.r.claim(s)
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
			res.Action, res.RunCache = Restored, hit.name
			if hit.name != "" {
				p.r.log.Debug(s.addr+": restored from run cache "+hit.name, slog.String("stage", s.addr))
			}
			p.info("Stage '%s' is cached - skipping run, checking out outputs", s.addr)
			if err := p.restore(ctx, s, hit); err != nil {
				return err
			}
			return p.notes.record(ctx, s)
		}
	}
	if err := s.removeOutputs(); err != nil {
		return err
	}
	res.Action = Ran
	start := time.Now()
	err = p.command(ctx, s)
	res.Duration = time.Since(start)
	if err != nil {
		return err
	}
	return p.notes.record(ctx, s)
}

// dry tells what act would do.
func (p *repro) dry(ctx context.Context, s *stage, res *Result, force bool) error {
	res.Action = Ran
	if !force && s.mayRestore() {
		in, err := s.readInputs(ctx)
		if err != nil {
			return err
		}
		hit, err := p.findRun(ctx, s, in)
		if err != nil {
			return err
		}
		if hit != nil {
			p.info("Stage '%s' is cached - skipping run, checking out outputs", s.addr)
		}
	}
	p.info("Running stage '%s':", s.addr)
	for _, script := range s.cmd.Scripts() {
		p.info("> %s", script)
	}
	return nil
}

// command runs the scripts of a stage, or its function, without the lock.
func (p *repro) command(ctx context.Context, s *stage) error {
	p.info("Running stage '%s':", s.addr)
	if f := p.body(s); f != nil {
		return p.working.outside(ctx, func() error { return f(ctx) })
	}
	sh := newShell(s.environ(p.opts.Env))
	sh.dir, sh.stdin = s.wdir, p.r.opts.Stdin
	sh.stdout, sh.stderr = p.r.opts.Stdout, p.r.opts.Stderr
	if p.opts.Jobs > 1 {
		out := newPrefixer(&p.mu, sh.stdout, s.addr)
		errs := newPrefixer(&p.mu, sh.stderr, s.addr)
		defer out.flush()
		defer errs.flush()
		sh.stdin, sh.stdout, sh.stderr = nil, out, errs
	}
	return p.working.outside(ctx, func() error {
		for _, script := range s.cmd.Scripts() {
			p.info("> %s", script)
			if err := sh.run(ctx, script); err != nil {
				return err
			}
		}
		return s.livePages()
	})
}

// body is the function of a stage that is written in Go, or nil.
func (p *repro) body(s *stage) Func {
	if s.isDVC() || p.r.defined == "" || p.r.abs(s.file) != p.r.defined {
		return nil
	}
	return p.r.funcs[s.name]
}

// environ is the environment of the commands of a stage.
func (s *stage) environ(extra []string) []string {
	env := s.repo.opts.Env
	for _, kv := range extra {
		name, value, _ := strings.Cut(kv, "=")
		env = setenv(env, name, value)
	}
	if getenv(env, "DVC_ROOT") == "" {
		env = setenv(env, "DVC_ROOT", s.repo.root)
	}
	env = setenv(env, "DVC_STAGE", s.addr)
	for _, o := range s.outs {
		if o.Kind == dvcfile.Live {
			env = setenv(env, "DVCLIVE_PATH", o.path)
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
// writable.
func (s *stage) removeOutputs() error {
	for _, o := range s.outs {
		if o.Persist || o.Kind == dvcfile.Live {
			if err := s.repo.unprotect(o); err != nil {
				return err
			}
			continue
		}
		if err := os.RemoveAll(o.abs); err != nil {
			return err
		}
	}
	return nil
}

// checkOutputs requires that the data of a frozen stage or a .dvc file exists.
func (s *stage) checkOutputs() error {
	var missing []string
	for _, o := range s.outs {
		if !exists(o.abs) {
			missing = append(missing, o.show)
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
