package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/config"
)

// Executor runs stages on other machines, for [ReproOptions].Executor. That of a
// queue's workers is package queue's; a worker calls [Repo.RunJob].
//
// A machine may run a job twice, or two may: what a stage yields has the names of
// its content, and of several results any is good.
type Executor interface {
	// Shares reports whether the machines have the cache of this repository. Else
	// what a stage reads is sent to the default DVC remote, if there is one, before
	// Submit.
	Shares() bool
	// Submit hands in a job, on the files of the working tree as they are now:
	// nothing of this process writes to them until it returns. It must not lock
	// the repository. wait returns what RunJob returned; when its ctx ends, it
	// ends the job.
	Submit(ctx context.Context, j *Job) (wait func(ctx context.Context) ([]byte, error), err error)
}

// Job is a stage to be run elsewhere.
type Job struct {
	Address string // of the stage, from the working directory
	Force   bool   // run it even if that machine knows the result
	// Files are what the stage needs besides data in the cache, as paths from the
	// root of the repository: the files that declare it, and dependencies. Git
	// may not track them.
	Files []string
	// Dirs are the directories, from the root of the repository, in which the stage
	// runs and writes, as far as they are there: git has no empty ones.
	Dirs []string
	// Output receives what the stage prints.
	Output io.Writer

	push func(context.Context) error // sends the data that the stage reads
	fits func(context.Context, []byte) error
}

// Accepts reports whether what RunJob returned for an earlier job would do for this
// one: it was made of the same inputs by the same command, and its outputs are there
// or in the default DVC remote, from which they are fetched.
func (j *Job) Accepts(ctx context.Context, result []byte) bool {
	return j.fits != nil && !j.Force && j.fits(ctx, result) == nil
}

// JobOptions change how RunJob runs a stage. Nil means the zero JobOptions.
type JobOptions struct {
	Force bool
	Dirs  []string // of the Job
	// Remote moves data through the default DVC remote: what the stage reads is
	// fetched, and its outputs are sent. Else the cache has it, and keeps it.
	Remote bool
}

// RunJob runs one stage as the Executor of another process asks for it, in a copy
// of that one's working tree. It returns the entry that the stage has in dvc.lock
// by that, as YAML. All outputs are in the cache then, also those that only git
// keeps.
func (r *Repo) RunJob(ctx context.Context, address string, opts *JobOptions) ([]byte, error) {
	o := JobOptions{}
	if opts != nil {
		o = *opts
	}
	for _, dir := range o.Dirs {
		if !filepath.IsLocal(filepath.FromSlash(dir)) {
			return nil, fmt.Errorf("the directory %q is not within the repository", dir)
		}
		if err := os.MkdirAll(r.p.Abs(dir), 0o777); err != nil {
			return nil, err
		}
	}
	s, err := r.jobStage(address)
	if err != nil {
		return nil, err
	}
	if err := r.bringSources(ctx, s, o.Remote); err != nil {
		return nil, err
	}
	ro := &ReproOptions{Single: true, Force: o.Force, NoGit: true, Pull: o.Remote, LocalRuns: true}
	if _, err := r.Repro(ctx, ro, address); err != nil {
		var failed *StageError
		if errors.As(err, &failed) && failed.Err != nil {
			err = failed.Err // whoever asked knows the stage
		}
		return nil, err
	}
	if s, err = r.jobStage(address); err != nil {
		return nil, err
	}
	if s.Recorded == nil {
		return nil, fmt.Errorf("stage '%s' left no entry in %s", address, dvcfile.LockName)
	}
	if err := s.KeepUncached(ctx, func(i int) bool { return s.Outs[i].Rec.Hash.IsLegacy() }); err != nil {
		return nil, err
	}
	if o.Remote {
		if err := transfer.SendHashes(ctx, r.p, "", outHashes(s.Recorded)); err != nil {
			return nil, &DataError{fmt.Errorf("the outputs could not be sent: %w", err)}
		}
	}
	return project.EntryText(s.Recorded), nil
}

// DataError says that data could not be moved to or from a DVC remote: the machine
// or the network is at fault, not the stage.
type DataError struct{ Err error }

// Error is that of Err.
func (e *DataError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *DataError) Unwrap() error { return e.Err }

func (r *Repo) jobStage(address string) (*project.Stage, error) {
	x := r.p.NewIndex()
	stages, err := x.Resolve(address, project.Scope{})
	if err != nil {
		return nil, err
	}
	if len(stages) != 1 {
		return nil, fmt.Errorf("'%s' is not one stage but %d", address, len(stages))
	}
	return stages[0], nil
}

// bringSources puts the data into place that a stage reads.
func (r *Repo) bringSources(ctx context.Context, s *project.Stage, fetch bool) error {
	sources, err := r.p.NewIndex().Sources(s)
	if err != nil {
		return err
	}
	sources = slices.DeleteFunc(sources, func(o *project.Output) bool { return !o.Cached() || project.Exists(o.Abs) })
	if fetch {
		var hashes []object.Hash
		for _, o := range sources {
			hashes = append(hashes, o.Rec.Hash)
		}
		if err := transfer.FetchHashes(ctx, r.p, hashes); err != nil {
			return &DataError{fmt.Errorf("what the stage reads could not be fetched: %w", err)}
		}
	}
	for _, o := range sources {
		// Without a recorded content there is nothing to bring; the run will miss it.
		if o.Rec.Hash.IsZero() {
			continue
		}
		if _, err := r.p.Cache().Checkout(ctx, r.p.Hasher(), o.Abs, o.Rec.Hash, &object.CheckoutOptions{Exec: o.Rec.Exec}); err != nil {
			return fmt.Errorf("the dependency '%s': %w", o.Show, err)
		}
	}
	return nil
}

func outHashes(e *dvcfile.LockStage) []object.Hash {
	var list []object.Hash
	for _, o := range e.Outs {
		list = append(list, o.Hash)
	}
	return list
}

// elsewhere has a stage run by the Executor and restores what it made. done is
// false if the stage can only run here.
func (p *repro) elsewhere(ctx context.Context, s *project.Stage, in *project.Inputs, res *Result, force bool) (done bool, err error) {
	var job *Job
	why := "a dependency is missing"
	if in != nil {
		if job, why, err = p.newJob(ctx, s); err != nil {
			return false, err
		}
	}
	if why != "" {
		p.info("Stage '%s' runs on this machine: %s", s.Addr, why)
		return false, nil
	}
	p.info("Running stage '%s':", s.Addr)
	for _, script := range s.Cmd.Scripts() {
		p.info("> %s", script)
	}
	job.Force, job.Output = force, p.r.opts.Stdout
	if job.Output == nil {
		job.Output = io.Discard
	}
	if p.opts.Jobs > 1 {
		out := newPrefixer(&p.mu, job.Output, s.Addr)
		defer out.flush()
		job.Output = out
	}
	res.Action = Ran
	start := time.Now()
	data, err := p.execute(ctx, job)
	res.Duration = time.Since(start)
	if err != nil {
		return true, err
	}
	return true, p.takeBack(ctx, s, data)
}

// newJob describes a stage for another machine, or says why it has to run here.
func (p *repro) newJob(ctx context.Context, s *project.Stage) (j *Job, why string, err error) {
	if why := s.Stays(); why != "" {
		return nil, why, nil
	}
	sources, err := p.x.Sources(s)
	if err != nil {
		return nil, "", err
	}
	changed, err := s.Changed(ctx, sources)
	if err != nil {
		return nil, "", err
	}
	if changed != "" {
		return nil, fmt.Sprintf("'%s' is not what is recorded of it", changed), nil
	}
	j = &Job{Address: s.Addr}
	if !p.opts.NoRunCache {
		j.fits = func(ctx context.Context, data []byte) error { _, err := p.came(ctx, s, data); return err }
	}
	if j.Files, err = s.Needs(sources); err != nil {
		return nil, "", err
	}
	j.Dirs = s.Dirs()
	declaring := []string{s.File}
	hashes := map[string][]object.Hash{}
	for _, o := range sources {
		owner, _, err := p.x.Owner(o.Abs)
		if err != nil {
			return nil, "", err
		}
		declaring = append(declaring, owner.File)
		if o.Cached() {
			hashes[o.Remote] = append(hashes[o.Remote], o.Rec.Hash)
		}
	}
	for _, name := range declaring {
		if j.Files = append(j.Files, name); p.x.Projects[name] != nil && p.x.Projects[name].Lock != nil {
			j.Files = append(j.Files, p.x.Projects[name].Lock.Path)
		}
	}
	slices.Sort(j.Files)
	j.Files = slices.Compact(j.Files)
	// All of it goes to the default remote: that is where workers look.
	j.push = func(ctx context.Context) error {
		var all []object.Hash
		for name, list := range hashes {
			if name != "" { // it may be there alone
				if err := p.fetchFrom(ctx, name, list); err != nil {
					return err
				}
			}
			all = append(all, list...)
		}
		return p.send(ctx, all)
	}
	return j, "", nil
}

// fetchFrom fetches what a remote of their own keeps.
func (p *repro) fetchFrom(ctx context.Context, name string, hashes []object.Hash) error {
	s, err := transfer.Open(ctx, p.r.p, name, nil)
	if err == nil {
		_, err = s.Fetch(ctx, transfer.All(hashes...))
	}
	return err
}

// send copies objects to the default remote, each once in a run.
func (p *repro) send(ctx context.Context, hashes []object.Hash) error {
	p.mu.Lock()
	hashes = slices.DeleteFunc(hashes, func(h object.Hash) bool { return p.sent[h] })
	p.mu.Unlock()
	if len(hashes) == 0 {
		return nil
	}
	err := transfer.SendHashes(ctx, p.r.p, "", hashes)
	if errors.Is(err, config.ErrNoRemote) {
		return nil // then it goes another way
	}
	if err != nil {
		return fmt.Errorf("what the stage reads could not be sent to the DVC remote: %w", err)
	}
	p.noteSent(hashes)
	return nil
}

func (p *repro) noteSent(hashes []object.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range hashes {
		p.sent[h] = true
	}
}

// execute hands in a job and waits for it, without the lock.
func (p *repro) execute(ctx context.Context, j *Job) ([]byte, error) {
	var data []byte
	err := p.working.outside(ctx, func() error {
		if !p.opts.Executor.Shares() {
			if err := j.push(ctx); err != nil {
				return err
			}
		}
		p.files.Lock()
		wait, err := p.opts.Executor.Submit(ctx, j)
		p.files.Unlock()
		if err != nil {
			return err
		}
		data, err = wait(ctx)
		return err
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return data, err
}

// takeBack restores what another machine made, and records the stage as if it had
// run here.
func (p *repro) takeBack(ctx context.Context, s *project.Stage, data []byte) error {
	run, err := p.came(ctx, s, data)
	if err != nil {
		return err
	}
	p.noteSent(outHashes(run))
	return p.restoreAndRecord(ctx, s, &project.RunHit{Entry: run})
}

// came reads what another machine made, and fetches the outputs.
func (p *repro) came(ctx context.Context, s *project.Stage, data []byte) (*dvcfile.LockStage, error) {
	run, err := dvcfile.DecodeLockStage("what came back of stage "+s.Addr, data)
	if err != nil {
		return nil, err
	}
	in, err := s.ReadInputs(ctx)
	if err != nil {
		return nil, err
	}
	if other := s.OtherInput(run, in); other != "" {
		return nil, fmt.Errorf("%s differs between this machine and the one that ran the stage: it changed meanwhile, or is not all that the stage's deps and params say", other)
	}
	if err := transfer.FetchHashes(ctx, p.r.p, outHashes(run)); err != nil && !errors.Is(err, config.ErrNoRemote) {
		return nil, fmt.Errorf("the outputs did not come back: %w", err)
	}
	for _, o := range s.Outs {
		e := dvcfile.Entry(run.Outs, o.Written)
		if e == nil || e.Hash.IsZero() {
			return nil, fmt.Errorf("output '%s' did not come back", o.Show)
		}
		has, err := p.r.p.Cache().Has(ctx, e.Hash)
		if err == nil && !has {
			err = fmt.Errorf("output '%s' (%s) did not come back: it is neither in the cache nor in the DVC remote", o.Show, e.Hash)
		}
		if err != nil {
			return nil, err
		}
	}
	return run, nil
}

// restoreAndRecord writes to the working tree, which nobody hands in meanwhile.
func (p *repro) restoreAndRecord(ctx context.Context, s *project.Stage, hit *project.RunHit) error {
	p.files.RLock()
	defer p.files.RUnlock()
	if err := p.restore(ctx, s, hit); err != nil {
		return err
	}
	return p.notes.Record(ctx, s)
}
