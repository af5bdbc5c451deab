package live

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/dirlock"
)

// Logger logs the metrics, parameters, images and plots of one run into one
// directory. Its methods may be called from many goroutines. The zero value
// isn't usable; see [Open].
type Logger struct {
	opts    Options
	dir     string // as given to Open
	path    string // the same, absolute
	lag     time.Duration
	slog    *slog.Logger
	classic *classic // nil in DVCLive 3's layout
	repo    repo
	unlock  func() error

	mu       sync.Mutex // guards what follows
	drained  sync.Cond  // signalled when pending has been taken
	step     int
	stepSet  bool
	from     int // the step at which an earlier run was resumed
	series   map[string]*series
	order    []*series // in the order of first logging
	dirty    []*series // with rows that the writer has not taken
	summary  *group
	gen      int    // counts changes to the summary that cached leaves don't survive
	synced   []byte // metrics.json as of the last sync
	pending  int    // bytes of rows that the writer has not taken
	todo     todo
	armed    bool // the writer has been woken
	stalled  bool // the disk refuses rows: don't wait for it
	ended    bool // nothing has happened since End
	closed   bool
	misuse   error // first mistake of the caller since the last NextStep
	records  []Record
	progress *progress

	io     sync.Mutex // held by whoever writes files; taken before mu
	files  files
	report *reporter

	wake, quit, done chan struct{}
}

// todo is what the writer has to do besides appending rows.
type todo struct {
	summary bool // write metrics.json, dvc.yaml
	syncs   int  // number of syncs that this serves
	step    bool // tell the editor that a step is complete
	report  bool
	stepNo  int
}

// Open starts a run that logs into dir, or continues one, see
// [Options].Resume. An empty dir means "dvclive". Nothing of an earlier run is
// touched before this one logs something; [Logger.Replaces] tells what will
// go then. A second logger on the same directory gets [ErrLocked].
func Open(dir string, opts *Options) (*Logger, error) {
	l := &Logger{dir: cmp.Or(dir, "dvclive"), series: make(map[string]*series), summary: new(group)}
	if opts != nil {
		l.opts = *opts
	}
	if err := l.opts.check(); err != nil {
		return nil, err
	}
	l.slog = cmp.Or(l.opts.Logger, envLogger(), slog.New(slog.DiscardHandler))
	l.drained.L = &l.mu
	if l.opts.now == nil {
		l.opts.now = time.Now
	}
	switch l.lag = l.opts.Lag; {
	case l.lag == 0:
		l.lag = DefaultLag
	case l.lag < 0:
		l.lag = 0
	}
	if err := l.start(); err != nil {
		return nil, fmt.Errorf("live: open %s: %w", l.dir, err)
	}
	return l, nil
}

// start does what Open does to the file system.
func (l *Logger) start() (err error) {
	l.environment()
	if l.path, err = filepath.Abs(l.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(l.path, 0o777); err != nil {
		return err
	}
	// stop calls it in any case.
	l.unlock = func() error { return nil }
	// DVCLive locks nothing.
	if !l.opts.Exact {
		if l.unlock, err = dirlock.Lock(l.path); errors.Is(err, dirlock.ErrLocked) {
			return ErrLocked
		} else if err != nil {
			return err
		}
		defer func() {
			if err != nil {
				l.unlock()
			}
		}()
	}
	if l.opts.Layout != DVCLive3 {
		l.classic = newClassic(l)
	} else if err := l.initRepo(); err != nil {
		return err
	}
	if err := l.initFiles(); err != nil {
		return err
	}
	l.initReport()
	l.progress = newProgress(l.opts.Progress, l.opts.Steps, l.opts.now)
	l.wake, l.quit, l.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	if l.classic != nil {
		l.classic.begin()
	}
	go l.run()
	if l.opts.Monitor != nil {
		l.opts.Monitor.start(l)
	}
	return nil
}

// Step returns the current step, counted from 0.
func (l *Logger) Step() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.step
}

// SetStep makes step the current one. In the layout of 0.3.0 that begins a new
// step, in which every metric may be logged again.
func (l *Logger) SetStep(step int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.classic != nil {
		l.classic.setStep(step)
	}
	l.step, l.stepSet, l.ended = step, true, false
}

// NextStep ends the current step: the summary takes the values logged so far,
// and what follows belongs to the next step. It returns the first mistake made
// since the last NextStep: a name that Log had to refuse, or the use of a
// closed logger. Trouble with the disk is no reason to stop training: see
// [Logger.Err].
func (l *Logger) NextStep() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	if l.classic != nil {
		l.classic.nextStep()
	} else {
		l.stepSet = true
		l.syncLocked()
		l.todo.step, l.todo.stepNo = true, l.step
	}
	l.progress.tick(l.step)
	l.step++
	err := l.misuse
	l.misuse = nil
	l.mu.Unlock()
	if l.lag == 0 {
		l.flush()
	}
	return err
}

// syncLocked takes the summary as it stands and asks the writer to write it.
func (l *Logger) syncLocked() {
	if l.stepSet {
		l.setStepKey()
	}
	l.synced = append(appendJSONGroup(l.synced[:0], l.summary, 0), '\n')
	l.todo.summary, l.todo.report, l.ended = true, true, false
	l.todo.syncs++
	l.arm()
}

// Sync brings the files up to date without ending the step, and returns when
// they are.
func (l *Logger) Sync() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	if l.classic == nil {
		l.syncLocked()
	}
	l.mu.Unlock()
	l.flush()
}

// MakeSummary writes the summary as it stands, and nothing else.
func (l *Logger) MakeSummary() error {
	if err := l.touch(); err != nil {
		return err
	}
	defer l.io.Unlock()
	l.mu.Lock()
	if l.stepSet {
		l.setStepKey()
	}
	text := append(appendJSONGroup(nil, l.summary, 0), '\n')
	l.mu.Unlock()
	return l.writeFile("metrics.json", text)
}

// Err returns the first thing that was asked for and is not done, or nil: an
// error of the disk or of a sink, an artifact outside of any repository, a
// machine whose use cannot be measured. Training need not stop for it: what
// can't be written is kept, within limits, and tried again, and is no error any
// more once it is written.
func (l *Logger) Err() error {
	l.io.Lock()
	defer l.io.Unlock()
	return cmp.Or(l.files.err, l.files.late)
}

// Dir returns the directory as it was given to Open.
func (l *Logger) Dir() string { return l.dir }

// MetricsFile returns the path of the summary.
func (l *Logger) MetricsFile() string { return filepath.Join(l.dir, "metrics.json") }

// ParamsFile returns the path of the parameters.
func (l *Logger) ParamsFile() string { return filepath.Join(l.dir, "params.yaml") }

// PlotsDir returns the directory of histories, images and plots.
func (l *Logger) PlotsDir() string { return filepath.Join(l.dir, "plots") }

// ArtifactsDir returns the directory of copied artifacts.
func (l *Logger) ArtifactsDir() string { return filepath.Join(l.dir, "artifacts") }

// DVCFile returns the path of the dvc.yaml.
func (l *Logger) DVCFile() string { return cmp.Or(l.opts.DVCYAML, "dvc.yaml") }

// ReportFile returns the path of the report, or "" if none is kept.
func (l *Logger) ReportFile() string {
	switch {
	case l.opts.Report == NoReport:
		return ""
	case l.classic != nil:
		return filepath.Clean(l.dir) + ".html"
	}
	if l.classic != nil {
		return filepath.Clean(l.dir) + "." + string(l.opts.Report)
	}
	return filepath.Join(l.dir, "report."+string(l.opts.Report))
}
