package queue

import (
	"context"
	"errors"
	"iter"
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
	Offer   Resources // what the worker has; the zero value takes any task
	Build   string    // SHA-256 of the program that the worker can run stages in Go by
}

// ErrLeaseLost says that a task was given to another worker meanwhile, or
// removed: what this one did does not count.
var ErrLeaseLost = errors.New("the task is no longer this worker's")

// Store keeps the tasks of a queue: who tries what. What is to be done and what
// is done is in git, so a store may lose everything and be filled again from
// the marks.
//
// All methods are atomic, and safe for use by many goroutines and processes.
// [Open] has one in a file; others pass [storetest.Test], which states what is
// expected in detail.
//
// [storetest.Test]: https://pkg.go.dev/github.com/reprodl/reprodl/experiment/queue/storetest#Test
type Store interface {
	// Put adds tasks, in order, or none. One whose ID is known already is left
	// as it is: whoever rebuilds a store from the marks may come second.
	Put(ctx context.Context, tasks ...Task) error
	// Get returns a task; the error wraps experiment.ErrNotFound if there is
	// none. As in List, one whose lease no longer holds is Queued.
	Get(ctx context.Context, id string) (*Task, error)
	// List returns the tasks in the given states, all if there are none given,
	// in the order they were added. Tasks in other states cost nothing.
	List(ctx context.Context, states ...TaskState) ([]Task, error)
	// Claim gives the first queued task that the lease's offer is enough for to
	// the worker, or nil if there is none.
	Claim(ctx context.Context, l Lease) (*Task, error)
	// Renew is a heartbeat: it prolongs the lease with this token, and returns
	// the task, whose Kill the worker obeys. The error is ErrLeaseLost if the
	// task is no longer the worker's. A lease that has expired is prolonged all
	// the same unless another worker has taken the task.
	Renew(ctx context.Context, id, token string, until time.Time) (*Task, error)
	// Update changes a task in one step. With a token, the task must be Running
	// under it, else the error is ErrLeaseLost; as in Renew, expiry alone does
	// not matter. fn may be called again after a conflict; an error of fn
	// leaves the task as it was.
	Update(ctx context.Context, id, token string, fn func(*Task) error) error
	// Delete removes tasks that are not running, and returns those removed.
	Delete(ctx context.Context, ids ...string) ([]Task, error)
	// Watch ranges over tasks that are added or changed after the call, until
	// ctx ends or the loop is left. Of several changes of one task the last is
	// certain to be seen; a deleted task is not.
	Watch(ctx context.Context) iter.Seq2[*Task, error]
}

// Accepter is a Store that knows its workers: Accept refuses what none of them
// could ever run.
type Accepter interface {
	Accept(ctx context.Context, need Resources) error
}

// Remote is a Store that belongs to another clone of the repository: what a task
// yields, and what it prints, is there.
type Remote interface {
	// Bring takes what came of a plan into the repository of the queue, in place of the
	// mark there. The error wraps experiment.ErrNotFound if there is nothing yet.
	Bring(ctx context.Context, p *experiment.Plan) error
	// LiveMetrics returns the metrics files so far of tasks that run, by their ids and
	// the paths of the files. Those that have none are left out.
	LiveMetrics(ctx context.Context, ids ...string) (map[string]map[string][]byte, error)
	// Commits takes what tasks run into the repository of the queue, which has their
	// baselines: what others queued, to be shown. What is nowhere is left out.
	Commits(ctx context.Context, ids ...string) error
	// ReadLog returns what a task printed from an offset on, or the beginning of that.
	// The Log of its tasks is "".
	ReadLog(ctx context.Context, id string, off int64) ([]byte, error)
}
