package hub

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/atomicfile"
)

// keptLog is how much of a log is kept, of its end.
const keptLog = 4 << 20

// keepLog keeps what a task has printed that has ended.
func (k *keeper) keepLog(ctx context.Context, id string) error {
	data, err := os.ReadFile(k.h.logFile(id))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if n := len(data) - keptLog; n > 0 {
		data = append(fmt.Appendf(nil, "(the first %d bytes of this log are on the machine of the hub that had them)\n", n), data[n:]...)
	}
	return k.put(ctx, logObject+id, data)
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
