package hub

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/storetest"
)

// startHub starts a hub for tasks alone.
func startHub(t *testing.T, dir string, opts *Options) *Hub {
	t.Helper()
	h, err := start(t.Context(), dir, nil, opts)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

func dial(t *testing.T, h *Hub, role Role) *Conn {
	t.Helper()
	token, err := h.Token(role, time.Hour)
	require.NoError(t, err)
	c, err := Dial(t.Context(), token, nil)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestConnIsAStore(t *testing.T) {
	dir, n := t.TempDir(), 0
	err := storetest.Test(t.Context(), func() (queue.Store, error) {
		n++
		return dial(t, startHub(t, filepath.Join(dir, fmt.Sprint(n)), nil), Client), nil
	})
	require.NoError(t, err)
}

func queued(ids ...string) []queue.Task {
	var list []queue.Task
	for _, id := range ids {
		list = append(list, queue.Task{Plan: experiment.Plan{ID: id, Name: "n-" + id}, State: queue.Queued})
	}
	return list
}

func lease(token string) queue.Lease {
	return queue.Lease{Token: token, Worker: token, Expires: time.Now().Add(time.Hour)}
}

// TestTasksOutliveTheHub starts a hub again on the files of the last one, by the
// same address, so that connections find it.
func TestTasksOutliveTheHub(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	h := startHub(t, dir, nil)
	c := dial(t, h, Client)
	require.NoError(t, c.Put(ctx, queued("a", "b", "c", "d", "e")...))
	for _, id := range []string{"a", "b", "c"} {
		got, err := c.Claim(ctx, lease(id))
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
	}
	require.NoError(t, c.Update(ctx, "a", "a", func(t *queue.Task) error { t.State = queue.Success; return nil }))
	require.NoError(t, c.Update(ctx, "b", "b", func(t *queue.Task) error { t.State, t.Error = queue.Failed, "broken"; return nil }))
	gone, err := c.Delete(ctx, "d", "a")
	require.NoError(t, err)
	assert.Len(t, gone, 2)
	before, err := c.List(ctx)
	require.NoError(t, err)
	changes := c.Watch(ctx)

	h.Close()
	again := startHub(t, dir, nil)
	after, err := c.List(ctx)
	require.NoError(t, err)
	require.Len(t, after, 3)
	for i := range after {
		after[i].Lease.Expires, before[i].Lease.Expires = time.Time{}, time.Time{} // renewed
	}
	assert.Equal(t, before, after)
	_, err = c.Renew(ctx, "c", "c", time.Now().Add(time.Hour))
	require.NoError(t, err, "a worker keeps its task")
	got, err := c.Claim(ctx, lease("x"))
	require.NoError(t, err)
	assert.Equal(t, "e", got.ID)
	for task, err := range changes {
		require.NoError(t, err)
		assert.Equal(t, "e", task.ID, "what changed after the restart is told")
		break
	}
	// A claim whose answer was lost is repeated.
	got, err = c.Claim(ctx, lease("x"))
	require.NoError(t, err)
	assert.Equal(t, "e", got.ID)

	_, err = start(ctx, dir, nil, nil)
	assert.ErrorIs(t, err, errRunning)
	again.Close()
}

// TestJournalForgets makes many changes: what the stream holds stays small, and
// nothing that was deleted comes back.
func TestJournalForgets(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	h := startHub(t, dir, nil)
	c := dial(t, h, Client)
	require.NoError(t, c.Put(ctx, queued("old")...))
	for i := range 60 {
		id := fmt.Sprint("t", i)
		require.NoError(t, c.Put(ctx, queued(id)...))
		require.NoError(t, c.Update(ctx, id, "", func(t *queue.Task) error { t.State = queue.Success; return nil }))
		if i%2 == 0 {
			_, err := c.Delete(ctx, id)
			require.NoError(t, err)
		}
	}
	require.NoError(t, c.Update(ctx, "old", "", func(t *queue.Task) error { t.State = queue.Failed; return nil }))
	require.NoError(t, c.Put(ctx, queued("last")...))
	stored := func() int {
		info, err := h.state.log.stream.Info(ctx)
		require.NoError(t, err)
		return int(info.State.Msgs)
	}
	require.Eventually(t, func() bool { return stored() <= 40 }, 20*time.Second, 10*time.Millisecond, "%d messages", stored())
	h.Close()
	h = startHub(t, dir, nil)
	list, err := c.List(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 32)
}

// TestATaskThatCostsWorkersFails counts attempts whose worker went away.
func TestATaskThatCostsWorkersFails(t *testing.T) {
	ctx := t.Context()
	h := startHub(t, t.TempDir(), &Options{Losses: 3})
	now := time.Now()
	h.state.mu.Lock()
	h.state.now = func() time.Time { return now }
	h.state.mu.Unlock()
	later := func() { h.state.mu.Lock(); now = now.Add(2 * time.Hour); h.state.mu.Unlock() }
	c := dial(t, h, Client)
	require.NoError(t, c.Put(ctx, queued("poison", "good")...))
	for i := range 3 {
		got, err := c.Claim(ctx, lease(fmt.Sprint("w", i)))
		require.NoError(t, err)
		require.Equal(t, "poison", got.ID)
		later()
	}
	got, err := c.Claim(ctx, lease("next"))
	require.NoError(t, err)
	require.Equal(t, "good", got.ID)
	bad, err := c.Get(ctx, "poison")
	require.NoError(t, err)
	assert.Equal(t, queue.Failed, bad.State)
	assert.Contains(t, bad.Error, "lost 3 times")
	require.NoError(t, c.Update(ctx, "poison", "", func(t *queue.Task) error { t.State = queue.Queued; return nil }))
	got, err = c.Claim(ctx, lease("again"))
	require.NoError(t, err)
	assert.Equal(t, "poison", got.ID, "it counts anew")
}

// TestAShorterLease ends when it says, not when the longer one before would have.
func TestAShorterLease(t *testing.T) {
	ctx := t.Context()
	s := startHub(t, t.TempDir(), nil).state
	now := time.Now()
	s.mu.Lock()
	s.now = func() time.Time { return now }
	s.mu.Unlock()
	require.NoError(t, s.put(ctx, queued("a")...))
	_, err := s.claim(ctx, lease("one"), time.Hour, readiness{})
	require.NoError(t, err)
	_, err = s.renew("a", "one", time.Second)
	require.NoError(t, err)
	s.mu.Lock()
	now = now.Add(2 * time.Second)
	s.mu.Unlock()
	got, err := s.claim(ctx, lease("two"), time.Hour, readiness{})
	require.NoError(t, err)
	require.NotNil(t, got)
	s.mu.Lock()
	now = now.Add(2 * time.Hour) // the first entry comes up too, in vain
	s.mu.Unlock()
	got, err = s.claim(ctx, lease("three"), time.Hour, readiness{})
	require.NoError(t, err)
	require.NotNil(t, got)
	got, err = s.claim(ctx, lease("four"), time.Hour, readiness{})
	require.NoError(t, err)
	require.Nil(t, got)
}

func TestRights(t *testing.T) {
	ctx := t.Context()
	h := startHub(t, t.TempDir(), nil)
	client, worker := dial(t, h, Client), dial(t, h, Worker)
	require.NoError(t, client.Put(ctx, queued("a", "b")...))
	worker.patience = time.Nanosecond
	got, err := worker.Claim(ctx, lease("one"))
	require.NoError(t, err)
	require.Equal(t, "a", got.ID)

	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	assert.Error(t, worker.Put(short, queued("mine")...), "a worker does not queue")
	_, err = worker.List(short)
	assert.Error(t, err)
	_, err = worker.Look(ctx, "b", "")
	assert.ErrorIs(t, err, queue.ErrLeaseLost, "nor sees what others do")
	list, err := client.List(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 2)

	// What is to be done is not the worker's to change.
	require.NoError(t, worker.Update(ctx, "a", "one", func(t *queue.Task) error {
		t.Commit, t.Name, t.State = "other", "other", queue.Failed
		return nil
	}))
	now, err := client.Get(ctx, "a")
	require.NoError(t, err)
	assert.Equal(t, "n-a", now.Name)
	assert.Empty(t, now.Commit)
	assert.Equal(t, queue.Failed, now.State)
}

func TestRefusals(t *testing.T) {
	ctx := t.Context()
	h := startHub(t, t.TempDir(), nil)
	good, err := h.Token(Worker, time.Hour)
	require.NoError(t, err)
	parsed, err := ParseToken(" " + good.String() + "\n")
	require.NoError(t, err)
	assert.Equal(t, good.Secret, parsed.Secret)

	wrong := *good
	wrong.Secret = "x"
	_, err = Dial(ctx, &wrong, nil)
	assert.ErrorIs(t, err, ErrRefused)
	assert.NotContains(t, err.Error(), good.Secret)
	wrong = *good
	wrong.Pin = good.Pin[1:] + "0"
	_, err = Dial(ctx, &wrong, nil)
	assert.ErrorIs(t, err, ErrCertificate)
	wrong = *good
	wrong.Expires = time.Now().Add(-time.Hour)
	_, err = Dial(ctx, &wrong, nil)
	assert.ErrorIs(t, err, ErrRefused)
	for _, s := range []string{"", "RJ1.", good.String()[:20], "RJ2." + good.String()[4:], "RJ1.eyJ9"} {
		_, err = ParseToken(s)
		assert.Error(t, err, s)
	}

	c := dial(t, h, Worker)
	bad := c.hello
	bad.Protocol++
	_, err = call[hello](ctx, c, opHello, bad)
	assert.ErrorIs(t, err, ErrVersion)
	assert.True(t, errors.Is(err, ErrVersion))

	require.NoError(t, h.keys().revoke("", c.token.ID))
	require.Eventually(t, func() bool { return c.nc.IsClosed() }, 20*time.Second, 10*time.Millisecond)
	_, err = c.Claim(ctx, lease("one"))
	assert.ErrorIs(t, err, ErrRefused, "it is not tried for ever")
	_, err = Dial(ctx, c.token, nil)
	assert.ErrorIs(t, err, ErrRefused)
	assert.ErrorContains(t, h.keys().revoke("", "nosuch"), "nosuch")
	assert.Equal(t, 0, len(h.keyFilesReadableByOthers()))
}

// TestTheClockOfAWorkerIsAnHourOff: what it sends are durations. Whatever end its own
// clock gives the lease, the hub's counts.
func TestTheClockOfAWorkerIsAnHourOff(t *testing.T) {
	ctx := t.Context()
	h := startHub(t, t.TempDir(), nil)
	c := dial(t, h, Client)
	const ttl = 3 * time.Second
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		id := off.String()
		require.NoError(t, c.Put(ctx, queued(id)...))
		l := queue.Lease{Token: "token" + id, Worker: "off", Expires: time.Now().Add(off + ttl)} // as such a worker has it
		got, err := call[*queue.Task](ctx, c, opClaim, claimRequest{l, ttl, readiness{}})
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
		assert.WithinDuration(t, time.Now().Add(ttl), got.Lease.Expires, time.Minute)
		other, err := c.Claim(ctx, lease("other"+id))
		require.NoError(t, err)
		require.Nil(t, other, "the lease of a worker whose clock is slow counts")
		require.Eventually(t, func() bool {
			other, err = c.Claim(ctx, lease("other"+id))
			return err == nil && other != nil
		}, time.Minute, 10*time.Millisecond, "that of one whose clock is fast ends")
		_, err = call[*queue.Task](ctx, c, opRenew, leaseRequest{id, l.Token, ttl})
		require.ErrorIs(t, err, queue.ErrLeaseLost)
	}
}

// TestChangesThatWereToldAndNotWritten: who heard of one misses none of the next hub's.
func TestChangesThatWereToldAndNotWritten(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	h := startHub(t, dir, nil)
	c := dial(t, h, Client)
	require.NoError(t, c.Put(ctx, queued("a", "b")...))
	changes := c.Watch(ctx)
	h.tell(&entry{Rev: h.state.revision() + 1, Task: queued("b")[0]})
	for task, err := range changes {
		require.NoError(t, err)
		switch task.ID {
		case "b":
			h.Close()
			h = startHub(t, dir, nil)
			_, err := c.Claim(ctx, lease("w"))
			require.NoError(t, err)
			continue
		case "a":
			assert.Equal(t, queue.Running, task.State)
		}
		break
	}
}
