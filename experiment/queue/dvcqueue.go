package queue

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/experiment"
)

// dvcTask is a task of DVC's own queue, which Celery keeps as files below
// .dvc/tmp/exps/celery: a message waits in broker/in and goes to
// broker/processed when a worker takes it; the result file of its id tells that
// the worker is done. What came of it stands in .dvc/tmp/exps/run. This package
// shows such tasks and leaves them to DVC.
type dvcTask struct {
	Task
	root       string // working tree of a running one
	pid        int
	returnCode *int
}

// dvcEntry is what DVC queues: the first argument of its Celery task run_exp.
type dvcEntry struct {
	StashRev    string `json:"stash_rev"`
	BaselineRev string `json:"baseline_rev"`
	Name        string `json:"name"`
}

// dvcRunTask is the one Celery task of DVC that runs an experiment.
const dvcRunTask = "dvc.repo.experiments.queue.tasks.run_exp"

// dvcTasks reads DVC's queue in DVC's order. Whatever is not one of its tasks,
// or is just being written, is passed over: the directory belongs to others.
func (q *Queue) dvcTasks(ctx context.Context) []dvcTask {
	var list []dvcTask
	for _, dir := range []string{"in", "processed"} {
		files, _ := filepath.Glob(filepath.Join(q.dvcPath("celery", "broker", dir), "*.msg"))
		for _, file := range files {
			id, entry, ok := readMessage(file)
			if !ok {
				continue
			}
			// The stash commit is what the task would run.
			rev, err := q.repo.Revision(ctx, entry.StashRev)
			if err != nil {
				continue // its stash was dropped
			}
			t := dvcTask{Task: Task{State: Queued, Plan: experiment.Plan{ID: entry.StashRev, Commit: entry.StashRev,
				Name: entry.Name, Baseline: entry.BaselineRev, Created: rev.Time}}}
			if dir == "processed" {
				q.readRun(&t, id)
			}
			list = append(list, t)
		}
	}
	return list
}

// dvcPath is a path below .dvc/tmp/exps, where DVC keeps its queue.
func (q *Queue) dvcPath(elem ...string) string {
	return filepath.Join(append([]string{q.repo.Root(), ".dvc", "tmp", "exps"}, elem...)...)
}

// readMessage decodes a message of Celery's file system broker.
func readMessage(file string) (id string, entry dvcEntry, ok bool) {
	var msg struct {
		Body    []byte // base64
		Headers struct{ ID, Task string }
	}
	if readJSON(file, &msg) != nil || msg.Headers.Task != dvcRunTask {
		return "", entry, false
	}
	var call []json.RawMessage // arguments, keyword arguments, options
	if json.Unmarshal(msg.Body, &call) != nil || len(call) < 2 {
		return "", entry, false
	}
	var named struct {
		Entry *dvcEntry `json:"entry_dict"`
	}
	var args []dvcEntry
	// DVC passes the entry by name, but Celery allows it by place as well.
	switch {
	case json.Unmarshal(call[1], &named) == nil && named.Entry != nil:
		entry = *named.Entry
	case json.Unmarshal(call[0], &args) == nil && len(args) > 0:
		entry = args[0]
	}
	return msg.Headers.ID, entry, entry.StashRev != ""
}

// readRun tells how far a task has come that a worker took.
func (q *Queue) readRun(t *dvcTask, id string) {
	var proc struct {
		PID        int
		Stdout     string
		ReturnCode *int
	}
	base := q.dvcPath("run", t.ID, t.ID)
	if readJSON(base+".json", &proc) == nil {
		t.Log, t.pid, t.returnCode = proc.Stdout, proc.PID, proc.ReturnCode
	}
	var run struct {
		Root string  `json:"root_dir"`
		Hash *string `json:"result_hash"`
		Ref  *string `json:"result_ref"`
	}
	// The two come only with a result: without them nothing was saved, though
	// Celery calls a task that ran to its end a success.
	known := readJSON(base+".run", &run) == nil
	var result struct{ Status string }
	_ = readJSON(q.dvcPath("celery", "result", "celery-task-meta-"+id), &result) // there is none while it runs
	switch {
	case !celeryDone[result.Status]:
		t.State, t.root = Running, run.Root
	case known && run.Hash != nil && run.Ref != nil:
		t.State = Success
	default:
		t.State = Failed
	}
}

// celeryDone are the states that Celery calls ready.
var celeryDone = map[string]bool{"SUCCESS": true, "FAILURE": true, "REVOKED": true}

// executor describes the task as DVC does.
func (t *dvcTask) executor() experiment.Executor {
	e := experiment.Executor{Name: "dvc-task", Task: t.ID, Root: t.root, Log: t.Log, PID: t.pid, ReturnCode: t.returnCode}
	switch t.State {
	case Running:
		e.State = "running"
	case Success:
		e.State = "success"
	case Failed:
		e.State, e.Name = "failed", "" // DVC gives it none
	default:
		e.State = "queued"
	}
	return e
}

// All is Tasks, and then the tasks of DVC's own queue, which is for DVC to run,
// stop and remove.
func (q *Queue) All(ctx context.Context) ([]Task, error) {
	tasks, err := q.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range q.dvcTasks(ctx) {
		tasks = append(tasks, t.Task)
	}
	return tasks, nil
}

// maxRecord is more than any file of a task has.
const maxRecord = 16 << 20

// readJSON decodes a file that others write, up to a size.
func readJSON(file string, v any) error {
	fi, err := os.Stat(file)
	if err != nil {
		return err
	}
	if fi.Size() > maxRecord {
		return &fs.PathError{Op: "read", Path: file, Err: errors.New("too large")}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}
