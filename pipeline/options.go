package pipeline

import "time"

// OnError says what Repro does when a stage fails.
type OnError int

// The ways to go on after a failure.
const (
	Stop      OnError = iota // start nothing more
	KeepGoing                // run what doesn't depend on the failed stage
	Ignore                   // run everything, and return no error
)

// ReproOptions change what Repro does; nil means the zero ReproOptions, which
// brings the targets and all that they depend on up to date.
type ReproOptions struct {
	Force           bool // run every stage of the plan, changed or not, and restore none
	Single          bool // only the targets, not what they depend on
	Pipeline        bool // everything connected with the targets
	AllPipelines    bool // everything in the repository; targets are not used
	Downstream      bool // the targets and what depends on them
	ForceDownstream bool // when a stage ran, run its consumers even if nothing changed for them
	Recursive       bool // a target may be a directory: all stages declared below it
	Glob            bool // a target is a shell pattern of stage names
	Dry             bool // only tell what would run
	NoRunCache      bool // don't restore from the run cache (it is still written)
	NoCommit        bool // don't store outputs, nor a run-cache entry
	Pull            bool // fetch missing dependencies and outputs, and the run cache, from the remote
	LocalRuns       bool // with Pull: the run cache of the remote is left alone
	AllowMissing    bool // data that is not there is no reason to run
	NoGit           bool // neither stage changed files in git nor tell which to stage
	OnError         OnError

	// Jobs is how many stages may run at a time; less than 2 runs them one
	// after the other, in DVC's order. With more, each line that a command
	// prints begins with the address of its stage.
	Jobs int
	// Executor runs stages on other machines, Jobs at a time, and dvc.lock
	// becomes the same as without it; nil runs them here. Stages without
	// outputs run here in any case, as do those that read or write outside of
	// the repository, or whose outputs persist.
	Executor Executor
	// Env are variables for the commands that run here, besides the Repo's.
	Env []string
	// Confirm is asked before a stage runs; nil runs without asking.
	Confirm func(address string) bool
}

// Action is what Repro did with a stage.
type Action string

// The actions.
const (
	Skipped  Action = "skipped"  // up to date
	Ran      Action = "ran"      // the command was run, or printed by a dry run
	Restored Action = "restored" // outputs came from the cache
	Verified Action = "verified" // the data of a frozen stage or a .dvc file was recorded
	Pulled   Action = "pulled"   // missing data was fetched
	Failed   Action = "failed"
	Blocked  Action = "blocked" // not tried, since a stage it depends on failed
)

// Result is what became of one stage of the plan.
type Result struct {
	Address string
	Action  Action
	// Reasons are why the stage was not skipped, command and inputs first.
	Reasons []Change
	// RunCache is the entry that the outputs were restored from, as
	// "key/value" below .dvc/cache/runs; empty when the lock's own record was
	// enough or nothing was restored.
	RunCache string
	Duration time.Duration // of the command
	Err      error         // of a Failed stage
}

// changed reports whether the stage was brought up to date by doing something.
func (r *Result) changed() bool {
	return r.Action == Ran || r.Action == Restored || r.Action == Verified
}
