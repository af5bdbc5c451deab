// Package storetest tests implementations of [queue.Store], as testing/fstest
// does those of fs.FS. Whoever writes a store calls [Test] from a test of his
// own:
//
//	if err := storetest.Test(t.Context(), open); err != nil {
//		t.Fatal(err)
//	}
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// lease is long enough for a slow machine, and short enough to wait for.
const lease = 300 * time.Millisecond

// Test checks what [queue.Store] promises. open returns a new, empty store each
// time it is called. The error, nil if all is well, tells everything that is
// wrong. It takes a few seconds, as leases have to expire.
func Test(ctx context.Context, open func() (queue.Store, error)) error {
	checks := []struct {
		name  string
		check func(*checker)
	}{
		{"empty", (*checker).empty},
		{"order", (*checker).order},
		{"put twice", (*checker).putTwice},
		{"claim", (*checker).claim},
		{"offer", (*checker).offer},
		{"expiry", (*checker).expiry},
		{"update", (*checker).update},
		{"renew", (*checker).renew},
		{"delete", (*checker).remove},
		{"values", (*checker).values},
		{"watch", (*checker).watch},
		{"cancelled", (*checker).cancelled},
		{"concurrent", (*checker).concurrent},
	}
	var errs []error
	for _, c := range checks {
		s, err := open()
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		k := &checker{ctx: ctx, Store: s}
		func() {
			defer func() {
				if p := recover(); p != nil && p != errStop {
					panic(p)
				}
			}()
			c.check(k)
		}()
		for _, err := range k.errs {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// errStop ends a check whose further steps would tell nothing.
var errStop = errors.New("stop")

func (k *checker) empty() {
	k.list("at first", "")
	k.take("one", "", later())
	_, err := k.Get(k.ctx, "a")
	k.is("Get of an unknown task", err, experiment.ErrNotFound)
	k.is("Update of an unknown task", k.Update(k.ctx, "a", "", finish), experiment.ErrNotFound)
	k.is("Update of an unknown task with a token", k.Update(k.ctx, "a", "one", finish), queue.ErrLeaseLost)
	_, err = k.Renew(k.ctx, "a", "one", later())
	k.is("Renew of an unknown task", err, queue.ErrLeaseLost)
	gone, err := k.Delete(k.ctx, "a")
	k.must("Delete of an unknown task", err)
	if len(gone) > 0 {
		k.failf("Delete of an unknown task returns %v", gone)
	}
	k.must("Put of nothing", k.Put(k.ctx))
}

func (k *checker) order() {
	k.put("z a m")
	k.put("b")
	k.list("as added", "z a m b")
	k.list("as added", "z a m b", queue.Queued)
	k.list("as added", "", queue.Running, queue.Failed, queue.Success)
	k.take("one", "z", later())
	k.take("two", "a", later())
	k.must("Update", k.Update(k.ctx, "a", "two", finish))
	k.list("all", "z a m b")
	k.list("queued", "m b", queue.Queued)
	k.list("two states", "z a", queue.Success, queue.Running)
	k.must("Update", k.Update(k.ctx, "a", "", func(t *queue.Task) error { t.State = queue.Queued; return nil }))
	k.take("three", "a", later()) // it keeps its place
}

func (k *checker) putTwice() {
	k.put("a b")
	k.take("one", "a", later())
	k.put("c a b")
	k.list("after the second Put", "b c", queue.Queued)
	k.list("after the second Put", "a", queue.Running)
}

func (k *checker) claim() {
	k.put("a b")
	t := k.take("one", "a", later())
	if t.State != queue.Running || t.Attempts != 1 || t.Lease.Token != "one" || t.Lease.Worker != "worker of one" {
		k.failf("the claimed task is %+v", t)
	}
	k.take("two", "b", later())
	k.take("three", "", later())
	got, err := k.Get(k.ctx, "a")
	k.must("Get", err)
	if got.State != queue.Running || got.Lease.Token != "one" {
		k.failf("Get of a running task is %+v", got)
	}
}

// offer lets a small worker pass by what needs a large one.
func (k *checker) offer() {
	large, small := task("large"), task("small")
	large.Options.Resources = experiment.Resources{CPUs: 8, GPUs: 1, GPUType: "h100"}
	small.Options.Resources = experiment.Resources{CPUs: 1}
	k.must("Put", k.Put(k.ctx, large, small, task("any")))
	claim := func(want string, offer queue.Resources) {
		t, err := k.Claim(k.ctx, queue.Lease{Token: "for " + want, Expires: later(), Offer: offer})
		k.must("Claim", err)
		if got := ""; t != nil && t.ID != want || t == nil && got != want {
			k.failf("Claim with the offer %s is %v, want %q", offer, t, want)
		}
	}
	claim("small", queue.Resources{CPUs: 4})
	claim("any", queue.Resources{CPUs: 4})
	claim("", queue.Resources{CPUs: 4})
	claim("", queue.Resources{CPUs: 16, GPUs: 2, GPUType: "A100"})
	claim("large", queue.Resources{CPUs: 16, GPUs: 2, GPUType: "NVIDIA H100 80GB"})
}

// expiry waits until a worker counts as gone.
func (k *checker) expiry() {
	k.put("a b")
	k.take("one", "a", time.Now().Add(lease))
	k.take("two", "b", later())
	k.must("Kill", k.Update(k.ctx, "a", "one", func(t *queue.Task) error { t.Kill = "kill"; return nil }))
	k.take("three", "", later())
	time.Sleep(lease + 50*time.Millisecond)
	k.list("after expiry", "a", queue.Queued)
	k.list("after expiry", "b", queue.Running)
	if t, err := k.Get(k.ctx, "a"); err != nil || t.State != queue.Queued {
		k.failf("Get after expiry is %+v, %v; want it queued", t, err)
	}
	// Nobody has taken it yet: the worker was only slow.
	_, err := k.Renew(k.ctx, "a", "one", time.Now().Add(lease))
	k.must("Renew of an expired lease", err)
	k.take("three", "", later())
	time.Sleep(lease + 50*time.Millisecond)
	t := k.take("three", "a", later())
	if t.Attempts != 2 || t.Kill != "" {
		k.failf("the task taken over is %+v; want the second attempt, and no Kill", t)
	}
	k.is("Update by the former worker", k.Update(k.ctx, "a", "one", finish), queue.ErrLeaseLost)
	_, err = k.Renew(k.ctx, "a", "one", later())
	k.is("Renew by the former worker", err, queue.ErrLeaseLost)
	k.must("Update by the new worker", k.Update(k.ctx, "a", "three", finish))
}

func (k *checker) update() {
	k.put("a")
	k.take("one", "a", later())
	refused := errors.New("refused")
	k.is("Update whose function fails", k.Update(k.ctx, "a", "one", func(t *queue.Task) error { t.Error = "x"; return refused }), refused)
	if t, err := k.Get(k.ctx, "a"); err != nil || t.Error != "" {
		k.failf("after a refused Update the task is %+v, %v", t, err)
	}
	k.is("Update with another token", k.Update(k.ctx, "a", "two", finish), queue.ErrLeaseLost)
	k.must("Update", k.Update(k.ctx, "a", "one", finish))
	k.is("Update of a finished task", k.Update(k.ctx, "a", "one", finish), queue.ErrLeaseLost)
	k.take("two", "", later())
	k.must("Update without token", k.Update(k.ctx, "a", "", func(t *queue.Task) error {
		if t.State != queue.Success {
			k.failf("Update sees %s, want Success", t.State)
		}
		t.State = queue.Failed
		return nil
	}))
	k.list("after Update", "a", queue.Failed)
}

func (k *checker) renew() {
	k.put("a")
	k.take("one", "a", time.Now().Add(lease))
	for range 4 {
		time.Sleep(lease / 2)
		t, err := k.Renew(k.ctx, "a", "one", time.Now().Add(lease))
		k.must("Renew", err)
		if t.ID != "a" || t.Kill != "" {
			k.failf("Renew returns %+v", t)
		}
	}
	k.list("while renewed", "a", queue.Running)
	k.must("Kill", k.Update(k.ctx, "a", "", func(t *queue.Task) error { t.Kill = "interrupt"; return nil }))
	if t, err := k.Renew(k.ctx, "a", "one", later()); err != nil || t.Kill != "interrupt" {
		k.failf("Renew returns %+v, %v; want Kill", t, err)
	}
}

func (k *checker) remove() {
	k.put("a b c")
	k.take("one", "a", time.Now().Add(lease))
	gone, err := k.Delete(k.ctx, "c", "a", "unknown")
	k.must("Delete", err)
	if len(gone) != 1 || gone[0].ID != "c" {
		k.failf("Delete returns %v, want c alone: a runs", gone)
	}
	k.list("after Delete", "a b")
	time.Sleep(lease + 50*time.Millisecond)
	gone, err = k.Delete(k.ctx, "a")
	k.must("Delete", err)
	if len(gone) != 1 {
		k.failf("a task whose worker is gone is not deleted")
	}
	k.is("Update of a deleted task", k.Update(k.ctx, "a", "one", finish), queue.ErrLeaseLost)
	k.take("two", "b", later())
	k.take("three", "", later())
}

// values come back as they were stored.
func (k *checker) values() {
	t := task("a")
	t.Baseline, t.Commit, t.Log = "base", "commit", "a.log"
	t.Created = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	t.Options = experiment.PlanOptions{Set: []string{"größe=1\n2"}, Targets: []string{"x"}, Jobs: 3, Force: true}
	k.must("Put", k.Put(k.ctx, t))
	got, err := k.Get(k.ctx, "a")
	k.must("Get", err)
	if !got.Created.Equal(t.Created) || got.Commit != t.Commit || got.Log != t.Log || got.Name != t.Name ||
		!slices.Equal(got.Options.Set, t.Options.Set) || got.Options.Jobs != 3 || !got.Options.Force {
		k.failf("Get returns %+v, want %+v", got, t)
	}
}

func (k *checker) watch() {
	ctx, cancel := context.WithTimeout(k.ctx, 20*time.Second)
	defer cancel()
	k.put("before")
	changes := k.Watch(ctx)
	go func() {
		k.Put(ctx, tasks("a b")...)
		time.Sleep(lease)
		k.Update(ctx, "b", "", func(t *queue.Task) error { t.State = queue.Failed; return nil })
	}()
	seen := map[string]bool{}
	for t, err := range changes {
		if err != nil {
			k.failf("Watch ends with %v after %v", err, seen)
			return
		}
		seen[t.ID+" "+string(t.State)] = true
		if seen["before Queued"] {
			k.failf("Watch tells of a task that did not change")
		}
		if seen["a Queued"] && seen["b Failed"] {
			break
		}
	}
	for _, err := range k.Watch(done(k.ctx)) {
		if err == nil {
			continue
		}
		k.is("Watch after its context ended", err, context.Canceled)
		return
	}
	k.failf("Watch ends without an error although its context did")
}

func done(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func (k *checker) cancelled() {
	ctx := done(k.ctx)
	k.is("Put", k.Put(ctx, task("a")), context.Canceled)
	_, err := k.Claim(ctx, queue.Lease{Token: "one", Expires: later()})
	k.is("Claim", err, context.Canceled)
	k.list("afterwards", "")
}

// concurrent lets some workers empty a queue: each task is done once.
func (k *checker) concurrent() {
	const workers, each = 4, 10
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				if err := k.Put(k.ctx, task(fmt.Sprintf("%d-%d", w, i))); err != nil {
					k.failf("Put: %w", err)
				}
			}
		})
	}
	wg.Wait()
	done := map[string]int{}
	for w := range workers {
		wg.Go(func() {
			for {
				token := fmt.Sprintf("worker %d", w)
				t, err := k.Claim(k.ctx, queue.Lease{Token: token, Expires: later()})
				if err != nil {
					k.failf("Claim: %w", err)
				}
				if t == nil {
					return
				}
				if err := k.Update(k.ctx, t.ID, token, finish); err != nil {
					k.failf("Update: %w", err)
				}
				k.mu.Lock()
				done[t.ID]++
				k.mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range done {
		if n != 1 {
			k.failf("task %s was claimed %d times", id, n)
		}
	}
	if len(done) != workers*each {
		k.failf("%d of %d tasks were claimed", len(done), workers*each)
	}
}
