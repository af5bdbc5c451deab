package live

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// retryDelay is the pause after the disk has refused something.
const retryDelay = time.Second

// files is the part of a logger that owns the disk. Logger.io guards it.
type files struct {
	err     error // the first of something that won't be done
	late    error // what keeps something from being written that is tried again
	ready   bool  // the directory is this run's
	summary []byte
	todo    todo
	batch   []*series // taken by the flush under way
	retry   []*series // with rows that could not be written
	records []Record
	content content
	dvcyaml dvcyamlState
}

// run is the background writer: it sleeps until there is something to write,
// waits out the lag so that one write serves many steps, and writes.
func (l *Logger) run() {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.wake:
		case <-l.quit:
			return
		}
		delay := l.lag
		if l.isStalled() {
			delay = max(delay, retryDelay)
		}
		timer.Reset(delay)
		select {
		case <-timer.C:
		case <-l.quit:
			return
		}
		l.flush()
	}
}

// arm wakes the writer, once per flush. It requires l.mu.
func (l *Logger) arm() {
	if l.armed || l.lag == 0 && !l.stalled && l.pending < maxPending/2 {
		return // without a lag NextStep does the writing
	}
	l.armed = true
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// isStalled reports whether the last flush left something unwritten.
func (l *Logger) isStalled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stalled
}

// flush writes everything that was logged before it was called: first the
// histories, then the summary, so that a run that dies in between resumes from
// a step that no history lacks.
func (l *Logger) flush() {
	l.io.Lock()
	defer l.io.Unlock()
	l.take()
	f := &l.files
	if !f.ready && l.nothingLogged() {
		f.todo = todo{}
		return
	}
	late := l.prepare()
	// The batch holds a copy of retry, so its array is free to be filled.
	failed := f.retry[:0]
	for _, s := range f.batch {
		if err := s.file.write(s); err != nil {
			late = cmp.Or(late, fmt.Errorf("history of %s: %w", s.name, err))
			failed = append(failed, s)
		}
	}
	f.retry = failed
	f.noteLate(l, cmp.Or(late, l.flushSummary()))
	l.flushSinks()
	l.drawProgress()
	l.mu.Lock()
	// A stalled logger arms itself: nobody else may log again.
	l.stalled = len(f.retry) > 0 || f.todo.summary
	if l.stalled {
		l.arm()
	}
	l.mu.Unlock()
}

// take moves what was logged out of the callers' reach.
func (l *Logger) take() {
	f := &l.files
	l.mu.Lock()
	defer l.mu.Unlock()
	// A series is in the batch once: through retry if it has rows left over, or
	// because it had none and gets its first ones now.
	f.batch = append(f.batch[:0], f.retry...)
	for _, s := range l.dirty {
		if len(s.file.out) == 0 {
			f.batch = append(f.batch, s)
			s.file.stamped = s.stamped
		}
		f.note(l, s.file.take(s.pending))
		s.pending, s.queued = s.pending[:0], false
	}
	l.dirty = l.dirty[:0]
	if l.todo.summary {
		f.summary = append(f.summary[:0], l.synced...)
	}
	// What an earlier flush could not write is still in f.todo: it is added to,
	// not replaced.
	f.todo.merge(l.todo)
	f.records = append(f.records, l.records...)
	l.records = l.records[:0]
	l.todo, l.pending, l.armed = todo{}, 0, false
	// Those that wait in log for room go on, though the disk has nothing yet.
	l.drained.Broadcast()
}

// merge adds what more asks for; of two steps the later one counts.
func (t *todo) merge(more todo) {
	t.summary = t.summary || more.summary
	t.report = t.report || more.report
	t.syncs += more.syncs
	if more.step {
		t.step, t.stepNo = true, more.stepNo
	}
}

// flushSummary writes what belongs to a sync.
func (l *Logger) flushSummary() (err error) {
	f := &l.files
	if f.todo.summary {
		err = l.writeSummary()
		f.todo.summary = err != nil
		f.todo.syncs = 0
	}
	if f.todo.step {
		f.todo.step = false
		l.repo.stepCompleted(f.todo.stepNo)
	}
	if f.todo.report {
		f.todo.report = false
		l.report.kick()
	}
	return err
}

// writeSummary writes metrics.json in one step, so a reader never sees half of it,
// and then dvc.yaml. It requires Logger.io.
func (l *Logger) writeSummary() error {
	if l.classic != nil {
		return l.classic.writeSummary(l.files.summary)
	}
	err := atomicfile.WriteFile(l.abs("metrics.json"), l.files.summary, nil)
	if l.opts.NoDVCYAML {
		return err
	}
	return errors.Join(err, l.makeDVCYAML(l.files.todo.syncs))
}

// note keeps the first error and shows it once.
func (f *files) note(l *Logger, err error) {
	if err == nil || f.err != nil {
		return
	}
	f.err = err
	l.slog.Error("live: a part of the run is not kept; training goes on", "dir", l.dir, "err", err)
}

// noteLate keeps what the last flush could not write, or nil: then nothing is left of
// an earlier trouble.
func (f *files) noteLate(l *Logger, err error) {
	switch {
	case err == nil && f.late != nil:
		l.slog.Info("live: what could not be written before is written now", "dir", l.dir)
		f.late = nil
	case f.late == nil && err != nil:
		f.late = err
		l.slog.Error("live: a part of the run can't be written yet; training goes on", "dir", l.dir, "err", err)
	}
}

// refuse notes that something which was asked for is not done. DVCLive prints a
// warning and is content, which Options.Exact copies; without a logger nobody
// would ever see that. It requires Logger.io.
func (f *files) refuse(l *Logger, err error) {
	switch {
	case err == nil:
	case l.opts.Exact:
		l.slog.Warn("live: "+err.Error(), "dir", l.dir)
	default:
		f.note(l, fmt.Errorf("%w: %w", ErrSkipped, err))
	}
}

// warn is refuse for what is found out away from the writer.
func (l *Logger) warn(err error) {
	l.io.Lock()
	defer l.io.Unlock()
	l.files.refuse(l, err)
}
