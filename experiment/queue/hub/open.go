package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/config"
)

// filesOf is where the queue of a repository has its files.
func filesOf(r *experiment.Repo) string {
	return filepath.Join(r.Root(), ".dvc", "tmp", "exps", "reprodl")
}

// Serve starts the hub of a repository. It takes over the tasks of the queue of
// one machine, and what is marked in git: a hub whose files were lost knows
// what is to be done by that. One process can serve a repository.
func Serve(ctx context.Context, r *experiment.Repo, opts *Options) (*Hub, error) {
	h, err := start(ctx, filepath.Join(filesOf(r), "hub"), r, opts)
	if err != nil {
		return nil, err
	}
	if err := h.takeOver(ctx); err != nil {
		h.Close()
		return nil, err
	}
	go h.reconcile()
	if h.keeper != nil {
		h.keeper.begin()
		go h.keeper.run(h.ctx)
		go h.keeper.bringLogs(h.ctx)
	}
	return h, nil
}

// ErrDataHere is the error of [Serve] with [Options].URL for a repository without a DVC
// remote that other machines reach: data would be on the hub's machine alone, and the
// queue, which outlives that, would have experiments without it.
var ErrDataHere = errors.New("no DVC remote is configured that other machines reach: data would be on this machine alone, and a hub that takes its place would have the experiments without it; " +
	"configure one (remote add --default), or say that it may be so (queue serve --data-here)")

// prepare finds out about the repository, before the first request.
func (h *Hub) prepare() error {
	if h.repo == nil {
		return nil
	}
	h.dir = h.repo.Sub()
	dvcDir := filepath.Join(h.repo.Root(), ".dvc")
	c, err := config.Load(dvcDir, os.Getenv)
	if err != nil {
		return err
	}
	if h.data, err = throughHub(dvcDir, c); err != nil {
		return err
	}
	if h.data && h.opts.URL != "" && !h.opts.DataHere {
		return ErrDataHere
	}
	if h.checkout, err = checkoutOf(h.ctx, h.repo.Root()); err != nil {
		return err
	}
	p, err := project.Open(h.repo.Root(), project.Options{})
	if err != nil {
		return err
	}
	h.cache = p.Cache().Dir()
	return nil
}

// throughHub reports whether data goes through the hub: there is no DVC remote, or
// one at a path that is relative to the repository, which leads elsewhere from the
// clone of a worker. The directory of any other one is made, so that a machine
// without it is known to lack it.
func throughHub(dvcDir string, c *config.Config) (bool, error) {
	dir, ok := remoteDir(c)
	if !ok || dir == "" {
		return !ok, nil
	}
	// The same file in another place tells whether the path depends on that.
	clone, err := config.LoadAt(filepath.Join(dvcDir, "tmp", "clone", ".dvc"), "", func() ([]byte, error) { return os.ReadFile(filepath.Join(dvcDir, "config")) }, os.Getenv)
	if err != nil {
		return false, err
	}
	if there, ok := remoteDir(clone); ok && there != dir {
		return true, nil
	}
	return false, os.MkdirAll(dir, 0o777)
}

// remoteDir is where the default remote is on this machine, "" if it is elsewhere;
// ok is false if there is no remote.
func remoteDir(c *config.Config) (dir string, ok bool) {
	r, err := c.Remote("")
	if err != nil {
		return "", false
	}
	if scheme, _, ok := strings.Cut(r.URL, "://"); ok && !strings.ContainsAny(scheme, `/\`) {
		return "", true
	}
	return filepath.FromSlash(r.URL), true
}

// takeOver adds what the queue of one machine and git know of, and leaves the
// token by which commands of this machine reach the hub.
func (h *Hub) takeOver(ctx context.Context) error {
	tasks, err := queue.Open(h.repo, nil).Tasks(ctx)
	if err != nil {
		return err
	}
	if err := h.state.put(ctx, tasks...); err != nil {
		return err
	}
	if err := h.queueMarks(ctx); err != nil {
		return err
	}
	if h.server == nil {
		if err := h.inherit(ctx); err != nil {
			return err
		}
		t, err := h.Token(Client, 0)
		if err != nil {
			return err
		}
		return writeSecret(filepath.Join(h.path, localToken), []byte(t.String()))
	}
	// Who is connected by the last one stays so.
	if t, err := readToken(h.path); err == nil && !t.outside() && t.Pin == h.pin {
		list, err := h.keys().read()
		if _, ok := admit(list, t.ID, t.Secret, time.Now()); err == nil && ok {
			t.Addresses = addresses(h.server.Addr().(*net.TCPAddr))
			return writeSecret(filepath.Join(h.path, localToken), []byte(t.String()))
		}
	}
	t, err := h.Token(Client, 0)
	if err != nil {
		return err
	}
	return writeSecret(filepath.Join(h.path, localToken), []byte(t.String()))
}

const localToken = "local.token"

func readToken(path string) (*Token, error) {
	data, err := os.ReadFile(filepath.Join(path, localToken))
	if err != nil {
		return nil, err
	}
	return ParseToken(string(data))
}

// queueMarks queues what is marked and no task knows of, and ends tasks whose
// mark is gone because they are done.
func (h *Hub) queueMarks(ctx context.Context) error {
	plans, err := h.repo.Plans(ctx)
	if err != nil {
		return err
	}
	marked := map[string]bool{}
	var lost []queue.Task
	for _, p := range plans {
		marked[p.ID] = true
		if h.state.missing(p.ID) {
			lost = append(lost, queue.Task{Plan: p, State: queue.Queued, Log: h.logFile(p.ID)})
		}
	}
	if len(lost) > 0 {
		if err := h.state.put(ctx, lost...); err != nil {
			return err
		}
	}
	open, _ := h.state.list(0, queue.Queued)
	for i := range open {
		if marked[open[i].ID] {
			continue
		}
		if e, err := h.repo.Recorded(ctx, &open[i].Plan); err == nil {
			if err := h.recorded(ctx, open[i].ID, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// reconcilePoll is how soon a mark that somebody made without telling the hub
// is seen.
const reconcilePoll = 10 * time.Second

func (h *Hub) reconcile() {
	tick := time.NewTicker(reconcilePoll)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		ids, err := h.repo.PlanIDs(h.ctx)
		if err != nil {
			continue
		}
		for _, id := range ids {
			if h.state.missing(id) {
				if err := h.queueMarks(h.ctx); err != nil && h.ctx.Err() == nil {
					h.log.Warn(err.Error())
				}
				break
			}
		}
	}
}

// Running returns the token by which this machine reaches the hub of a
// repository; nil if none runs.
func Running(r *experiment.Repo) (*Token, error) {
	path := filepath.Join(filesOf(r), "hub")
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("another user's hub may serve this queue (%w); a clone of your own can use it, by 'queue use' with a client's token", err)
	case err != nil:
		return nil, err
	}
	defer f.Close()
	if free, err := host.TryLock(f); err != nil || free {
		return nil, err
	}
	t, err := readToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it is about to start
	}
	if err != nil {
		return nil, fmt.Errorf("the hub that serves this queue: %w", err)
	}
	return t, nil
}

// giveBack tells the queue of one machine what the hub knows: it goes on where
// the hub ends.
func (h *Hub) giveBack(ctx context.Context) error {
	tasks, _ := h.state.list(0)
	return queue.Open(h.repo, nil).Adopt(ctx, tasks...)
}

// NewToken makes a token for the hub of a repository, which runs or has run. That of
// a hub with [Options].URL is as [Hub.Token] says.
func NewToken(r *experiment.Repo, role Role, life time.Duration) (*Token, error) {
	path := filepath.Join(filesOf(r), "hub")
	t, err := readToken(path)
	if err != nil {
		if t, err := Used(r); err == nil && t != nil && t.outside() {
			t.Role = role
			return t, nil
		}
		return nil, errors.New("no hub has run here yet: start one with 'queue serve'")
	}
	if t.outside() {
		t.Role = role
		return t, nil
	}
	key, secret, err := keyring{filepath.Join(path, "keys.json")}.issue(role, life, time.Now())
	if err != nil {
		return nil, err
	}
	t.ID, t.Secret, t.Role, t.Expires = key.ID, secret, role, key.Expires
	return t, nil
}

// Keys lists the tokens that the hub of a repository gave out, without secrets.
func Keys(r *experiment.Repo) ([]Key, error) {
	return keyring{filepath.Join(filesOf(r), "hub", "keys.json")}.read()
}

// Revoke makes tokens useless, by their ids; "all" is every one that was given out, which
// that of this machine's own commands is not. Who is connected by them is cut off.
func Revoke(r *experiment.Repo, ids ...string) error {
	path := filepath.Join(filesOf(r), "hub")
	own := ""
	if t, err := readToken(path); err == nil {
		own = t.ID
	}
	return keyring{filepath.Join(path, "keys.json")}.revoke(own, ids...)
}
