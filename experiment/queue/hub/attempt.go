package hub

import (
	"cmp"
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
	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/config"
)

// attempt runs one task: from git and the DVC remote to these again.
func (s *seat) attempt(ctx context.Context, t *queue.Task, free func()) (rev string, err error) {
	m := s.m
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
	ready := s.take(ctx, t.ID)
	defer func() { ready.Close() }()
	release, err := m.alone(ctx, t)
	if err != nil {
		return "", err
	}
	defer release()
	m.bring.Lock()
	if ready != nil {
		err = m.repo.AcceptPlan(ctx, &t.Plan, nil)
	} else {
		err = m.c.bring(ctx, t, m.repo)
	}
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
	if err := m.checkRemote(); err != nil {
		return "", &queue.MachineError{Err: err}
	}
	if err := m.placeProgram(&t.Plan); err != nil {
		return "", &queue.MachineError{Err: err}
	}
	// A task that asks for no cards has those of its share, if they are free: the
	// worker's are divided as its processors are.
	var cards []string
	if n := cmp.Or(t.Options.Resources.GPUs, s.share.GPUs); n > 0 && m.cards != nil {
		list, giveBack, err := m.cards.Take(ctx, n)
		switch {
		case err == nil:
			defer giveBack()
			next := free
			free = func() { giveBack(); next() }
			cards = list
		case t.Options.Resources.GPUs > 0:
			return "", &queue.MachineError{Err: err}
		default:
			cards = []string{"CUDA_VISIBLE_DEVICES="}
		}
	}
	env := slices.Concat(m.opts.Env, queue.Env(s.share), cards, authors)
	own, err := m.open(env, out)
	if err != nil {
		return "", &queue.MachineError{Err: err}
	}
	defer own.Close()
	live, quiet := context.WithCancel(ctx)
	go m.watch(live, t, own)
	s.prepare(ctx, t)
	e, err := own.Execute(ctx, &t.Plan, &experiment.ExecuteOptions{Pull: true, Prepared: ready, Ran: free})
	ready = nil // Execute has closed it
	quiet()
	if data := (*pipeline.DataError)(nil); errors.Is(err, syscall.ENOSPC) || errors.As(err, &data) {
		err = &queue.MachineError{Err: err}
	}
	if err != nil {
		return "", err
	}
	out.drain(ctx) // who sees that the task is done sees all that it printed
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
	if t.Options.Stage == nil { // whose data was sent with the run
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

// checkRemote makes sure that data has a way to other machines before anything is
// run: by the hub, which is the remote then, or by the DVC remote.
func (m *member) checkRemote() error {
	c, err := config.Load(filepath.Join(m.root(), ".dvc"), m.getenv)
	if err != nil || m.c.Info().Data {
		return err
	}
	dir, ok := remoteDir(c)
	if !ok {
		return errors.New("the DVC remote of the hub's repository is not in its .dvc/config: commit it there, or configure it on this machine too (remote add --global)")
	}
	if dir == "" {
		return nil
	}
	if fi, err := os.Stat(dir); !filepath.IsAbs(dir) || err != nil || !fi.IsDir() {
		return fmt.Errorf("the DVC remote is the directory %s, which is not on this machine: mount it, or configure a remote that all machines reach", dir)
	}
	return nil
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
