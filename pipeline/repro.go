package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/orphan"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/stagegraph"
	"github.com/reprodl/reprodl/internal/transfer"
)

// repro is one call of Repro.
type repro struct {
	r     *Repo
	opts  ReproOptions
	x     *project.Index
	graph *stagegraph.Graph // nil with Single
	plan  []*project.Stage
	notes *project.Recorder

	mu      sync.Mutex // guards what follows
	results []Result   // by place
	forced  map[*project.Stage]bool
	working *workLock
	runner  *orphan.Runner
	printed bool                 // something ran: a blank line sets the next stage apart
	sent    map[object.Hash]bool // is in the default remote

	files sync.RWMutex // locked while an Executor reads the working tree; for reading, by who writes to it
}

// Repro brings stages up to date: those that targets name, with all that they
// depend on, or without targets all stages of the dvc.yaml in the working
// directory. A stage is skipped if nothing changed, restored if the run cache
// knows its inputs, and run otherwise.
//
// The results are in the order of the plan. The error is a *[StageError] when
// stages failed. When ctx ends, commands are interrupted and the call returns
// its cause; stages that had finished stay finished.
func (r *Repo) Repro(ctx context.Context, opts *ReproOptions, targets ...string) ([]Result, error) {
	p := &repro{r: r, x: r.p.NewIndex(), forced: map[*project.Stage]bool{}, sent: map[object.Hash]bool{}}
	if opts != nil {
		p.opts = *opts
	}
	// Which stages are meant is then said by the graph, and DVC ignores the rest.
	if p.opts.AllPipelines || p.opts.Pipeline {
		p.opts.Single, p.opts.Downstream = false, false
	}
	if p.opts.Executor != nil && p.opts.NoCommit {
		return nil, errors.New("NoCommit with an Executor: outputs that no cache keeps do not come back from other machines")
	}
	p.notes = project.NewRecorder(r.p, p.opts.NoCommit)
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	p.working = newWorkLock(r, unlock)
	defer p.working.close()
	p.runner = orphan.NewRunner(r.p.TmpDir())
	defer p.runner.Close()
	defer r.p.SaveMemo()
	defer p.notes.SyncLocks()
	if err := p.makePlan(targets); err != nil {
		return nil, err
	}
	// New dependencies on code may change the graph, so the plan is made once more.
	if x, err := r.useCode(ctx, p.x, !p.opts.Dry); err != nil {
		return nil, err
	} else if x != p.x {
		p.x, p.graph = x, nil
		if err := p.makePlan(targets); err != nil {
			return nil, err
		}
	}
	if err := p.checkNested(ctx); err != nil {
		return nil, err
	}
	if err := r.p.CheckOutputs(p.plan); err != nil {
		return nil, err
	}
	if p.opts.Pull && !p.opts.NoRunCache && !p.opts.LocalRuns {
		if err := transfer.FetchRuns(ctx, r.p); err != nil {
			r.p.Log.Warn("Failed to pull run cache: " + err.Error())
		}
	}
	err = p.run(ctx)
	if err == nil && !p.opts.NoGit {
		p.notes.HintGit(ctx)
	}
	return p.results, err
}

// makePlan finds the stages to look at and their order.
func (p *repro) makePlan(targets []string) error {
	if !p.opts.Single {
		if err := p.x.Collect(); err != nil {
			return err
		}
	}
	var chosen []*project.Stage
	if !p.opts.AllPipelines {
		if len(targets) == 0 {
			targets = []string{dvcfile.ProjectName}
		}
		for _, text := range targets {
			stages, err := p.x.Resolve(text, project.Scope{Recursive: p.opts.Recursive, Glob: p.opts.Glob})
			if err != nil {
				return err
			}
			for _, s := range stages {
				if !slices.Contains(chosen, s) {
					chosen = append(chosen, s)
				}
			}
		}
	}
	p.plan = chosen
	if !p.opts.Single {
		if err := p.order(chosen); err != nil {
			return err
		}
	}
	p.results = make([]Result, len(p.plan))
	p.notes.Place = map[*project.Stage]int{}
	for i, s := range p.plan {
		p.notes.Place[s] = i
		p.results[i] = Result{Address: s.Addr, Action: Blocked}
		p.forced[s] = p.opts.Force
	}
	return nil
}

// order extends the chosen stages by what they need.
func (p *repro) order(chosen []*project.Stage) error {
	graph, err := p.x.Build()
	if err != nil {
		return err
	}
	p.graph = graph.Active()
	plan := &stagegraph.PlanOptions{Pipeline: p.opts.Pipeline, Downstream: p.opts.Downstream}
	for _, s := range chosen {
		at, ok := p.x.At[s]
		if !ok {
			return &project.NotFoundError{Name: s.Addr, File: p.r.p.Rel(p.r.p.Abs(s.File))}
		}
		plan.Targets = append(plan.Targets, at)
	}
	p.plan = nil
	for _, i := range p.graph.Plan(plan) {
		p.plan = append(p.plan, p.x.Stages[i])
	}
	return nil
}

// StageError says which stages of a run failed, and of one of them why.
type StageError struct {
	Stages []string
	Err    error // why, if the run stopped at the failure
}

func (e *StageError) Error() string {
	names := make([]string, len(e.Stages))
	for i, s := range e.Stages {
		names[i] = "'" + s + "'"
	}
	s := ""
	if len(names) > 1 {
		s = " stages:"
	}
	text := "failed to reproduce" + s + " " + join(names)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *StageError) Unwrap() error { return e.Err }

// join lists names as a sentence does.
func join(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// run goes through the plan with as many workers as wanted. A stage is started
// when those it depends on are done; of several, the first in the plan.
func (p *repro) run(ctx context.Context) error {
	s := newSchedule(len(p.plan), p.producers)
	var firstErr error
	var failed []int
	fail := func(i int, err error) {
		failed = append(failed, i)
		switch p.opts.OnError {
		case Stop:
			if firstErr == nil {
				firstErr = err
			}
			s.stop()
			// What doesn't depend on the failure goes on; the rest is told once.
		case KeepGoing:
			p.r.p.Log.Warn(err.Error())
			p.tellBlocked(i, s.block(i))
		case Ignore:
			p.r.p.Log.Warn(err.Error() + " (ignored)")
		}
	}
	s.run(ctx, max(1, p.opts.Jobs), func(i int) {
		p.step(ctx, p.plan[i], &p.results[i])
	}, func(i int) {
		if ctx.Err() != nil {
			return
		}
		if err := p.results[i].Err; err != nil {
			fail(i, err)
		} else if p.opts.ForceDownstream && (p.results[i].changed() || p.isForced(p.plan[i])) {
			p.force(i)
		}
	})
	// An interrupt is reported as itself, not as the failure of the stages that
	// it ended.
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(failed) == 0 || p.opts.OnError == Ignore {
		return nil
	}
	slices.Sort(failed)
	e := &StageError{Err: firstErr}
	for _, i := range failed {
		e.Stages = append(e.Stages, p.plan[i].Addr)
	}
	return e
}

// producers are the places in the plan that a place waits for.
func (p *repro) producers(i int) []int {
	// With Single there is no graph: the targets wait for each other in the order
	// in which they were named.
	if p.graph == nil {
		if i == 0 {
			return nil
		}
		return []int{i - 1} // named one by one, run one by one
	}
	var list []int
	for _, n := range p.graph.Producers(p.x.At[p.plan[i]]) {
		if at, ok := p.notes.Place[p.x.Stages[n]]; ok {
			list = append(list, at)
		}
	}
	return list
}

// force makes the direct consumers of a stage run.
func (p *repro) force(i int) {
	if p.graph == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.graph.Consumers(p.x.At[p.plan[i]]) {
		p.forced[p.x.Stages[n]] = true
	}
}

// isForced may be asked by one worker while the end of another's stage forces the
// stages after it.
func (p *repro) isForced(s *project.Stage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forced[s]
}

// tellBlocked warns of the stages that will not be tried.
func (p *repro) tellBlocked(i int, blocked []int) {
	if p.graph == nil || len(blocked) == 0 {
		return
	}
	names := make([]string, len(blocked))
	for k, b := range blocked {
		names[k] = "'" + p.plan[b].Addr + "'"
	}
	s := ""
	if len(names) > 1 {
		s = "s"
	}
	p.r.p.Log.Warn(fmt.Sprintf("Stage%s %s will be skipped due to this failure", s, join(names)))
}

// step looks at one stage and does what is to be done.
func (p *repro) step(ctx context.Context, s *project.Stage, res *Result) {
	err := p.working.enter(ctx)
	if err == nil {
		err = p.bring(ctx, s, res)
		p.working.leave()
	}
	if err != nil {
		res.Action, res.Err = Failed, err
	}
}
