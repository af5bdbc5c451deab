package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// checker is one check on one store.
type checker struct {
	queue.Store
	ctx context.Context

	mu   sync.Mutex
	errs []error
}

func (k *checker) failf(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.errs = append(k.errs, fmt.Errorf(format, args...))
}

// must ends the check on an error.
func (k *checker) must(what string, err error) {
	if err != nil {
		k.failf("%s: %w", what, err)
		panic(errStop)
	}
}

func (k *checker) is(what string, err, want error) {
	if !errors.Is(err, want) {
		k.failf("%s: the error is %v, want %v", what, err, want)
	}
}

func task(id string) queue.Task {
	return queue.Task{Plan: experiment.Plan{ID: id, Name: "name-" + id}, State: queue.Queued}
}

func tasks(ids string) []queue.Task {
	var list []queue.Task
	for _, id := range strings.Fields(ids) {
		list = append(list, task(id))
	}
	return list
}

func (k *checker) put(ids string) { k.must("Put "+ids, k.Put(k.ctx, tasks(ids)...)) }

// list compares the ids of a List.
func (k *checker) list(when, want string, states ...queue.TaskState) {
	list, err := k.List(k.ctx, states...)
	k.must("List", err)
	var ids []string
	for _, t := range list {
		ids = append(ids, t.ID)
	}
	if got := strings.Join(ids, " "); got != want {
		k.failf("%s: List(%v) is %q, want %q", when, states, got, want)
	}
}

// take claims a task under a token and compares its id; "" is none.
func (k *checker) take(token, want string, until time.Time) *queue.Task {
	t, err := k.Claim(k.ctx, queue.Lease{Token: token, Worker: "worker of " + token, Expires: until})
	k.must("Claim", err)
	got := ""
	if t != nil {
		got = t.ID
	}
	if got != want {
		k.failf("Claim by %s is %q, want %q", token, got, want)
		panic(errStop)
	}
	return t
}

func later() time.Time { return time.Now().Add(time.Hour) }

func finish(t *queue.Task) error { t.State = queue.Success; return nil }
