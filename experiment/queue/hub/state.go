package hub

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// state is the tasks of the hub: all of them in memory, indexed for what
// workers ask, and every change in a journal before anybody is told of it.
type state struct {
	now    func() time.Time
	losses int // how many workers a task may cost
	log    *journal

	mu      sync.Mutex
	tasks   map[string]*entry
	in      map[queue.TaskState]map[string]*entry // by what is written; a lease may be void
	queued  map[string]*places                    // ids to be claimed by what they need; may hold stale ones
	held    holds                                 // queued tasks that workers prepare for
	leases  expiries                              // may hold stale ones
	tokens  map[string]string                     // of the leases of running tasks: whose they are
	order   uint64
	rev     uint64
	changed []func(*entry) // told of each change, under the lock
}

func newState(losses int) *state {
	s := &state{now: time.Now, losses: losses, tasks: map[string]*entry{}, in: map[queue.TaskState]map[string]*entry{}, queued: map[string]*places{}, tokens: map[string]string{},
		held: holds{of: map[string]*hold{}}}
	for _, st := range []queue.TaskState{queue.Queued, queue.Running, queue.Success, queue.Failed} {
		s.in[st] = map[string]*entry{}
	}
	return s
}

// restore puts an entry of the journal in its place. Whoever held a lease gets
// it anew: while no hub ran nobody could renew it.
func (s *state) restore(e *entry) {
	s.order, s.rev = max(s.order, e.Order), max(s.rev, e.Rev)
	if old := s.tasks[e.ID]; old != nil {
		delete(s.in[old.State], e.ID)
		delete(s.tokens, old.Lease.Token)
		delete(s.tasks, e.ID)
	}
	if e.Gone {
		return
	}
	e.Lease.Expires = s.now().Add(e.TTL)
	s.index(e, "")
}

// index files an entry whose state was another one; the caller has the lock.
func (s *state) index(e *entry, was queue.TaskState) {
	e.intern()
	s.tasks[e.ID] = e
	delete(s.in[was], e.ID)
	s.in[e.State][e.ID] = e
	delete(s.tokens, e.Lease.Token)
	switch e.State {
	case queue.Queued:
		s.enqueue(e)
	case queue.Running:
		s.tokens[e.Lease.Token] = e.ID
		heap.Push(&s.leases, expiry{e.Lease.Expires, e.ID})
	}
}

func (s *state) enqueue(e *entry) {
	key := e.class()
	p := s.queued[key]
	if p == nil {
		p = &places{need: e.Options.Resources, build: e.Options.Build}
		s.queued[key] = p
	}
	heap.Push(p, place{e.Order, e.ID})
}

// change files an entry anew and hands it to the journal. The caller has the
// lock, and waits for the result without it.
func (s *state) change(e *entry, was queue.TaskState) <-chan error {
	s.rev++
	e.Rev = s.rev
	s.index(e, was)
	for _, fn := range s.changed {
		fn(e)
	}
	return s.log.add(e)
}

// wait ends with the journal's answer; whoever goes away earlier does not
// learn whether the change was written.
func wait(ctx context.Context, written <-chan error) error {
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// holds reports whether the lease of a running task counts.
func (s *state) holds(e *entry) bool { return s.now().Before(e.Lease.Expires) }

// seen is the task as others are to see it.
func (s *state) seen(e *entry) *queue.Task {
	t := e.Task
	if t.State == queue.Running && !s.holds(e) {
		t.State = queue.Queued
	}
	return &t
}

func (s *state) put(ctx context.Context, tasks ...queue.Task) error {
	for i := range tasks {
		if tasks[i].ID == "" || s.in[tasks[i].State] == nil {
			return fmt.Errorf("task %q is %q: it needs an ID and a state", tasks[i].ID, tasks[i].State)
		}
	}
	var written <-chan error
	s.mu.Lock()
	for _, t := range tasks {
		if s.tasks[t.ID] == nil {
			s.order++
			written = s.change(&entry{Order: s.order, Task: t}, "")
		}
	}
	s.mu.Unlock()
	if written == nil {
		return nil
	}
	return wait(ctx, written) // later changes are written with or after earlier ones
}

func (s *state) get(id string) (*queue.Task, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.tasks[id]
	if e == nil {
		return nil, 0, unknownTask(id)
	}
	return s.seen(e), e.Rev, nil
}

func unknownTask(id string) error { return fmt.Errorf("task %s: %w", id, experiment.ErrNotFound) }

// list returns tasks in the given states, all if there are none given, that
// changed after a revision, and the revision now.
func (s *state) list(after uint64, want ...queue.TaskState) ([]queue.Task, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	read := want
	switch {
	case len(want) == 0:
		read = slices.Collect(maps.Keys(s.in))
		want = read
	case slices.Contains(want, queue.Queued) && !slices.Contains(want, queue.Running):
		read = append(slices.Clone(want), queue.Running) // the lease may be void
	}
	var found []*entry
	for _, st := range read {
		for _, e := range s.in[st] {
			if e.Rev > after && slices.Contains(want, s.seen(e).State) {
				found = append(found, e)
			}
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.Order, b.Order) })
	list := make([]queue.Task, len(found))
	for i, e := range found {
		list[i] = *s.seen(e)
	}
	return list, s.rev
}

// renew is not written: a hub that starts anew renews all leases.
func (s *state) renew(id, token string, ttl time.Duration) (*queue.Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.tasks[id]
	if e == nil || e.State != queue.Running || e.Lease.Token != token {
		return nil, queue.ErrLeaseLost
	}
	was := e.Lease.Expires
	if e.TTL, e.Lease.Expires = ttl, s.now().Add(ttl); e.Lease.Expires.Before(was) {
		heap.Push(&s.leases, expiry{e.Lease.Expires, id}) // else it would be looked at too late
	}
	return s.seen(e), nil
}

// errConflict says that a task changed since it was read.
var errConflict = fmt.Errorf("the task changed meanwhile")

// replace writes a task that was read at a revision. With a token it must be
// running under it. Other than the lease, edit decides what is taken over.
func (s *state) replace(ctx context.Context, id, token string, rev uint64, edit func(*queue.Task)) error {
	s.mu.Lock()
	e := s.tasks[id]
	var err error
	switch {
	case e == nil && token == "":
		err = unknownTask(id)
	case e == nil || token != "" && (e.State != queue.Running || e.Lease.Token != token):
		err = queue.ErrLeaseLost
	case rev != 0 && e.Rev != rev:
		err = errConflict
	}
	if err != nil {
		s.mu.Unlock()
		return err
	}
	was := e.State
	t := *s.seen(e)
	if token != "" {
		t.State = was // expiry alone does not matter to the worker
	}
	edit(&t)
	t.ID, t.Lease.Expires = id, e.Lease.Expires
	if s.in[t.State] == nil {
		s.mu.Unlock()
		return fmt.Errorf("task %s: %q is not a state", id, t.State)
	}
	switch {
	case t.State == queue.Queued && was == queue.Failed:
		e.Losses = 0
	// A worker gives the task back because of its machine.
	case token != "" && t.State == queue.Queued && t.Error != "":
		if e.Losses++; s.losses > 0 && e.Losses >= s.losses {
			t.State, t.Ended = queue.Failed, s.now()
			t.Error = fmt.Sprintf("its worker was lost or could not run it %d times: %s", e.Losses, t.Error)
		}
	}
	e.Task = t
	written := s.change(e, was)
	s.mu.Unlock()
	return wait(ctx, written)
}

// remove deletes tasks that do not run.
func (s *state) remove(ctx context.Context, ids ...string) ([]queue.Task, error) {
	var gone []queue.Task
	var written <-chan error
	s.mu.Lock()
	for _, id := range ids {
		e := s.tasks[id]
		if e == nil || s.seen(e).State == queue.Running {
			continue
		}
		gone = append(gone, *s.seen(e))
		delete(s.in[e.State], id)
		delete(s.tokens, e.Lease.Token)
		delete(s.tasks, id)
		e.Gone = true
		s.rev++
		e.Rev = s.rev
		for _, fn := range s.changed {
			fn(e)
		}
		written = s.log.add(e)
	}
	s.mu.Unlock()
	if written == nil {
		return nil, nil
	}
	return gone, wait(ctx, written)
}

// running reports whether a task is written as running, lease or not.
func (s *state) running(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.tasks[id]
	return e != nil && e.State == queue.Running
}

func (s *state) revision() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rev
}

func (s *state) missing(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[id] == nil
}
