package queue

import (
	"context"
	"errors"
	"time"

	"github.com/reprodl/reprodl/experiment"
)

// TaskState is where a queued experiment stands.
type TaskState string

// The states of a task. A task whose worker died is Queued again.
const (
	Queued  TaskState = "Queued"
	Running TaskState = "Running"
	Success TaskState = "Success"
	Failed  TaskState = "Failed"
)

// Task is a plan and how far it has come.
type Task struct {
	experiment.Plan

	State    TaskState
	Attempts int
	Lease    Lease  // of the worker that runs it, or ran it last
	Kill     string // "interrupt" or "kill" asks the worker to stop the task
	Ended    time.Time
	Result   string // commit of the experiment, after success
	Error    string // after failure
	Log      string // file with the output, or where to find it
}

// Lease is a worker's right to a task until it expires.
type Lease struct {
	Token   string // distinguishes this lease from all others
	Worker  string
	Host    string
	Boot    string // of the host: after a reboot none of its leases count
	PID     int
	Expires time.Time
}

// ErrLeaseLost says that a task was given to another worker meanwhile, or
// removed: what this one did does not count.
var ErrLeaseLost = errors.New("the task is no longer this worker's")

// Store keeps the tasks of a queue. All methods are atomic, and safe for use
// by many processes. The tasks are in a file here; a distributed queue would
// put a database of its own behind this interface.
type Store interface {
	// Put adds tasks, in order, or none.
	Put(ctx context.Context, tasks ...Task) error
	// Tasks lists all tasks in the order they were added. One that is Running
	// under a lease that no longer holds is listed as Queued.
	Tasks(ctx context.Context) ([]Task, error)
	// Claim gives the first queued task to the worker, or nil if there is none.
	Claim(ctx context.Context, l Lease) (*Task, error)
	// Update changes a task in one step. With a token, the task must be Running
	// under it, else the error is ErrLeaseLost. fn may be called again after a
	// conflict; an error of fn leaves the task as it was.
	Update(ctx context.Context, id, token string, fn func(*Task) error) error
	// Delete removes tasks that are not running, and returns those removed.
	Delete(ctx context.Context, ids ...string) ([]Task, error)
}
