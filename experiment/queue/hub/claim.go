package hub

import (
	"container/heap"
	"context"
	"fmt"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// claim gives the first task that the worker's machine can run. One that asks
// again under the same lease, as the answer was lost, gets the same task.
func (s *state) claim(ctx context.Context, l queue.Lease, ttl time.Duration, ready readiness) (*queue.Task, error) {
	s.mu.Lock()
	e, written := s.tasks[s.tokens[l.Token]], (<-chan error)(nil)
	if e == nil {
		e, written = s.next(l, ttl, ready)
	}
	var t *queue.Task
	if e != nil {
		t = s.seen(e)
	}
	s.mu.Unlock()
	if written != nil {
		if err := wait(ctx, written); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// next takes the task that is to be claimed. A task that has cost too many
// workers fails instead.
func (s *state) next(l queue.Lease, ttl time.Duration, ready readiness) (*entry, <-chan error) {
	s.expire()
	s.expireHolds()
	var written <-chan error
	for {
		e := s.first(l, ready)
		if e == nil {
			return nil, written
		}
		was := e.State
		if was == queue.Running {
			e.Losses++
		}
		delete(s.tokens, e.Lease.Token)
		if s.losses > 0 && e.Losses >= s.losses {
			e.State, e.Ended = queue.Failed, s.now()
			e.Error = fmt.Sprintf("its worker was lost %d times, the last one on %s", e.Losses, e.Lease.Host)
			written = s.change(e, was)
			continue
		}
		l.Expires = s.now().Add(ttl)
		e.State, e.Lease, e.Kill, e.TTL = queue.Running, l, "", ttl
		e.Attempts++
		return e, s.change(e, was)
	}
}

// expire puts tasks whose lease is over among those to be claimed.
func (s *state) expire() {
	for len(s.leases) > 0 && !s.now().Before(s.leases[0].at) {
		x := heap.Pop(&s.leases).(expiry)
		e := s.tasks[x.id]
		switch {
		case e == nil || e.State != queue.Running:
		case s.holds(e): // it was renewed
			heap.Push(&s.leases, expiry{e.Lease.Expires, e.ID})
		default:
			s.enqueue(e)
		}
	}
}

// first removes the task that a worker is to have from those to be claimed: the
// oldest that is kept for nobody else.
func (s *state) first(l queue.Lease, ready readiness) *entry {
	from := s.earliest(l)
	if e := s.takeHeld(l, ready, from); e != nil || from == nil {
		return e
	}
	return s.tasks[heap.Pop(from).(place).id]
}

// earliest is where the oldest task is that a worker can run.
func (s *state) earliest(l queue.Lease) *places {
	var from *places
	for key, p := range s.queued {
		// Stale places at the front: taken, ended, or renewed after expiry.
		for len(p.list) > 0 && !s.claimable(p.list[0], key) {
			heap.Pop(p)
		}
		if len(p.list) == 0 {
			delete(s.queued, key)
			continue
		}
		if suits(l, p.need, p.build) && (from == nil || p.list[0].order < from.list[0].order) {
			from = p
		}
	}
	return from
}

// suits reports whether a worker can run what needs this. One without a build works in
// the repository, where the program is.
func suits(l queue.Lease, need queue.Resources, build string) bool {
	return need.Fits(l.Offer) && (build == "" || l.Build == "" || build == l.Build)
}

func (s *state) claimable(p place, key string) bool {
	e := s.tasks[p.id]
	if e == nil || e.class() != key {
		return false
	}
	if e.State == queue.Running && s.holds(e) {
		// Renewed after expiry: it expires again.
		heap.Push(&s.leases, expiry{e.Lease.Expires, e.ID})
		return false
	}
	return e.State == queue.Queued || e.State == queue.Running
}
