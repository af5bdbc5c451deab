package hub

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// A Conn is a store: the hub's.
var (
	_ queue.Store  = (*Conn)(nil)
	_ queue.Remote = (*Conn)(nil)
)

type (
	claimRequest struct {
		Lease queue.Lease
		TTL   time.Duration // clocks may differ, durations do not
		Ready readiness     `json:",omitzero"`
	}
	leaseRequest struct {
		ID, Token string
		TTL       time.Duration
	}
	versioned struct {
		Task *queue.Task
		Rev  uint64
	}
	updateRequest struct {
		ID, Token string
		Rev       uint64
		Task      queue.Task
	}
	listRequest struct {
		States []queue.TaskState
		After  uint64 // revision
		Skip   int
	}
	listAnswer struct {
		Tasks []queue.Task
		Rev   uint64
		More  bool
	}
	event struct {
		Rev  uint64
		Gone bool `json:",omitempty"`
		Task queue.Task
	}
)

// putSize is how many tasks go into one message at most.
const putSize = 1000

// Put is that of [queue.Store]. Of more than a thousand tasks some may have
// been added when it fails.
func (c *Conn) Put(ctx context.Context, tasks ...queue.Task) error {
	if c.clone != nil {
		return c.submit(ctx, tasks)
	}
	for len(tasks) > 0 {
		n, size := 0, 0
		for ; n < min(putSize, len(tasks)); n++ {
			data, err := json.Marshal(tasks[n])
			if err != nil {
				return err
			}
			if size += len(data) + 1; size > c.limit() && n > 0 {
				break
			}
		}
		if _, err := call[none](ctx, c, opPut, tasks[:n]); err != nil {
			return err
		}
		tasks = tasks[n:]
	}
	return ctx.Err()
}

// Get is that of [queue.Store].
func (c *Conn) Get(ctx context.Context, id string) (*queue.Task, error) {
	v, err := call[versioned](ctx, c, opGet, id)
	return c.seen(v.Task), err
}

// seen is a task as this machine sees it: files of the hub's are not here.
func (c *Conn) seen(t *queue.Task) *queue.Task {
	if t != nil && c.clone != nil {
		t.Log = ""
	}
	return t
}

// ReadLog is that of [queue.Remote].
func (c *Conn) ReadLog(ctx context.Context, id string, off int64) ([]byte, error) {
	p, err := call[piece](ctx, c, opReadTo, readRequest{id, off})
	return p.Data, err
}

// LiveMetrics is that of [queue.Remote].
func (c *Conn) LiveMetrics(ctx context.Context, ids ...string) (map[string]map[string][]byte, error) {
	live := map[string]map[string][]byte{}
	for len(ids) > 0 {
		a, err := call[liveAnswer](ctx, c, opLiveOf, ids[:min(putSize, len(ids))])
		if err != nil {
			return live, err
		}
		for id, data := range a.Files {
			var files map[string][]byte
			if json.Unmarshal(data, &files) == nil {
				live[id] = files
			}
		}
		ids = ids[max(1, a.Read):]
	}
	return live, nil
}

// List is that of [queue.Store].
func (c *Conn) List(ctx context.Context, states ...queue.TaskState) ([]queue.Task, error) {
	list, _, err := c.since(ctx, 0, states...)
	return list, err
}

// since lists the tasks that changed after a revision.
func (c *Conn) since(ctx context.Context, after uint64, states ...queue.TaskState) (list []queue.Task, rev uint64, err error) {
	for {
		a, err := call[listAnswer](ctx, c, opList, listRequest{states, after, len(list)})
		if err != nil {
			return nil, 0, err
		}
		for i := range a.Tasks {
			c.seen(&a.Tasks[i])
		}
		list = append(list, a.Tasks...)
		if rev == 0 {
			rev = a.Rev
		}
		if !a.More {
			return list, rev, nil
		}
	}
}

// Claim is that of [queue.Store].
func (c *Conn) Claim(ctx context.Context, l queue.Lease) (*queue.Task, error) {
	return c.claim(ctx, l, readiness{})
}

// claim is Claim for a worker that has prepared for a task.
func (c *Conn) claim(ctx context.Context, l queue.Lease, ready readiness) (*queue.Task, error) {
	return call[*queue.Task](ctx, c, opClaim, claimRequest{l, time.Until(l.Expires), ready})
}

// Renew is that of [queue.Store].
func (c *Conn) Renew(ctx context.Context, id, token string, until time.Time) (*queue.Task, error) {
	return call[*queue.Task](ctx, c, opRenew, leaseRequest{id, token, time.Until(until)})
}

// Update is that of [queue.Store]. With a token, only the outcome is taken
// over: a worker does not change what is to be done.
func (c *Conn) Update(ctx context.Context, id, token string, fn func(*queue.Task) error) error {
	for {
		var v versioned
		var err error
		if token == "" {
			v, err = call[versioned](ctx, c, opGet, id)
		} else {
			v, err = call[versioned](ctx, c, opLook, leaseRequest{ID: id, Token: token})
		}
		if err != nil {
			return err
		}
		if err := fn(v.Task); err != nil {
			return err
		}
		op := opUpdate
		if token != "" {
			op = opEnd
		}
		_, err = call[none](ctx, c, op, updateRequest{id, token, v.Rev, *v.Task})
		if !errors.Is(err, errConflict) {
			return err
		}
	}
}

// Look returns a task that runs under a lease.
func (c *Conn) Look(ctx context.Context, id, token string) (*queue.Task, error) {
	v, err := call[versioned](ctx, c, opLook, leaseRequest{ID: id, Token: token})
	return v.Task, err
}

// Delete is that of [queue.Store].
func (c *Conn) Delete(ctx context.Context, ids ...string) ([]queue.Task, error) {
	var gone []queue.Task
	for len(ids) > 0 {
		n := min(putSize, len(ids))
		list, err := call[[]queue.Task](ctx, c, opDelete, ids[:n])
		gone = append(gone, list...)
		if err != nil {
			return gone, err
		}
		ids = ids[n:]
	}
	return gone, ctx.Err()
}

// Watch is that of [queue.Store]. When the hub was away, what changed meanwhile
// follows.
func (c *Conn) Watch(ctx context.Context) iter.Seq2[*queue.Task, error] {
	changes := make(chan *nats.Msg, 4096)
	sub, err := c.nc.ChanSubscribe(c.token.Space+"."+events, changes)
	var seen uint64
	if err == nil {
		if err = c.nc.FlushWithContext(withDeadline(ctx)); err == nil {
			seen, err = call[uint64](ctx, c, "c.rev", none{})
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return func(yield func(*queue.Task, error) bool) {
		if sub != nil {
			defer sub.Unsubscribe()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		look := time.NewTicker(watchLook)
		defer look.Stop()
		for {
			var e event
			select {
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			case m := <-changes:
				if json.Unmarshal(m.Data, &e) != nil || e.Rev <= seen {
					continue
				}
			case <-look.C: // events may be lost; a reply never is
			}
			if e.Rev == seen+1 {
				seen = e.Rev
				if !e.Gone && !yield(c.seen(&e.Task), nil) {
					return
				}
				continue
			}
			list, rev, err := c.since(ctx, seen)
			if err != nil {
				yield(nil, err)
				return
			}
			seen = max(seen, rev)
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
		}
	}
}

// watchLook is how often a watcher asks whether it missed something.
const watchLook = 5 * time.Second

// withDeadline gives a context the end that a flush must have.
func withDeadline(ctx context.Context) context.Context {
	if _, ok := ctx.Deadline(); ok {
		return ctx
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// isNotFound reports whether there is no such task.
func isNotFound(err error) bool { return errors.Is(err, experiment.ErrNotFound) }
