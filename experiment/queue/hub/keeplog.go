package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/atomicfile"
)

// keptLog is how much of a log is kept, of its end.
const keptLog = 4 << 20

// keepLog keeps what a task has printed that has ended.
func (k *keeper) keepLog(ctx context.Context, id string) error {
	data, err := endOfFile(k.h.logFile(id), keptLog)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.put(ctx, logObject+id, data)
}

// endOfFile reads at most the last bytes of a log, with a note of what is missing.
func endOfFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var note []byte
	skip := max(0, fi.Size()-most)
	if skip > 0 {
		note = missingLog(skip)
	}
	data, err := io.ReadAll(io.NewSectionReader(f, skip, most))
	return append(note, data...), err
}

// bringLogs fetches the logs of tasks that ended under hubs of other clones.
func (k *keeper) bringLogs(ctx context.Context) {
	tasks, _ := k.h.state.list(0, queue.Success, queue.Failed)
	for i := range tasks {
		if err := k.bringLog(ctx, tasks[i].ID); err != nil {
			if ctx.Err() != nil {
				return
			}
			k.h.log.Debug(fmt.Sprintf("the log of experiment '%s': %v", tasks[i].Name, err))
		}
	}
}

func (k *keeper) bringLog(ctx context.Context, id string) error {
	if _, err := os.Stat(k.h.logFile(id)); err == nil {
		return nil
	}
	data, err := k.store.GetBytes(ctx, logObject+id)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	k.h.logs.mu.Lock()
	defer k.h.logs.mu.Unlock()
	if _, err := os.Stat(k.h.logFile(id)); err == nil {
		return nil // somebody runs it again
	}
	return atomicfile.WriteFile(k.h.logFile(id), data, nil)
}

// ownLogs names the logs of tasks by where they are on this machine: another hub may
// have written them.
func (h *Hub) ownLogs() {
	h.state.mu.Lock()
	defer h.state.mu.Unlock()
	for id, e := range h.state.tasks {
		e.Log = h.logFile(id)
	}
}
