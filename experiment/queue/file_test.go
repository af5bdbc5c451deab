package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/host"
)

func task(id string) Task { return Task{Plan: experiment.Plan{ID: id}, State: Queued} }

func testStore(t *testing.T, marks ...Task) (*fileStore, *bytes.Buffer) {
	log := new(bytes.Buffer)
	file := filepath.Join(t.TempDir(), "q", "queue.db")
	return newFileStore(file, func(context.Context) ([]Task, error) { return marks, nil }, slog.New(slog.NewTextHandler(log, nil))), log
}

func ids(t *testing.T, s Store, states ...TaskState) (list []string) {
	tasks, err := s.List(t.Context(), states...)
	require.NoError(t, err)
	for _, task := range tasks {
		list = append(list, task.ID)
	}
	return list
}

func TestDeadProcessesHoldNoLease(t *testing.T) {
	s, _ := testStore(t)
	s.alive = func(l Lease) bool { return l.PID != 1 }
	require.NoError(t, s.Put(t.Context(), task("a")))
	_, err := s.Claim(t.Context(), Lease{Token: "one", PID: 1, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	got, err := s.Claim(t.Context(), Lease{Token: "two", PID: 2, Expires: time.Now().Add(time.Hour)})
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

// TestDamagedFilesAreRebuilt damages a store in every way that a full disk or a
// kill might, and then reads, or writes, first.
func TestDamagedFilesAreRebuilt(t *testing.T) {
	good, _ := testStore(t)
	for i := range 60 { // more than the first pages hold
		require.NoError(t, good.Put(t.Context(), task(fmt.Sprintf("old-%d-%0300d", i, i))))
	}
	whole, err := os.ReadFile(good.file)
	require.NoError(t, err)
	damages := map[string][]byte{"empty": {}, "one byte": {0}, "text": []byte("not a database\n")}
	for _, pages := range []int{1, 2, 3, 5, 8} {
		damages["zeros of "+string(rune('0'+pages))+" pages"] = make([]byte, pages*4096)
		damages["first "+string(rune('0'+pages))+" pages"] = whole[:pages*4096]
		holed := bytes.Clone(whole)
		clear(holed[pages*4096:])
		damages["a hole after "+string(rune('0'+pages))+" pages"] = holed
	}
	for name, data := range damages {
		for _, first := range []string{"read", "write", "claim"} {
			t.Run(name+", "+first, func(t *testing.T) {
				s, log := testStore(t, task("a"), task("b"))
				require.NoError(t, os.MkdirAll(filepath.Dir(s.file), 0o777))
				require.NoError(t, os.WriteFile(s.file, data, 0o666))
				want := []string{"a", "b"}
				switch first {
				case "write":
					require.NoError(t, s.Put(t.Context(), task("b"), task("new")))
					want = append(want, "new")
				case "claim":
					got, err := s.Claim(t.Context(), Lease{Token: "x", Expires: time.Now().Add(time.Hour), Host: "elsewhere"})
					require.NoError(t, err)
					assert.Equal(t, "a", got.ID)
				}
				assert.Equal(t, want, ids(t, s))
				assert.Contains(t, log.String(), "set aside")
				aside, err := filepath.Glob(s.file + ".damaged-*")
				require.NoError(t, err)
				require.Len(t, aside, 1)
				kept, err := os.ReadFile(aside[0])
				require.NoError(t, err)
				assert.Equal(t, len(data), len(kept))
			})
		}
	}
}

func TestMissingFile(t *testing.T) {
	none, _ := testStore(t)
	assert.Empty(t, ids(t, none))
	assert.NoFileExists(t, none.file, "reading does not make a file")
	s, log := testStore(t, task("a"))
	assert.Equal(t, []string{"a"}, ids(t, s), "the marks tell what is queued")
	assert.Empty(t, log.String())
	require.NoError(t, s.Put(t.Context(), task("a"), task("b")))
	assert.Equal(t, []string{"a", "b"}, ids(t, s))
}

// TestFirstLayout reads a file as earlier versions wrote it.
func TestFirstLayout(t *testing.T) {
	s, log := testStore(t, task("marked"))
	require.NoError(t, os.MkdirAll(filepath.Dir(s.file), 0o777))
	db, err := bbolt.Open(s.file, 0o666, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucketOld)
		require.NoError(t, err)
		for i, state := range []TaskState{Success, Queued, Failed, Running} {
			old := task(string(rune('a' + i)))
			old.State, old.Lease = state, Lease{Token: "t", Host: "elsewhere", Expires: time.Now().Add(time.Hour)}
			data, err := json.Marshal(old)
			require.NoError(t, err)
			require.NoError(t, b.Put(binary.BigEndian.AppendUint64(nil, uint64(i+1)), data))
		}
		return nil
	}))
	require.NoError(t, db.Close())
	assert.Equal(t, []string{"a", "b", "c", "d"}, ids(t, s))
	assert.Equal(t, []string{"b"}, ids(t, s, Queued))
	_, err = s.Renew(t.Context(), "d", "t", time.Now().Add(time.Hour))
	require.NoError(t, err, "its worker goes on")
	assert.Empty(t, log.String())
}

// TestRebootIsNoticed changes a store as if before a power cut, and makes it
// forget a task.
func TestRebootIsNoticed(t *testing.T) {
	if host.Boot() == "" {
		t.Skip("this system does not tell boots apart")
	}
	marks := []Task{task("a"), task("b")}
	s, log := testStore(t, marks...)
	require.NoError(t, s.Put(t.Context(), task("a")))
	_, err := s.Delete(t.Context(), "b")
	require.NoError(t, err)
	forget := func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyBoot, []byte("earlier")) }
	require.NoError(t, s.renovate(forget))
	assert.Equal(t, []string{"a"}, ids(t, s), "reading does not wait for it")
	require.NoError(t, s.Put(t.Context(), task("c")))
	assert.Equal(t, []string{"a", "b", "c"}, ids(t, s), "what is marked is queued")
	assert.Empty(t, log.String())
}

func TestPanicOfACallerIsItsOwn(t *testing.T) {
	s, log := testStore(t)
	require.NoError(t, s.Put(t.Context(), task("a")))
	assert.PanicsWithValue(t, "mine", func() {
		s.Update(t.Context(), "a", "", func(*Task) error { panic("mine") })
	})
	assert.Equal(t, []string{"a"}, ids(t, s))
	assert.Empty(t, log.String())
}
