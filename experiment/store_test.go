package experiment

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testStore(t *testing.T) (*boltStore, *time.Time) {
	now := time.Unix(1_000_000, 0)
	return &boltStore{file: filepath.Join(t.TempDir(), "q", "queue.db"), now: func() time.Time { return now }}, &now
}

func TestStoreLeases(t *testing.T) {
	s, now := testStore(t)
	ctx := t.Context()
	none, err := s.Claim(ctx, Lease{Token: "x"})
	require.NoError(t, err)
	assert.Nil(t, none)
	require.NoError(t, s.Put(ctx, Task{ID: "a", State: Queued}, Task{ID: "b", State: Queued}))
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
	require.NoError(t, s.Put(t.Context(), Task{ID: "a", State: Queued}))
	_, err := s.Claim(t.Context(), Lease{Token: "one", PID: 1, Expires: now.Add(time.Hour)})
	require.NoError(t, err)
	got, err := s.Claim(t.Context(), Lease{Token: "two", PID: 2, Expires: now.Add(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, "a", got.ID)
}

func TestRebootEndsLeases(t *testing.T) {
	if bootID() == "" {
		t.Skip("this system does not tell boots apart")
	}
	l := Lease{Host: hostname(), Boot: bootID(), PID: 1, Expires: time.Now().Add(time.Hour)}
	l.PID = pid()
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
	assert.ErrorIs(t, s.Put(ctx, Task{ID: "a"}), context.Canceled)
}

func TestShowCacheSurvivesDamage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	id := func(c string) (id string) {
		for range 40 {
			id += c
		}
		return id
	}
	write := func(names ...string) {
		c := openShowCache(file)
		for _, n := range names {
			c.put(gitID(id(n)), &Data{Time: time.Unix(7, 0), text: []byte("text of " + n)})
		}
		c.save()
	}
	write("a", "b")
	write("c")
	c := openShowCache(file)
	assert.Len(t, c.known, 3)
	truncate(t, file, 5)
	c = openShowCache(file)
	assert.Len(t, c.known, 2, "what follows the damage is forgotten")
	write("d")
	c = openShowCache(file)
	assert.Len(t, c.known, 3)
	d, ok := c.get(gitID(id("d")))
	require.True(t, ok)
	assert.Equal(t, "text of d", string(d.text))
}

func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.5e3, NaN, -Infinity, "x\u00e9\ud83d\ude00"]}`, `[`, `"\u12`, `{"a" 1}`, "1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { parseJSON(data) })
}

func FuzzShowRecord(f *testing.F) {
	f.Add([]byte(string(make([]byte, 40)) + " 1 00000000 0\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, n := parseShowRecord(data); n > len(data) {
			t.Fatal(n)
		}
	})
}

func FuzzParseRef(f *testing.F) {
	f.Add("refs/exps/12/34567890123456789012345678901234567890/x")
	f.Add("refs/exps/exec/EXEC_HEAD/x")
	f.Fuzz(func(t *testing.T, s string) {
		if r, ok := parseRef(s); ok && r.String() != s {
			t.Fatalf("%q became %q", s, r)
		}
	})
}
