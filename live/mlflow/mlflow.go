package mlflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/live"
)

// DefaultCloseWait is how long [Sink.Close] tries to send what is left.
const DefaultCloseWait = 10 * time.Second

// Options say where a run goes. Nil, and the zero value, leave everything to
// the environment variables of MLflow's clients.
type Options struct {
	// URI is the address of the tracking server, http://… or https://…; a path
	// and a user with password may be part of it. Empty means
	// MLFLOW_TRACKING_URI.
	URI string
	// Experiment is the experiment's name; it is made where it is missing.
	// Empty means MLFLOW_EXPERIMENT_NAME, then the experiment whose number
	// MLFLOW_EXPERIMENT_ID gives, then "Default".
	Experiment string
	// RunName names the run; empty leaves the choice to the server.
	RunName string
	// RunID continues a run that the server has, instead of starting one.
	// Empty means MLFLOW_RUN_ID.
	RunID string
	// Tags are the run's first tags, besides MLflow's own (user, source and
	// commit).
	Tags map[string]string
	// Spool is the directory that keeps what has not been sent; empty means
	// reprodl/mlflow in the user's cache directory. Processes share it.
	Spool string
	// CloseWait bounds how long Close goes on sending; 0 means
	// DefaultCloseWait, negative not to wait at all.
	CloseWait time.Duration
	// Client talks to the server; nil means http.DefaultClient.
	Client *http.Client
	// Logger is told when the server goes away, comes back or refuses
	// something; nil discards it.
	Logger *slog.Logger
}

// ErrPending is the reason when [Sink.Shutdown] or [Send] gives up with
// something left to send. It is safe in the spool.
var ErrPending = errors.New("mlflow: not everything has been sent")

// Sink sends one run. Give it to a logger by [live.Options].Sinks; the logger
// closes it.
type Sink struct {
	opts   Options
	client *client
	run    *spool
	wake   chan struct{}
	stop   context.CancelFunc // ends the sender at once
	done   chan struct{}      // closed when the sender has ended

	mu      sync.Mutex // guards what follows
	ended   bool
	refused error // the first entry that the server will never take
	failed  error // the last reason for not being able to send
}

var (
	_ live.Sink       = (*Sink)(nil)
	_ live.Shutdowner = (*Sink)(nil)
)

// Open starts a run. It does not wait for the server, which may be away; it
// fails if the address is none or the spool cannot be written. What earlier
// processes left in the spool for the same server is sent as well.
func Open(opts *Options) (*Sink, error) {
	s := &Sink{wake: make(chan struct{}, 1), done: make(chan struct{})}
	if opts != nil {
		s.opts = *opts
	}
	s.opts.complete()
	c, err := newClient(&s.opts)
	if err != nil {
		return nil, err
	}
	s.client = c
	if s.run, err = createSpool(s.opts.Spool, runInfo{
		URI: c.address(), Experiment: s.opts.Experiment, ExperimentID: s.opts.experimentID(),
		Name: s.opts.RunName, RunID: s.opts.RunID, Tags: s.opts.tags(), Start: millis(time.Now()),
	}); err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.send(ctx)
	return s, nil
}

// complete fills in what the environment and the system say.
func (o *Options) complete() {
	o.URI = cmp.Or(o.URI, os.Getenv("MLFLOW_TRACKING_URI"))
	o.Experiment = cmp.Or(o.Experiment, os.Getenv("MLFLOW_EXPERIMENT_NAME"))
	o.RunID = cmp.Or(o.RunID, os.Getenv("MLFLOW_RUN_ID"))
	o.CloseWait = cmp.Or(o.CloseWait, DefaultCloseWait)
	o.Client = cmp.Or(o.Client, http.DefaultClient)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Spool == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		o.Spool = filepath.Join(cache, "reprodl", "mlflow")
	}
}

// experimentID is the experiment's number, where no name was given.
func (o *Options) experimentID() string {
	if o.Experiment != "" {
		return ""
	}
	return os.Getenv("MLFLOW_EXPERIMENT_ID")
}

// address checks the URI and takes the user out of it: what is written to the
// spool, or into a message, holds no password.
func (o *Options) address() (*url.URL, *url.Userinfo, error) {
	if o.URI == "" {
		return nil, nil, errors.New("mlflow: no tracking server: set Options.URI or MLFLOW_TRACKING_URI")
	}
	u, err := url.Parse(o.URI)
	if err != nil {
		return nil, nil, fmt.Errorf("mlflow: the tracking URI is no URL") // its text may hold a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, nil, fmt.Errorf("mlflow: tracking URI %q: want http://… or https://…, the address of an mlflow server", u.Redacted())
	}
	user := u.User
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, user, nil
}

// Write puts records into the spool and returns; the network is another
// goroutine's.
func (s *Sink) Write(records []live.Record) error {
	var entries []entry
	for _, r := range records {
		e, err := s.run.entries(r)
		if err != nil {
			return fmt.Errorf("mlflow: %s: %w", r.Name, err)
		}
		entries = append(entries, e...)
	}
	return s.append(entries)
}

// SetTag gives the run a tag, or the tag another value.
func (s *Sink) SetTag(key, value string) error { return s.append([]entry{tagEntry(key, value)}) }

func (s *Sink) append(entries []entry) error {
	if err := s.run.append(entries); err != nil {
		return fmt.Errorf("mlflow: spool: %w", err)
	}
	s.kick()
	return nil
}

// kick wakes the sender.
func (s *Sink) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// RunID is the number that the server has given the run; empty before it has
// been reached.
func (s *Sink) RunID() string { return s.run.runID() }

// Close ends the run as FINISHED and sends what is left for at most
// [Options].CloseWait. A server that is away is no error: the rest is in the
// spool, and the next process sends it. An entry that the server has refused
// for good is one.
func (s *Sink) Close() error {
	wait := max(s.opts.CloseWait, 0)
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, ErrPending) {
		s.opts.Logger.Warn("mlflow: the server is away; the rest of the run is sent by the next process", "err", err)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.refused
	}
	return err
}

// Shutdown ends the run as FINISHED and sends what is left until ctx is done.
// Then its error is [ErrPending], with the reason and the place of the spool.
// After the first call it, and Close, do nothing.
func (s *Sink) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	again := s.ended
	s.ended = true
	s.mu.Unlock()
	if again {
		return nil
	}
	if !s.run.left() && s.run.runID() == "" { // nothing was logged: no run
		return errors.Join(s.run.remove(), s.abandon())
	}
	if err := s.run.append([]entry{{End: &runEnd{Status: statusFinished, Time: millis(time.Now())}}}); err != nil {
		return errors.Join(fmt.Errorf("mlflow: spool: %w", err), s.abandon())
	}
	s.kick()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.stop()
		<-s.done
	}
	left := s.run.left()
	err := s.abandon()
	s.mu.Lock()
	defer s.mu.Unlock()
	if left {
		err = errors.Join(fmt.Errorf("%w: %s waits in %s: %w", ErrPending, s.client.address(), s.run.dir,
			cmp.Or(s.failed, ctx.Err())), err)
	}
	return errors.Join(s.refused, err)
}

// abandon stops the sender and leaves the spool as it is.
func (s *Sink) abandon() error {
	s.stop()
	<-s.done
	return s.run.close()
}

func millis(t time.Time) int64 { return t.UnixMilli() }
