package hub

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/atomicfile"
)

const (
	opLog    = "w.log"
	opLive   = "w.live"
	opReadTo = "c.log"
	opLiveOf = "c.live"
)

type (
	logRequest struct {
		ID, Token string
		Attempt   int
		Off       int64 // within the attempt
		Data      []byte
	}
	liveRequest struct {
		ID, Token string
		Files     map[string][]byte
	}
)

type liveAnswer struct {
	Files map[string]json.RawMessage // by the task
	Read  int                        // tasks that it is about: as many as one message takes
}

// logPlace is where the output of an attempt begins in the log of a task.
type logPlace struct {
	Attempt int
	Base    int64
}

// logs are the logs of tasks, in the files that a queue of one machine has.
type logs struct {
	mu sync.Mutex
	at map[string]logPlace
}

func (h *Hub) logFile(id string) string  { return filepath.Join(h.files, "logs", id+".log") }
func (h *Hub) liveFile(id string) string { return filepath.Join(h.files, "live", id+".json") }

// mine refuses a worker that no longer has the task.
func (h *Hub) mine(id, token string) error {
	t, _, err := h.state.get(id)
	if isNotFound(err) || err == nil && (token == "" || t.Lease.Token != token) {
		return queue.ErrLeaseLost
	}
	return err
}

// onLog writes a piece of a log where it belongs: it may come twice.
func (h *Hub) onLog(_ context.Context, _ string, r logRequest) (none, error) {
	if err := h.mine(r.ID, r.Token); err != nil {
		return none{}, err
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	f, err := os.OpenFile(h.logFile(r.ID), os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return none{}, err
	}
	defer f.Close()
	at, err := h.logPlace(r.ID, r.Attempt, r.Off, f)
	if err == nil && at.Base+r.Off >= 0 {
		_, err = f.WriteAt(r.Data, at.Base+r.Off)
	}
	if err == nil {
		h.nc.Publish(h.space+".l."+r.ID, r.Data)
	}
	return none{}, err
}

// logPlace finds or makes the beginning of an attempt; the caller has the lock. What
// came before off was sent to a hub of another machine.
func (h *Hub) logPlace(id string, attempt int, off int64, f *os.File) (logPlace, error) {
	at, ok := h.logs.at[id]
	side := h.logFile(id) + ".at"
	if !ok {
		if data, err := os.ReadFile(side); err == nil {
			json.Unmarshal(data, &at)
		}
	}
	if at.Attempt != attempt {
		fi, err := f.Stat()
		if err != nil {
			return at, err
		}
		at = logPlace{attempt, fi.Size() - off}
		data, err := json.Marshal(at)
		if err == nil {
			err = atomicfile.WriteFile(side, data, nil)
		}
		if err != nil {
			return at, err
		}
	}
	h.logs.at[id] = at
	return at, nil
}

// onLive keeps the metrics that a running task has so far.
func (h *Hub) onLive(_ context.Context, _ string, r liveRequest) (none, error) {
	if err := h.mine(r.ID, r.Token); err != nil {
		return none{}, err
	}
	data, err := json.Marshal(r.Files)
	if err == nil {
		err = atomicfile.WriteFile(h.liveFile(r.ID), data, nil)
	}
	return none{}, err
}

// onLiveOf tells clients of other machines the metrics that tasks have so far.
func (h *Hub) onLiveOf(_ context.Context, _ string, ids []string) (liveAnswer, error) {
	a := liveAnswer{Files: map[string]json.RawMessage{}}
	for size := 0; a.Read < len(ids); a.Read++ {
		id := ids[a.Read]
		if !h.state.running(id) {
			continue // also an id that is none
		}
		data, err := os.ReadFile(h.liveFile(id))
		most := min(pageBytes, h.limit()-4<<10)
		if err != nil || len(data) > most || !json.Valid(data) {
			continue
		}
		if size += len(data) + len(id) + 4; size > most {
			break
		}
		a.Files[id] = data
	}
	return a, nil
}

// onReadLog gives clients a piece of a log.
func (h *Hub) onReadLog(_ context.Context, _ string, r readRequest) (piece, error) {
	if h.state.missing(r.ID) {
		return piece{}, unknownTask(r.ID)
	}
	p, err := readPiece(h.logFile(r.ID), r.Off, int64(h.piece()))
	if errors.Is(err, os.ErrNotExist) {
		return piece{}, nil
	}
	return p, err
}

// logWriter sends what a task prints, in pieces: the first at once, and then
// what has gathered. It never delays the program, except when very much waits.
type logWriter struct {
	c       *Conn
	t       *queue.Task
	mu      sync.Mutex
	room    *sync.Cond
	pending []byte
	off     int64
	wake    chan struct{}
	done    chan struct{}
	hurry   chan struct{} // closed when somebody waits for the end
	closed  bool
}

// logGather is how long lines gather before they are sent.
const logGather = 20 * time.Millisecond

// logRoom is how much may wait while the hub is away.
const logRoom = 64 << 20

func (c *Conn) newLog(ctx context.Context, t *queue.Task) *logWriter {
	w := &logWriter{c: c, t: t, wake: make(chan struct{}, 1), done: make(chan struct{}), hurry: make(chan struct{})}
	w.room = sync.NewCond(&w.mu)
	go w.send(ctx)
	return w
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	for len(w.pending) > logRoom && !w.closed {
		w.room.Wait()
	}
	if !w.closed {
		w.pending = append(w.pending, p...)
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return len(p), nil
}

// send sends until Close, or the task is somebody else's.
func (w *logWriter) send(ctx context.Context) {
	defer close(w.done)
	for {
		w.mu.Lock()
		data, closed := w.pending, w.closed
		if len(data) > w.c.piece() {
			data = data[:w.c.piece()]
		}
		w.mu.Unlock()
		if len(data) == 0 {
			if closed {
				return
			}
			<-w.wake
			continue
		}
		if _, err := call[none](ctx, w.c, opLog, logRequest{w.t.ID, w.t.Lease.Token, w.t.Attempts, w.off, data}); err != nil {
			w.mu.Lock()
			w.closed, w.pending = true, nil
			w.room.Broadcast()
			w.mu.Unlock()
			return
		}
		w.off += int64(len(data))
		w.mu.Lock()
		w.pending = append([]byte(nil), w.pending[len(data):]...)
		w.room.Broadcast()
		w.mu.Unlock()
		if !closed {
			select {
			case <-w.hurry:
			case <-time.After(logGather):
			}
		}
	}
}

// drain waits until what was written is sent, or ctx ends. It is called once, when the
// task has no more to say.
func (w *logWriter) drain(ctx context.Context) {
	close(w.hurry)
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.room.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.pending) > 0 && !w.closed && ctx.Err() == nil {
		w.room.Wait()
	}
}

// Close waits until all is sent, or ctx of newLog has ended.
func (w *logWriter) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	<-w.done
	return nil
}
