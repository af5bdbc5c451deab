package queue

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/host"
)

func testStore(t *testing.T) (*boltStore, *time.Time) {
	now := time.Unix(1_000_000, 0)
	return &boltStore{file: filepath.Join(t.TempDir(), "q", "queue.db"), now: func() time.Time { return now }}, &now
}

func task(id string) Task { return Task{Plan: experiment.Plan{ID: id}, State: Queued} }

func TestStoreLeases(t *testing.T) {
	s, now := testStore(t)
	ctx := t.Context()
	none, err := s.Claim(ctx, Lease{Token: "x"})
	require.NoError(t, err)
	assert.Nil(t, none)
	require.NoError(t, s.Put(ctx, task("a"), task("b")))
	lease := func(token string) Lease { return Lease{Token: token, Expires: now.Add(time.Minute)} }

	first, err := s.Claim(ctx, lease("one"))
	require.NoError(t, err)
	assert.Equal(t, "a", first.ID)
	second, err := s.Claim(ctx, lease("two"))
	require.NoError(t, err)
	assert.Equal(t, "b", second.ID)
	none, err = s.Claim(ctx, lease("three"))
	require.NoError(t, err)
	assert.Nil(t, none)

	finish := func(t *Task) error { t.State = Success; return nil }
	assert.ErrorIs(t, s.Update(ctx, "a", "two", finish), ErrLeaseLost)
	require.NoError(t, s.Update(ctx, "b", "two", func(t *Task) error { t.Lease.Expires = now.Add(time.Hour); return nil }))

	*now = now.Add(2 * time.Minute) // the first worker fell silent
	list, err := s.Tasks(ctx)
	require.NoError(t, err)
	assert.Equal(t, []TaskState{Queued, Running}, []TaskState{list[0].State, list[1].State})
	again, err := s.Claim(ctx, lease("three"))
	require.NoError(t, err)
	assert.Equal(t, "a", again.ID)
	assert.Equal(t, 2, again.Attempts)
	assert.ErrorIs(t, s.Update(ctx, "a", "one", finish), ErrLeaseLost, "its result does not count any more")
	require.NoError(t, s.Update(ctx, "a", "three", finish))
	assert.ErrorIs(t, s.Update(ctx, "a", "three", finish), ErrLeaseLost, "a result counts once")

	gone, err := s.Delete(ctx, "a", "b")
	require.NoError(t, err)
	require.Len(t, gone, 1, "a running task stays")
	assert.Equal(t, "a", gone[0].ID)
}

func TestDeadProcessesHoldNoLease(t *testing.T) {
	s, now := testStore(t)
	s.alive = func(l Lease) bool { return l.PID != 1 }
	require.NoError(t, s.Put(t.Context(), task("a")))
	_, err := s.Claim(t.Context(), Lease{Token: "one", PID: 1, Expires: now.Add(time.Hour)})
	require.NoError(t, err)
	got, err := s.Claim(t.Context(), Lease{Token: "two", PID: 2, Expires: now.Add(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, "a", got.ID)
}

func TestRebootEndsLeases(t *testing.T) {
	if host.Boot() == "" {
		t.Skip("this system does not tell boots apart")
	}
	machine, err := os.Hostname()
	require.NoError(t, err)
	l := Lease{Host: machine, Boot: host.Boot(), PID: os.Getpid(), Expires: time.Now().Add(time.Hour)}
	assert.True(t, leaseAlive(l))
	l.Boot = "earlier"
	assert.False(t, leaseAlive(l))
	l.Host, l.PID = "elsewhere", 1<<22+1
	assert.True(t, leaseAlive(l), "only its own host knows")
}

func TestStoreOfCancelledContext(t *testing.T) {
	s, _ := testStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, s.Put(ctx, task("a")), context.Canceled)
}
