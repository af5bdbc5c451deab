package experiment

import "time"

// Activity is an experiment that waits, runs, or was run by somebody. A queue
// tells its own to whoever lists experiments.
type Activity struct {
	Name     string
	Baseline string
	Commit   string // what runs; "" is the workspace
	Executor Executor
	Created  time.Time         // when it was planned; zero is not known
	Live     map[string][]byte // metrics files so far, by path, of one that runs elsewhere
}

// Executor says what runs, ran or will run an experiment.
type Executor struct {
	State string // "queued", "running", "success" or "failed"
	Name  string // "workspace", "tempdir" or "dvc-task"; "" if not known
	Root  string // directory it runs in
	Log   string // file with its output
	PID   int    // 0 if not known
	Task  string // id in the queue

	ReturnCode *int // of the process that ran it; nil if not known
}

// Running returns the experiment that runs in the workspace, started by this
// package or by DVC; nil if none does.
func (r *Repo) Running() *Activity {
	info := r.runningHere()
	if info == nil {
		return nil
	}
	return &Activity{Name: info.Name, Baseline: info.Baseline,
		Executor: Executor{State: "running", Name: Workspace, Root: info.Root, PID: r.runningPID()}}
}

// Workspace is what stands for the working tree where a revision is expected.
const Workspace = "workspace"
