package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/pipeline/config"
)

// JoinOptions say how a machine works for a hub. Nil means the zero
// JoinOptions.
type JoinOptions struct {
	// Jobs is how many tasks run at a time; 0 is one.
	Jobs int
	// Dir is where the worker keeps its clone, its cache and its copies; "" is a
	// directory of the hub's in the user's cache.
	Dir string
	// Name is shown in lists; "" is the machine's name.
	Name string
	// Idle ends the worker when it found no task for that long; 0 never does,
	// negative ends it at once.
	Idle time.Duration
	// Offer is what the machine has; the zero value is found out. It is shared
	// out evenly among the jobs.
	Offer queue.Resources
	// Env is the environment of stages, with the secrets that they need; nil is
	// os.Environ().
	Env []string
	// Login is that of [DialOptions]; nil is [EnvLogin] of Env.
	Login  *Login
	Logger *slog.Logger // receives what the worker does; nil discards it
}

// member is a machine that works for a hub.
type member struct {
	c     *Conn
	opts  JoinOptions
	log   *slog.Logger
	dir   string // of this process: its clone
	base  string // of all processes of this machine that work for the hub
	repo  *experiment.Repo
	self  string // this program
	build string
	cards *queue.Cards // nil if nvidia-smi finds none
	bring sync.Mutex   // one task at a time changes the clone
	seats []*seat      // of each job

	mu    sync.Mutex
	names map[string]chan struct{} // of experiments under way, closed when they are no more
}

// Join works for the hub of a token until ctx ends or, with Idle, nothing is to
// be done. It waits for a hub that is away. A hub that refuses the token ends
// it.
func Join(ctx context.Context, t *Token, opts *JoinOptions) error {
	m := &member{}
	if opts != nil {
		m.opts = *opts
	}
	m.opts.Jobs = max(1, m.opts.Jobs)
	if m.opts.Env == nil {
		m.opts.Env = os.Environ()
	}
	if m.log = m.opts.Logger; m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	machine, _ := os.Hostname()
	if m.opts.Name == "" {
		m.opts.Name = machine
	}
	if m.opts.Offer.IsZero() {
		m.opts.Offer = queue.Machine(ctx)
	}
	if cards := queue.FindCards(ctx, m.opts.Env); cards.Len() > 0 {
		m.cards = cards
	}
	share := m.opts.Offer.Share(m.opts.Jobs)
	var err error
	if m.self, err = os.Executable(); err == nil {
		m.build, err = experiment.Build(m.self)
	}
	if err != nil {
		return err
	}
	if m.opts.Login == nil {
		m.opts.Login = EnvLogin(m.getenv)
	}
	m.c, err = Dial(ctx, t, &DialOptions{Patience: -1, Login: m.opts.Login, Worker: WorkerInfo{ID: strings.ToLower(rand.Text())[:12], Name: m.opts.Name, Host: machine,
		OS: runtime.GOOS + "/" + runtime.GOARCH, Build: m.build, Offer: share, Jobs: m.opts.Jobs}})
	if err != nil {
		return err
	}
	defer m.c.leave(ctx)
	unlock, err := m.takeDir(t)
	if err != nil {
		return err
	}
	defer unlock()
	if err := m.settle(ctx); err != nil {
		return err
	}
	m.log.Info(fmt.Sprintf("working for %s as %s, %d at a time", m.c.address, m.opts.Name, m.opts.Jobs))
	return m.work(ctx, share)
}

// work runs as many workers as there are jobs.
func (m *member) work(ctx context.Context, share queue.Resources) error {
	// One worker that cannot go on ends all of them.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for range m.opts.Jobs {
		m.seats = append(m.seats, &seat{Conn: m.c, m: m, share: share})
	}
	var wg sync.WaitGroup
	for i := range m.opts.Jobs {
		wg.Go(func() {
			o := &queue.WorkOptions{Name: m.opts.Name, Idle: -1, CPUs: share.CPUs, Lease: m.c.Info().Lease, Offer: share, Cards: m.cards, Build: m.build}
			if m.opts.Jobs > 1 {
				o.Name += "/" + strconv.Itoa(i+1)
			}
			switch {
			case m.opts.Idle > 0:
				o.Idle = m.opts.Idle
			case m.opts.Idle < 0:
				o.Idle = 0
			}
			s := m.seats[i]
			defer s.leave()
			if err := queue.Work(ctx, s, o, s.attempt); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	err := context.Cause(ctx)
	switch {
	case errors.Is(err, errDismissed):
		m.log.Info(err.Error())
		return nil
	case errors.Is(err, context.Canceled):
		return nil
	}
	return err
}

// takeDir finds a directory that no other process works in.
func (m *member) takeDir(t *Token) (unlock func(), err error) {
	m.base = m.opts.Dir
	if m.base == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no place for the worker's files: %w; name one", err)
		}
		name := t.Space // that of a hub's own server is always the same
		if t.Pin != "" {
			name = t.Pin[:16]
		}
		m.base = filepath.Join(cache, "reprodl", "worker", name)
	}
	if m.base, err = filepath.Abs(m.base); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(m.base, 0o700); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		f, ok, err := lockDir(filepath.Join(m.base, strconv.Itoa(n)))
		if err != nil {
			return nil, err
		}
		if ok {
			m.dir = filepath.Join(m.base, strconv.Itoa(n))
			return func() { f.Close() }, nil
		}
	}
}

// lockDir locks the file beside a directory.
func lockDir(dir string) (*os.File, bool, error) {
	f, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	ok, err := host.TryLock(f)
	if err != nil || !ok {
		f.Close()
		return nil, false, err
	}
	return f, true, nil
}

// settle makes the clone, and gives the worker the way to the data.
func (m *member) settle(ctx context.Context) error {
	info := m.c.Info()
	if err := experiment.NewWorkTree(ctx, m.dir, info.Dir); err != nil {
		return err
	}
	if err := m.c.hello.Checkout.apply(ctx, m.dir); err != nil {
		return err
	}
	m.endLeft(ctx)
	var err error
	if m.repo, err = m.open(m.opts.Env, nil); err != nil {
		return err
	}
	if err := m.repo.Clean(ctx); err != nil { // copies of a worker that was killed
		return err
	}
	c, err := config.Load(filepath.Join(m.root(), ".dvc"), m.getenv)
	if err != nil {
		return err
	}
	set := map[string][3]string{"1": {"cache", "dir", filepath.Join(m.base, "cache")}}
	if info.Data {
		g, err := m.c.openGateway(ctx)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, g.Close)
		set["2"] = [3]string{`remote "hub"`, "url", g.url}
		set["3"] = [3]string{`remote "hub"`, "method", "PUT"}
		set["4"] = [3]string{"core", "remote", "hub"}
	}
	for _, k := range slices.Sorted(maps.Keys(set)) {
		if err := c.Set(config.Local, set[k][0], set[k][1], set[k][2], m.dir); err != nil {
			return err
		}
	}
	return nil
}

// root is the DVC repository of the clone.
func (m *member) root() string { return filepath.Join(m.dir, filepath.FromSlash(m.c.Info().Dir)) }

func (m *member) getenv(name string) string {
	for _, kv := range slices.Backward(m.opts.Env) {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}

func (m *member) open(env []string, out io.Writer) (*experiment.Repo, error) {
	log := m.log
	if out != nil {
		log = queue.LineLogger(out)
	}
	return experiment.Open(m.root(), &experiment.Options{Env: env, Stdout: out, Stderr: out, Logger: log})
}

// endLeft ends programs that workers of this machine left when they were killed:
// nobody has their directories locked.
func (m *member) endLeft(ctx context.Context) {
	locks, _ := filepath.Glob(filepath.Join(m.base, "*.lock"))
	for _, name := range locks {
		dir := strings.TrimSuffix(name, ".lock")
		if dir == m.dir {
			continue
		}
		f, ok, err := lockDir(dir)
		if err != nil || !ok {
			continue
		}
		if r, err := experiment.Open(filepath.Join(dir, filepath.FromSlash(m.c.Info().Dir)), &experiment.Options{Env: m.opts.Env, Logger: m.log}); err == nil {
			if err := r.Recover(ctx); err != nil {
				m.log.Warn(err.Error())
			}
			r.Close()
		}
		f.Close()
	}
}
