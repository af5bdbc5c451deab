package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

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
		Back      int64 // how many bytes before Off can be sent again
	}
	logAnswer struct {
		// Again is how many bytes before Off are to come first: the hub has none of the
		// attempt, as another one had it, and nothing was written.
		Again int64 `json:",omitempty"`
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
	mu      sync.Mutex
	at      map[string]logPlace
	failing bool // the last piece could not be written
}

func (h *Hub) logFile(id string) string   { return filepath.Join(h.files, "logs", id+".log") }
func (h *Hub) placeFile(id string) string { return h.logFile(id) + ".at" }
func (h *Hub) liveFile(id string) string  { return filepath.Join(h.files, "live", id+".json") }

// mine refuses a worker that no longer has the task.
func (h *Hub) mine(id, token string) error {
	t, _, err := h.state.get(id)
	if isNotFound(err) || err == nil && (token == "" || t.Lease.Token != token) {
		return queue.ErrLeaseLost
	}
	return err
}

// mostPlaces is how many places are kept in memory. All are in files beside the logs.
const mostPlaces = 4096

// onLog writes a piece of a log where it belongs: it may come twice.
func (h *Hub) onLog(_ context.Context, _ string, r logRequest) (logAnswer, error) {
	if err := h.mine(r.ID, r.Token); err != nil {
		return logAnswer{}, err
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	at := h.logPlace(r.ID)
	if at.Attempt != r.Attempt && r.Off > 0 && r.Back > 0 {
		return logAnswer{Again: min(r.Back, r.Off)}, nil
	}
	err := h.writeLog(at, r)
	if err != nil && !h.logs.failing {
		h.log.Warn(fmt.Sprintf("logs cannot be written, and wait at the workers: %v", err))
	}
	if h.logs.failing = err != nil; err == nil {
		h.nc.Publish(h.space+".l."+r.ID, r.Data)
	}
	return logAnswer{}, err
}

func (h *Hub) writeLog(at logPlace, r logRequest) error {
	f, err := os.OpenFile(h.logFile(r.ID), os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	if at.Attempt != r.Attempt {
		at, err = h.beginAttempt(r, f)
	}
	if err == nil && at.Base+r.Off >= 0 {
		_, err = f.WriteAt(r.Data, at.Base+r.Off)
	}
	return err
}

// logPlace is where the last attempt of a task began; the zero value if nothing is known
// of one. The caller has the lock.
func (h *Hub) logPlace(id string) logPlace {
	at, ok := h.logs.at[id]
	if !ok {
		if data, err := os.ReadFile(h.placeFile(id)); err == nil && json.Unmarshal(data, &at) == nil {
			h.logs.at[id] = at
		}
	}
	return at
}

// beginAttempt makes the beginning of an attempt after what there is. The caller has
// the lock.
func (h *Hub) beginAttempt(r logRequest, f *os.File) (logPlace, error) {
	fi, err := f.Stat()
	if err != nil {
		return logPlace{}, err
	}
	size := fi.Size()
	if r.Off > 0 {
		note := missingLog(r.Off)
		if _, err := f.WriteAt(note, size); err != nil {
			return logPlace{}, err
		}
		size += int64(len(note))
	}
	at := logPlace{r.Attempt, size - r.Off}
	data, err := json.Marshal(at)
	if err == nil {
		err = atomicfile.WriteFile(h.placeFile(r.ID), data, nil)
	}
	if err == nil {
		if len(h.logs.at) >= mostPlaces {
			clear(h.logs.at)
		}
		h.logs.at[r.ID] = at
	}
	return at, err
}

// missingLog stands for the beginning of a log that a hub does not have.
func missingLog(n int64) []byte {
	return fmt.Appendf(nil, "(the first %d bytes of this log are on the machine of the hub that had them)\n", n)
}

// forget deletes what there is of tasks that are no more, but for the logs of stages that
// failed: their call tells of them when it has ended.
func (h *Hub) forget(tasks ...queue.Task) {
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	for i := range tasks {
		t := &tasks[i]
		delete(h.logs.at, t.ID)
		os.Remove(h.placeFile(t.ID))
		os.Remove(h.liveFile(t.ID))
		if t.Options.Stage == nil || t.State == queue.Success {
			os.Remove(h.logFile(t.ID))
		}
	}
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
