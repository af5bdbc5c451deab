package transfer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Options of a Store; nil means none.
type Options struct {
	// Jobs limits the calls at a time; 0 = the remote's option jobs, or else 4
	// per core.
	Jobs int
	// Verify looks at every object in the remote, whatever vouches for it.
	Verify bool
	// Dry counts what would be copied, and copies nothing.
	Dry bool
	// Bandwidth limits bytes per second, in both directions together; 0 = no limit.
	Bandwidth int64
	// Progress hears how far things are; nil = nobody.
	Progress func(Progress)
	// Index is the directory of what is remembered about remotes; empty = nothing is.
	Index string
	// Stall is how long nothing may move; 0 = a minute.
	Stall time.Duration
	// Wait is that of remote.RetryOptions.
	Wait time.Duration
	Log  *slog.Logger // nil discards
	// Cache is where objects go to and come from, for Open; nil = the repository's.
	Cache *object.Cache
	Ask   func(ctx context.Context, prompt string) (string, error)
}

// Store is a remote as transfers see it.
type Store struct {
	Name string
	URL  string // for people: without a password

	r     remote.Remote
	cache *object.Cache
	opts  Options
	jobs  int
	limit *rate.Limiter // nil = none
	index *index

	// Of a remote that keeps versions: where objects are; else nil.
	places   func(object.Hash) []project.Place
	listed   func(object.Hash) ([]object.Entry, error)
	worktree bool
}

// New returns the Store of an open remote, whose configuration is c.
func New(r remote.Remote, c remote.Config, cache *object.Cache, opts *Options) *Store {
	s := &Store{Name: c.Name, URL: c.Address(""), r: r, cache: cache}
	if opts != nil {
		s.opts = *opts
	}
	c.Jobs = s.opts.Jobs
	s.jobs = c.Concurrency()
	if s.opts.Log == nil {
		s.opts.Log = slog.New(slog.DiscardHandler)
	}
	if s.opts.Stall <= 0 {
		s.opts.Stall = time.Minute
	}
	if n := s.opts.Bandwidth; n > 0 {
		// One limiter for all objects. A burst of at most 256 KiB keeps what is read at
		// once, and so the waits, short.
		s.limit = rate.NewLimiter(rate.Limit(n), int(min(n, 256<<10)))
	}
	s.index = openIndex(s.opts.Index, c.URL)
	return s
}

// DryRun reports whether nothing is copied.
func (s *Store) DryRun() bool { return s.opts.Dry }

// CanList reports whether the remote can tell what it holds.
func (s *Store) CanList() bool {
	_, ok := s.r.(remote.Lister)
	return ok
}

// lister is the remote's listing, or an error that says that it has none.
func (s *Store) lister(what string) (remote.Lister, error) {
	l, ok := s.r.(remote.Lister)
	if !ok {
		return nil, fmt.Errorf("remote '%s': %s cannot tell what it holds, as %s needs; use another kind of remote", s.Name, s.URL, what)
	}
	return l, nil
}

// retry tries again what may pass, and says so when it takes long.
func (s *Store) retry(ctx context.Context, progress func() bool, do func() error) error {
	return remote.Retry(ctx, &remote.RetryOptions{Wait: s.opts.Wait, Progress: progress, Notify: func(err error, wait time.Duration) {
		if wait >= time.Second {
			s.opts.Log.Warn(fmt.Sprintf("%v; trying again in %s", err, wait.Round(100*time.Millisecond)))
		}
	}}, do)
}

// fatal reports errors that concern the remote as a whole: there is no use in
// trying the next object.
func fatal(err error) bool {
	return errors.Is(err, remote.ErrUnreachable) || errors.Is(err, remote.ErrDenied) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Result is the outcome of Push or Fetch.
type Result struct {
	Count   int           // objects that were copied
	Bytes   int64         // of them, as far as it is known
	Missing []object.Hash // objects that neither side has
	Failed  []error       // about objects that could not be copied
}
