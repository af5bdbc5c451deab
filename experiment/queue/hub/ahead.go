package hub

import (
	"bytes"
	"container/heap"
	"context"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// opAhead is how a worker learns what it will probably be given next, so that all is
// ready when its task ends.
const opAhead = "w.ahead"

type (
	aheadAnswer struct {
		Task *queue.Task // nil: nothing is queued
		planAnswer
	}
	// readiness is a task that a worker has prepared for, and the lease under which it did.
	readiness struct{ ID, Token string }
)

// hold keeps a queued task for the worker that prepares for it. It is advice alone: a
// worker without a task is given it all the same if there is no other, and after
// holdTime everybody is.
type hold struct {
	id    string
	token string // of the worker's lease on the task that it runs meanwhile
	until time.Time
}

// holdTime is how long a task is kept for a worker that prepares for it. What takes
// longer gains little by being prepared, and a task is not to wait because one worker is
// slow.
const holdTime = 5 * time.Second

// holds are the tasks kept for workers.
type holds struct {
	of    map[string]*hold // by the task
	order []*hold          // by the end; may have stale ones
}

// ahead picks the task that the worker of a running one will probably be given next.
// It stays queued.
func (s *state) ahead(id, token string) (*queue.Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.tasks[id]
	if e == nil || e.State != queue.Running || token == "" || e.Lease.Token != token {
		return nil, queue.ErrLeaseLost
	}
	s.expire()
	// One that asks again, as the answer was lost, keeps no two.
	for _, h := range s.held.order {
		if h.token == token {
			s.release(h)
		}
	}
	p := s.earliest(e.Lease)
	if p == nil {
		return nil, nil
	}
	next := s.tasks[heap.Pop(p).(place).id]
	h := &hold{next.ID, token, s.now().Add(holdTime)}
	s.held.of[next.ID] = h
	s.held.order = append(s.held.order, h)
	return s.seen(next), nil
}

// release puts a task back among those to be claimed, unless it was claimed meanwhile.
func (s *state) release(h *hold) {
	if s.held.of[h.id] != h {
		return
	}
	delete(s.held.of, h.id)
	if e := s.tasks[h.id]; e != nil && (e.State == queue.Queued || e.State == queue.Running) {
		s.enqueue(e)
	}
}

// expireHolds releases tasks that were kept for long enough.
func (s *state) expireHolds() {
	now := s.now()
	for len(s.held.order) > 0 && !now.Before(s.held.order[0].until) {
		s.release(s.held.order[0])
		s.held.order = s.held.order[1:]
	}
}

// takeHeld takes the task that is kept for this worker, if none is before it in the
// queue; any that is kept, if there is nothing else.
func (s *state) takeHeld(l queue.Lease, ready readiness, first *places) *entry {
	if h := s.held.of[ready.ID]; h != nil && h.token == ready.Token {
		if e := s.kept(h, l); e != nil && (first == nil || e.Order < first.list[0].order) {
			delete(s.held.of, h.id)
			return e
		}
	}
	if first != nil {
		return nil
	}
	var found *entry
	for _, h := range s.held.of {
		if e := s.kept(h, l); e != nil && (found == nil || e.Order < found.Order) {
			found = e
		}
	}
	if found != nil {
		delete(s.held.of, found.ID)
	}
	return found
}

// kept is the task of a hold, nil if it does not suit or was given out from another
// place.
func (s *state) kept(h *hold, l queue.Lease) *entry {
	e := s.tasks[h.id]
	if e == nil || !s.claimable(place{e.Order, h.id}, e.class()) {
		delete(s.held.of, h.id)
		return nil
	}
	if !suits(l, e.Options.Resources, e.Options.Build) {
		return nil
	}
	return e
}

// onAhead sends a worker what it needs to prepare for its next task.
func (h *Hub) onAhead(ctx context.Context, _ string, r planRequest) (aheadAnswer, error) {
	t, err := h.state.ahead(r.ID, r.Token)
	if err != nil || t == nil || h.repo == nil {
		return aheadAnswer{Task: t}, err
	}
	var b bytes.Buffer
	if err := h.repo.PackPlan(ctx, &b, &t.Plan, r.Have); err != nil {
		return aheadAnswer{}, err
	}
	a, err := h.inPieces(b.Bytes())
	return aheadAnswer{t, a}, err
}
