package experiment

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/internal/repo"
)

// runInfo is DVC's file .dvc/tmp/exps/run/workspace/workspace.run. Editors
// watch it, and both tools show from it what runs in the workspace.
type runInfo struct {
	GitURL   string  `json:"git_url"`
	Baseline string  `json:"baseline_rev"`
	Location string  `json:"location"`
	Root     string  `json:"root_dir"`
	DVCDir   string  `json:"dvc_dir"`
	Name     string  `json:"name"`
	Wdir     string  `json:"wdir"`
	Hash     *string `json:"result_hash"`
	Ref      *string `json:"result_ref"`
	Force    bool    `json:"result_force"`
	Status   int     `json:"status"`
}

// The values of runInfo.Status.
const (
	statusRunning = 2
	statusSuccess = 3 // and above: it ended
)

// runFile is workspace.run, or workspace.json with the process: the two files
// that DVC keeps there.
func (r *Repo) runFile(ext string) string { return r.tmpDir("run", "workspace", "workspace"+ext) }

// announce tells others that an experiment runs in the workspace; end takes it
// back, also after a failure, as DVC does. Failure to tell is no failure.
func (r *Repo) announce(ctx context.Context, base git.ID, name string) (end func()) {
	rel := func(p string) string {
		s, err := filepath.Rel(r.git.Root(), p)
		if err != nil {
			return "."
		}
		return s
	}
	info := runInfo{GitURL: r.git.Root(), Baseline: string(base), Location: Workspace, Root: r.git.Root(),
		DVCDir: rel(filepath.Join(r.root, ".dvc")), Name: name, Wdir: rel(r.dir), Status: statusRunning}
	write := func(file string, v any) {
		if data, err := json.Marshal(v); err == nil {
			atomicfile.WriteFile(file, data, nil)
		}
	}
	if os.MkdirAll(filepath.Dir(r.runFile("")), 0o777) != nil {
		return func() {}
	}
	// The process first: who sees workspace.run looks for it.
	write(r.runFile(".json"), map[string]any{"pid": os.Getpid(), "stdin": nil, "stdout": nil, "stderr": nil, "returncode": nil})
	write(r.runFile(".run"), info)
	r.signLock(ctx)
	return func() { os.RemoveAll(filepath.Dir(r.runFile(""))) }
}

// signLock leaves the id of this process in the lock file of DVC's table of
// experiment references: zc.lockfile keeps there who locked it last, and in DVC
// that is who runs an experiment. The editor's Stop button ends that process.
func (r *Repo) signLock(ctx context.Context) {
	if unlock, err := repo.LockFile(ctx, r.tmpDir("rwlock.lock")); err == nil {
		unlock()
	}
}

// runningHere returns what runs in the workspace, nil if nothing does.
// A killed run leaves its files, so the process must be alive as well.
func (r *Repo) runningHere() *runInfo {
	var info runInfo
	data, err := os.ReadFile(r.runFile(".run"))
	// Whatever cannot be read is not running.
	if err != nil || json.Unmarshal(data, &info) != nil || info.Status >= statusSuccess || !host.Alive(r.runningPID()) {
		return nil
	}
	return &info
}

// runningPID is the process that runs, or ran last, in the workspace.
func (r *Repo) runningPID() int {
	var proc struct{ PID int }
	data, err := os.ReadFile(r.runFile(".json"))
	if err != nil || json.Unmarshal(data, &proc) != nil {
		return 0
	}
	return proc.PID
}
