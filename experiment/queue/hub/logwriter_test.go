package hub

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
)

// aTask is a task that runs, and the connection of its worker.
func aTask(t *testing.T, h *Hub) (*Conn, *queue.Task) {
	t.Helper()
	c := dial(t, h, Client)
	require.NoError(t, c.Put(t.Context(), queued("a")...))
	task, err := c.Claim(t.Context(), lease("w"))
	require.NoError(t, err)
	return c, task
}

// printed is lines of n bytes in all.
func printed(n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "line %d\x00\xff\r\n", i)
	}
	return b[:n]
}

// TestALogOutlivesAFullDisk: while the hub cannot write, what a task prints waits.
func TestALogOutlivesAFullDisk(t *testing.T) {
	var told bytes.Buffer
	h := startHub(t, filepath.Join(t.TempDir(), "hub"), &Options{Logger: slog.New(slog.NewTextHandler(&told, nil))})
	c, task := aTask(t, h)
	w := c.newLog(t.Context(), task)
	text := printed(100_000)
	w.Write(text[:10])
	w.drainTo(t, 10)
	file := h.logFile("a")
	dir := filepath.Dir(file)
	require.NoError(t, os.Rename(dir, dir+".kept"))
	require.NoError(t, os.WriteFile(dir, nil, 0o666)) // nothing can be below that
	refused := h.refusals(t, c, task)
	w.Write(text[10:])
	<-refused
	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.Rename(dir+".kept", dir))
	w.drain(t.Context())
	require.NoError(t, w.Close())
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(text, got), "%d of %d bytes", len(got), len(text))
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	assert.Equal(t, 1, strings.Count(told.String(), "logs cannot be written"), "of which the hub tells once")
}

// drainTo waits until so much was sent.
func (w *logWriter) drainTo(t *testing.T, off int64) {
	t.Helper()
	require.Eventually(t, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.off == off }, time.Minute, time.Millisecond)
}

// refusals is closed when the hub has seen that it cannot write a log.
func (h *Hub) refusals(t *testing.T, c *Conn, task *queue.Task) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := call[logAnswer](t.Context(), c, opLog, logRequest{ID: task.ID, Token: task.Lease.Token, Attempt: task.Attempts, Off: 10, Data: []byte("x")})
		assert.Error(t, err)
	}()
	return done
}

// TestTheNextHubHasTheLog: a hub without the log of a running task asks for what the
// worker still has.
func TestTheNextHubHasTheLog(t *testing.T) {
	for _, c := range []struct {
		name        string
		before, end int
	}{{"all of it", 1 << 20, 1 << 10}, {"its end", 3*keptLog + 5, 1 << 10}} {
		t.Run(c.name, func(t *testing.T) {
			h := startHub(t, filepath.Join(t.TempDir(), "hub"), nil)
			conn, task := aTask(t, h)
			w := conn.newLog(t.Context(), task)
			text := printed(c.before + c.end)
			w.Write(text[:c.before])
			w.drainTo(t, int64(c.before))
			h.forget(*task)
			require.NoError(t, os.WriteFile(h.logFile("a"), []byte("attempt of before\n"), 0o666))
			w.Write(text[c.before:])
			w.drain(t.Context())
			require.NoError(t, w.Close())
			got, err := os.ReadFile(h.logFile("a"))
			require.NoError(t, err)
			got, ok := bytes.CutPrefix(got, []byte("attempt of before\n"))
			require.True(t, ok)
			if c.before > 2*keptLog {
				var missing int
				_, err := fmt.Sscanf(string(got), "(the first %d bytes", &missing)
				require.NoError(t, err)
				_, got, _ = bytes.Cut(got, []byte("\n"))
				assert.LessOrEqual(t, missing, c.before-keptLog)
				text = text[missing:]
			}
			assert.True(t, bytes.Equal(text, got), "%d of %d bytes", len(got), len(text))
		})
	}
}

// TestWhatAWriterKeeps bounds the memory of a worker whose task prints much, while the hub
// is there: on a slow machine it would be taken for away, for which there is more room.
func TestWhatAWriterKeeps(t *testing.T) {
	h := startHub(t, filepath.Join(t.TempDir(), "hub"), nil)
	c, task := aTask(t, h)
	w := c.newLogAway(t.Context(), task, time.Hour)
	text := printed(1 << 20)
	for i := range 100 {
		w.Write(text)
		w.mu.Lock()
		require.LessOrEqual(t, len(w.text), 2*keptLog+logRoom+len(text), "after %d MiB", i+1)
		w.mu.Unlock()
	}
	w.drain(t.Context())
	require.NoError(t, w.Close())
	fi, err := os.Stat(h.logFile("a"))
	require.NoError(t, err)
	assert.EqualValues(t, 100<<20, fi.Size())
}

// TestNothingIsLeftOfARemovedTask removes a task from the machine of a client.
func TestNothingIsLeftOfARemovedTask(t *testing.T) {
	h := startHub(t, filepath.Join(t.TempDir(), "hub"), nil)
	c, task := aTask(t, h)
	ctx := context.WithoutCancel(t.Context())
	w := c.newLog(ctx, task)
	w.Write([]byte("hello\n"))
	w.drain(ctx)
	require.NoError(t, w.Close())
	_, err := call[none](ctx, c, opLive, liveRequest{task.ID, task.Lease.Token, map[string][]byte{"m.json": []byte("{}")}})
	require.NoError(t, err)
	require.FileExists(t, h.liveFile("a"))
	require.NoError(t, c.Update(ctx, "a", "w", func(t *queue.Task) error { t.State, t.Error = queue.Failed, "broken"; return nil }))
	assert.NoFileExists(t, h.liveFile("a"))
	require.FileExists(t, h.logFile("a"))
	_, err = c.Delete(ctx, "a")
	require.NoError(t, err)
	left, err := filepath.Glob(filepath.Join(h.files, "l*", "*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestTheEndOfALogIsKept(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(name, []byte("0123456789"), 0o666))
	got, err := endOfFile(name, 4)
	require.NoError(t, err)
	assert.Equal(t, string(missingLog(6))+"6789", string(got))
	got, err = endOfFile(name, 10)
	require.NoError(t, err)
	assert.Equal(t, "0123456789", string(got))
}
