package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/repo"
)

// attempt runs one task: from git and the DVC remote to these again.
func (m *member) attempt(ctx context.Context, t *queue.Task, share queue.Resources, job int) (rev string, err error) {
	m.log.Info("running " + t.Name)
	logged, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	out := m.c.newLog(logged, t)
	defer func() {
		if err != nil {
			fmt.Fprintln(out, "ERROR: "+err.Error())
			m.log.Warn(t.Name + ": " + err.Error())
		}
		if ctx.Err() != nil {
			time.AfterFunc(lastWords, stop)
		}
		out.Close()
	}()
	if t.Attempts > 1 {
		m.endLeft(ctx) // the worker before may have been one of this machine
	}
	m.bring.Lock()
	err = m.c.bring(ctx, t, m.repo)
	m.bring.Unlock()
	switch {
	case errors.Is(err, queue.ErrLeaseLost):
		return "", err
	case isNotFound(err): // done or discarded
		e, err := m.c.record(ctx, t, &experiment.Result{})
		if err != nil {
			return "", err
		}
		return e.Rev, nil
	case err != nil:
		return "", &queue.MachineError{Err: err}
	}
	authors, err := m.repo.Authors(ctx, &t.Plan)
	if err != nil {
		return "", &queue.MachineError{Err: err}
	}
	if err := m.placeProgram(&t.Plan); err != nil {
		return "", &queue.MachineError{Err: err}
	}
	env := slices.Concat(m.opts.Env, queue.Env(share, job), authors)
	own, err := m.open(env, out)
	if err != nil {
		return "", &queue.MachineError{Err: err}
	}
	defer own.Close()
	live, quiet := context.WithCancel(ctx)
	go m.watch(live, t, own)
	e, err := own.Execute(ctx, &t.Plan, &experiment.ExecuteOptions{Pull: m.hasRemote()})
	quiet()
	if errors.Is(err, syscall.ENOSPC) {
		err = &queue.MachineError{Err: err}
	}
	if err != nil {
		return "", err
	}
	return m.hand(ctx, t, own, e)
}

// placeProgram puts this program where a plan's copy takes it from. The hub gives
// such a plan only to workers of the same build.
func (m *member) placeProgram(p *experiment.Plan) error {
	if p.Options.Program == "" {
		return nil
	}
	if p.Options.Build != m.build {
		return errors.New("the experiment's stages are in Go, and this worker is another build of their program")
	}
	if !filepath.IsLocal(filepath.FromSlash(p.Options.Program)) || !filepath.IsLocal(filepath.FromSlash(p.Options.Dir)) {
		return fmt.Errorf("the program %q is not within the repository", p.Options.Program)
	}
	m.bring.Lock()
	defer m.bring.Unlock()
	name := filepath.Join(m.root(), filepath.FromSlash(p.Options.Dir), filepath.FromSlash(p.Options.Program))
	if have, err := experiment.Build(name); err == nil && have == m.build {
		return nil
	}
	data, err := os.ReadFile(m.self)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o777)
	}
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(name, data, &atomicfile.Options{Perm: 0o755})
}

// lastWords is how long a worker that is to end tells what happened.
const lastWords = 5 * time.Second

// hand brings a result home: first the data, then the experiment. A worker that
// lost its lease in the meantime is told who was first.
func (m *member) hand(ctx context.Context, t *queue.Task, own *experiment.Repo, e *experiment.Experiment) (string, error) {
	end, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		if !errors.Is(context.Cause(ctx), queue.ErrLeaseLost) {
			time.AfterFunc(lastWords, stop)
		}
	})()
	if m.hasRemote() {
		if _, err := own.PushData(end, []experiment.Experiment{*e}, nil); err != nil {
			return "", &queue.MachineError{Err: fmt.Errorf("the outputs could not be sent: %w", err)}
		}
	}
	res, err := own.PackResult(end, &t.Plan, e)
	if err != nil {
		return "", &queue.MachineError{Err: err}
	}
	first, err := m.c.record(end, t, res)
	if err != nil {
		return "", err
	}
	if first.Rev != e.Rev {
		m.log.Info(fmt.Sprintf("%s was recorded by another worker before", t.Name))
	}
	// The clone keeps nothing of it but objects.
	m.bring.Lock()
	defer m.bring.Unlock()
	if err := m.repo.Drop(end, &t.Plan); err != nil {
		m.log.Debug(err.Error())
	}
	return first.Rev, nil
}

// hasRemote reports whether data has a way to other machines.
func (m *member) hasRemote() bool {
	c, err := repo.LoadConfig(filepath.Join(m.root(), ".dvc"), m.getenv)
	if err != nil {
		return false
	}
	name, ok := c.Get("core", "remote")
	return ok && name != ""
}

// livePoll is how often the metrics of a task are looked at while it runs.
const livePoll = time.Second

// watch sends the metrics of a running task when they change.
func (m *member) watch(ctx context.Context, t *queue.Task, own *experiment.Repo) {
	tick := time.NewTicker(livePoll)
	defer tick.Stop()
	var last map[string][]byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		files := own.LiveMetrics(t.ID)
		if len(files) == 0 || reflect.DeepEqual(files, last) {
			continue
		}
		if _, err := call[none](ctx, m.c, opLive, liveRequest{t.ID, t.Lease.Token, files}); err == nil {
			last = files
		}
	}
}
