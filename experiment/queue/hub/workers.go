package hub

import (
	"cmp"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// WorkerInfo is a machine's worker, as `queue workers` shows it.
type WorkerInfo struct {
	ID    string // unique
	Name  string
	Host  string
	OS    string          // GOOS/GOARCH
	Build string          // SHA-256 of its program
	Jobs  int             // that it runs at a time
	Offer queue.Resources // for each
	Since time.Time       // by the hub's clock
	Task  string          // id of the one it runs; "" is idle
	Seen  time.Time       // by the hub's clock
}

// met notes a worker that said who it is.
func (h *Hub) met(id string, w WorkerInfo) {
	if id == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.workers[id]; old != nil {
		w.Task, w.Since = old.Task, old.Since
	} else {
		w.Since = time.Now()
	}
	w.ID, w.Seen = id, time.Now()
	h.workers[id] = &w
}

// seenWorker notes that a worker asked something. It is false for one that has to say
// who it is: over a server of the site's it does not notice that the hub is another.
func (h *Hub) seenWorker(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.workers[id]; w != nil {
		w.Seen = time.Now()
		return true
	}
	return id == "" || h.server != nil
}

// busy notes the task that a worker was given, nil for none: then it may still be at
// another one.
func (h *Hub) busy(worker string, t *queue.Task) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.workers[worker]
	switch {
	case w == nil:
	case t != nil:
		w.Task = t.ID
	case !h.state.running(w.Task):
		w.Task = ""
	}
}

// idle notes that a worker has ended a task. It may have begun with the next one while
// the result was on its way.
func (h *Hub) idle(worker, task string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.workers[worker]; w != nil && w.Task == task {
		w.Task = ""
	}
}

// left forgets a worker that has ended.
func (h *Hub) left(worker string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.workers, worker)
}

// Workers are those heard of within the last lease that did not say that they end, by
// host and name.
func (h *Hub) Workers() []WorkerInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []WorkerInfo
	now := time.Now()
	for id, w := range h.workers {
		if sinceSeen(w, now) > max(h.opts.Lease, 10*time.Second) {
			delete(h.workers, id)
			continue
		}
		list = append(list, *w)
	}
	slices.SortFunc(list, func(a, b WorkerInfo) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// errDismissed tells a worker that it is to end.
var errDismissed = errors.New("the workers were asked to stop")

// dismiss makes all workers end that have joined by now, before their next task.
func (h *Hub) dismiss() {
	h.mu.Lock()
	h.dismissed = time.Now()
	h.mu.Unlock()
}

// mayClaim refuses a worker that is to end.
func (h *Hub) mayClaim(id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.workers[id]; w != nil && !w.Since.After(h.dismissed) {
		delete(h.workers, id)
		return errDismissed
	}
	return nil
}

// version is that of this program, for messages.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "an unknown version"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	for key := range maps.Keys(settings) {
		if key == "vcs.revision" {
			return info.Main.Version + " (" + settings[key] + ")"
		}
	}
	return info.Main.Version
}
