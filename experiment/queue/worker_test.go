package queue_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// filled is a store with tasks of these ids.
func filled(t *testing.T, ids ...string) queue.Store {
	t.Helper()
	s := queue.NewFileStore(filepath.Join(t.TempDir(), "queue.db"), nil)
	for _, id := range ids {
		require.NoError(t, s.Put(t.Context(), queue.Task{Plan: experiment.Plan{ID: id, Name: id}, State: queue.Queued}))
	}
	return s
}

// TestTheNextTaskBeginsWhileAResultIsOnItsWay and no third one, so that results do not
// gather at a worker.
func TestTheNextTaskBeginsWhileAResultIsOnItsWay(t *testing.T) {
	s := filled(t, "a", "b", "c")
	began, arrived := make(chan string, 3), map[string]chan bool{"a": make(chan bool), "b": make(chan bool), "c": make(chan bool)}
	worked := make(chan error, 1)
	go func() {
		worked <- queue.Work(t.Context(), s, nil, func(_ context.Context, task *queue.Task, free func()) (string, error) {
			began <- task.ID
			free()
			<-arrived[task.ID]
			return "rev-" + task.ID, nil
		})
	}()
	assert.Equal(t, "a", <-began)
	assert.Equal(t, "b", <-began)
	select {
	case id := <-began:
		t.Errorf("%s began while two results were on their way", id)
	case <-time.After(50 * time.Millisecond):
	}
	running, err := s.List(t.Context(), queue.Running)
	require.NoError(t, err)
	assert.Len(t, running, 2)
	close(arrived["a"])
	assert.Equal(t, "c", <-began)
	close(arrived["c"])
	close(arrived["b"])
	require.NoError(t, <-worked)
	done, err := s.List(t.Context(), queue.Success)
	require.NoError(t, err)
	require.Len(t, done, 3)
	assert.Equal(t, "rev-b", done[1].Result)
}

// TestAWorkerOutlivesItsLastResult and takes its task again if that did not arrive.
func TestAWorkerOutlivesItsLastResult(t *testing.T) {
	s := filled(t, "a")
	tries := 0
	require.NoError(t, queue.Work(t.Context(), s, nil, func(_ context.Context, _ *queue.Task, free func()) (string, error) {
		free()
		if tries++; tries == 1 {
			time.Sleep(20 * time.Millisecond)
			return "", &queue.MachineError{Err: errors.New("no way")}
		}
		return "rev", nil
	}))
	assert.Equal(t, 2, tries)
	task, err := s.Get(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, queue.Success, task.State)
}
