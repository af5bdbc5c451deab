package hub

import (
	"context"
	"errors"
	"sync"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// seat is one of the tasks that a member runs at a time, as the store of its worker.
// While it runs one it prepares for the next: fetches the commit and makes the copy to
// run in. That changes nothing at the hub, where the task is queued as before and may be
// given to others.
type seat struct {
	*Conn
	m     *member
	share queue.Resources

	mu   sync.Mutex
	next *preparation   // nil: nothing was begun
	gone sync.WaitGroup // what was in vain, and is being deleted
}

// preparation is under way until done is closed.
type preparation struct {
	token string // of the task that runs meanwhile
	stop  context.CancelFunc
	done  chan struct{}

	mu    sync.Mutex
	id    string // of the task; "" is not known yet
	ready *experiment.Prepared
}

// task is the id of the task that is prepared for, "" before that is known.
func (p *preparation) task() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

// Claim asks for the task that this seat is prepared for. If there is none, others were
// given that, and what was prepared is deleted.
func (s *seat) Claim(ctx context.Context, l queue.Lease) (*queue.Task, error) {
	var ready readiness
	s.mu.Lock()
	if p := s.next; p != nil {
		ready = readiness{p.task(), p.token}
	}
	s.mu.Unlock()
	t, err := s.claim(ctx, l, ready)
	if t == nil && err == nil {
		if p := s.last(); p != nil {
			s.drop(p)
		}
	}
	return t, err
}

// prepare begins to prepare for what comes after a task.
func (s *seat) prepare(ctx context.Context, t *queue.Task) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &preparation{token: t.Lease.Token, stop: stop, done: make(chan struct{})}
	s.mu.Lock()
	s.next = p
	s.mu.Unlock()
	go func() {
		defer close(p.done)
		defer stop()
		if err := s.fetch(ctx, t, p); err != nil && ctx.Err() == nil && !errors.Is(err, queue.ErrLeaseLost) {
			s.m.log.Debug("the next task cannot be prepared: " + err.Error())
		}
	}()
}

func (s *seat) fetch(ctx context.Context, t *queue.Task, p *preparation) error {
	have, err := s.m.repo.Bases(ctx)
	if err != nil {
		return err
	}
	a, err := call[aheadAnswer](ctx, s.Conn, opAhead, planRequest{t.ID, t.Lease.Token, have})
	if err != nil || a.Task == nil {
		return err
	}
	p.mu.Lock()
	p.id = a.Task.ID
	p.mu.Unlock()
	if err := s.rest(ctx, &a.planAnswer); err != nil {
		return err
	}
	if err := s.m.placeProgram(&a.Task.Plan); err != nil {
		return err
	}
	s.m.bring.Lock()
	defer s.m.bring.Unlock()
	p.ready, err = s.m.repo.Prepare(ctx, &a.Task.Plan, a.Data)
	return err
}

// take returns what was prepared for a task, nil if nothing was. What was prepared for
// another one is deleted.
func (s *seat) take(ctx context.Context, id string) *experiment.Prepared {
	// Of another seat's copy nobody is to think that the task runs there.
	for _, other := range s.m.seats {
		if other != s {
			other.forget(id)
		}
	}
	p := s.last()
	switch {
	case p == nil:
		return nil
	case p.task() != id:
		s.drop(p)
		return nil
	}
	defer context.AfterFunc(ctx, p.stop)()
	<-p.done
	return p.ready
}

// forget deletes what was prepared for a task that another seat was given.
func (s *seat) forget(id string) {
	s.mu.Lock()
	p := s.next
	if p != nil && p.task() != id {
		p = nil
	}
	if p != nil {
		s.next = nil
	}
	s.mu.Unlock()
	if p != nil {
		s.drop(p)
	}
}

// last is what was begun last, which the seat forgets.
func (s *seat) last() *preparation {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.next
	s.next = nil
	return p
}

// drop deletes what was prepared in vain.
func (s *seat) drop(p *preparation) {
	p.stop()
	s.gone.Go(func() {
		<-p.done
		p.ready.Close()
	})
}

// leave ends what is under way.
func (s *seat) leave() {
	if p := s.last(); p != nil {
		s.drop(p)
	}
	s.gone.Wait()
}

// alone waits until this member has no other task of the same name under way, whose
// experiment would be in the way in the clone, and keeps others waiting until release.
func (m *member) alone(ctx context.Context, t *queue.Task) (release func(), err error) {
	if t.Options.Stage != nil { // no experiment comes of it
		return func() {}, nil
	}
	key := t.Baseline + " " + t.Name
	for {
		m.mu.Lock()
		other := m.names[key]
		if other == nil {
			done := make(chan struct{})
			if m.names == nil {
				m.names = map[string]chan struct{}{}
			}
			m.names[key] = done
			m.mu.Unlock()
			return func() {
				m.mu.Lock()
				delete(m.names, key)
				m.mu.Unlock()
				close(done)
			}, nil
		}
		m.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
