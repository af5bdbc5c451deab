package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// keeper has, in the object store of the site's servers, what git has of the tasks in the
// repository of the hub, so that a hub of another clone can go on: what each is to run,
// and the experiment that came of it. It follows what happens, and nobody waits for it:
// of what it had not done yet when the hub's machine was lost, marks have to be
// fetched from there, and tasks whose result is missing run again.
type keeper struct {
	h     *Hub
	store jetstream.ObjectStore

	mu    sync.Mutex
	todo  map[string]*queue.Task // nil: the task is gone
	wake  chan struct{}
	names map[string]bool // of objects; run alone changes it
}

// The names of objects, before an id or the commit of a baseline.
const (
	baseObject   = "base."
	taskObject   = "task."
	resultObject = "result."
	logObject    = "log."
)

// openKeeper makes the object store.
func (h *Hub) openKeeper(ctx context.Context, js jetstream.JetStream) (*keeper, error) {
	k := &keeper{h: h, todo: map[string]*queue.Task{}, wake: make(chan struct{}, 1), names: map[string]bool{}}
	config := jetstream.ObjectStoreConfig{Bucket: bucketOf(h.space), Replicas: h.replicas, Description: "commits and results of a queue of experiments"}
	err := h.settled(func() (err error) {
		if k.store, err = js.ObjectStore(ctx, config.Bucket); errors.Is(err, jetstream.ErrBucketNotFound) || err == nil && h.opts.Replicas > 0 {
			k.store, err = js.CreateOrUpdateObjectStore(ctx, config)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, err := k.store.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		err = nil
	}
	for _, o := range list {
		k.names[o.Name] = true
	}
	return k, err
}

// note is told of each change of a task. Stages are their caller's alone.
func (k *keeper) note(e *entry) {
	if e.Options.Stage != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.todo[e.ID] = nil; !e.Gone {
		t := e.Task
		k.todo[e.ID] = &t
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// begin finds out what hubs before this one have not done.
func (k *keeper) begin() {
	tasks, _ := k.h.state.list(0)
	known := map[string]bool{}
	for i := range tasks {
		t := &tasks[i]
		known[t.ID], known[t.Baseline] = true, true
		if t.Options.Stage == nil && (!k.names[taskObject+t.ID] || t.State == queue.Success && !k.names[resultObject+t.ID]) {
			k.todo[t.ID] = t
		}
	}
	for name := range k.names {
		if _, id, _ := strings.Cut(name, "."); !known[id] {
			k.todo[id] = nil
		}
	}
}

// run does what is to be done until ctx ends.
func (k *keeper) run(ctx context.Context) {
	for {
		k.mu.Lock()
		todo := k.todo
		k.todo = map[string]*queue.Task{}
		k.mu.Unlock()
		for id, t := range todo {
			err := k.do(ctx, id, t)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				k.h.log.Debug(fmt.Sprintf("task %s in the object store: %v", id, err))
			}
			if passing(err) && sleep(ctx, time.Second) == nil { // again, unless it changed meanwhile
				k.mu.Lock()
				if _, ok := k.todo[id]; !ok {
					k.todo[id] = t
				}
				k.mu.Unlock()
				select {
				case k.wake <- struct{}{}:
				default:
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
	}
}

func (k *keeper) do(ctx context.Context, id string, t *queue.Task) error {
	if t == nil {
		return errors.Join(k.drop(ctx, taskObject+id), k.drop(ctx, resultObject+id), k.drop(ctx, logObject+id), k.drop(ctx, baseObject+id))
	}
	if t.State == queue.Success || t.State == queue.Failed {
		if err := k.keepLog(ctx, t.ID); err != nil {
			return err
		}
	}
	if err := k.keepTask(ctx, t); err != nil || t.State != queue.Success || k.names[resultObject+id] {
		return err
	}
	e, err := k.h.repo.Recorded(ctx, &t.Plan)
	if err != nil {
		return err
	}
	res, err := k.h.repo.PackResult(ctx, &t.Plan, e)
	if err != nil {
		return err
	}
	data, err := json.Marshal(res)
	if err != nil {
		return err
	}
	return k.put(ctx, resultObject+id, data)
}

func (k *keeper) keepTask(ctx context.Context, t *queue.Task) error {
	for _, o := range []struct {
		name string
		thin bool
	}{{baseObject + t.Baseline, false}, {taskObject + t.ID, true}} {
		if k.names[o.name] {
			continue
		}
		var b bytes.Buffer
		if err := k.h.repo.PackTask(ctx, &b, &t.Plan, o.thin); err != nil {
			return err
		}
		if err := k.put(ctx, o.name, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func (k *keeper) put(ctx context.Context, name string, data []byte) error {
	if int64(len(data)) > k.h.opts.DataLimit {
		return fmt.Errorf("%s: %d bytes are too many", name, len(data))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, err := k.store.PutBytes(ctx, name, data)
	if err == nil {
		k.names[name] = true
	}
	return err
}

func (k *keeper) drop(ctx context.Context, name string) error {
	if !k.names[name] {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, outsideTimeout)
	defer cancel()
	err := k.store.Delete(ctx, name)
	if err == nil || errors.Is(err, jetstream.ErrObjectNotFound) {
		delete(k.names, name)
		err = nil
	}
	return err
}

// inherit brings what hubs of other clones have had into the repository of this one.
func (h *Hub) inherit(ctx context.Context) error {
	tasks, _ := h.state.list(0, queue.Queued, queue.Running, queue.Success)
	ids, err := h.repo.PlanIDs(ctx)
	if err != nil {
		return err
	}
	marked := map[string]bool{}
	for _, id := range ids {
		marked[id] = true
	}
	var lost []string
	for i := range tasks {
		t := &tasks[i]
		done := t.State == queue.Success
		if t.Options.Stage != nil || marked[t.ID] && !done {
			continue
		}
		if _, err := h.repo.Recorded(ctx, &t.Plan); err == nil {
			continue // an open one is found to be done by queueMarks
		}
		err := h.keeper.bring(ctx, t, marked[t.ID])
		if passing(err) || ctx.Err() != nil {
			return fmt.Errorf("what the last hub left of experiment '%s': %w", t.Name, err)
		}
		if err != nil {
			h.log.Debug(err.Error())
			lost = append(lost, t.Name)
			continue
		}
		if _, err := h.repo.Recorded(ctx, &t.Plan); done && err != nil {
			// Its result went with the machine of the hub that had it.
			h.log.Warn(fmt.Sprintf("experiment '%s' runs again: what came of it is nowhere", t.Name))
			err := h.state.replace(ctx, t.ID, "", 0, func(t *queue.Task) { t.State, t.Result, t.Ended = queue.Queued, "", time.Time{} })
			if err != nil {
				return err
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return fmt.Errorf("%d of the tasks (%s) were queued in another clone of the repository, which had the last hub, and are not here: "+
		"serve from there, or bring them first (git fetch CLONE 'refs/reprodl/queue/*:refs/reprodl/queue/*')", len(lost), strings.Join(lost[:min(3, len(lost))], ", "))
}

// bring marks a task in this repository, and records what came of it if that is kept.
func (k *keeper) bring(ctx context.Context, t *queue.Task, marked bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if !k.h.repo.Has(ctx, t.Baseline) {
		pack, err := k.store.GetBytes(ctx, baseObject+t.Baseline)
		if err == nil {
			err = k.h.repo.AcceptObjects(ctx, pack)
		}
		if err != nil {
			return fmt.Errorf("its baseline %.7s (git fetch may help): %w", t.Baseline, err)
		}
	}
	p := t.Plan
	p.Name = strings.TrimSuffix(p.Name, "-"+p.ID[:min(8, len(p.ID))]) // that it had before its name was found taken
	if !marked {
		pack, err := k.store.GetBytes(ctx, taskObject+t.ID)
		if err == nil {
			err = k.h.repo.AcceptSubmission(ctx, &p, pack)
		}
		if err != nil {
			return err
		}
	}
	data, err := k.store.GetBytes(ctx, resultObject+t.ID)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	var res experiment.Result
	if err == nil {
		err = json.Unmarshal(data, &res)
	}
	if err == nil {
		_, err = k.h.repo.Record(ctx, &p, &res)
	}
	return err
}
