package experiment

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/pipeline"
)

// StageOptions are what a plan keeps of a stage that is run elsewhere.
type StageOptions struct {
	Address string   // from the working directory
	Dirs    []string `json:",omitempty"` // of the job
	// Host, Boot and PID are the process that waits for it. When that is gone,
	// nobody wants the result.
	Host string
	Boot string `json:",omitempty"`
	PID  int
}

// stagePrefix has what came of plans of single stages, until somebody takes it.
const stagePrefix = "refs/reprodl/stage/"

func stageRef(id string) string { return stagePrefix + id }

// entryName is the file of a result: the stage's entry in dvc.lock.
const entryName = "stage.yaml"

// smallFile is how large a file may be that neither git tracks nor the stage
// declares, and that a stage sees nevertheless when it is run elsewhere.
const smallFile = 1 << 20

// PlanStage marks a stage that is to be run by [Repo.Execute], of which no
// experiment comes: [Repo.StageResult] is what [pipeline.Repo.RunJob] returned.
// The working tree as it is now is what will be run on: files that git tracks, or
// that it would be told of by `git add` if they are below a mebibyte, and those of
// the job. Of opts Stages, Program, Resources and Accept count.
func (r *Repo) PlanStage(ctx context.Context, j *pipeline.Job, opts *RunOptions) (*Plan, error) {
	o := RunOptions{}
	if opts != nil {
		o = *opts
	}
	// No lock is taken: whoever asks has the repository's.
	head, _, err := r.git.Head(ctx)
	if err != nil {
		return nil, &messageError{"stages run elsewhere on a snapshot of the working tree, and the git repository needs a first commit for that", ErrNoCommits}
	}
	tree, err := r.stageTree(ctx, j)
	if err == nil {
		tree, err = r.definedTree(ctx, head, tree, &o)
	}
	if err != nil {
		return nil, err
	}
	o.Force = j.Force
	p, err := r.planner(ctx, head, tree, &o)
	if err != nil {
		return nil, err
	}
	at := &work{root: r.root, dir: r.dir}
	p.need, err = r.needsOf(ctx, tree, func(file, name string) bool { return at.address(file, name) == j.Address })
	if err != nil {
		return nil, err
	}
	plan, err := p.stage(ctx, j)
	if err != nil {
		return nil, err
	}
	p.plans = []Plan{*plan}
	return plan, p.mark(ctx)
}

// stage is a plan for the tree as it is.
func (p *planner) stage(ctx context.Context, j *pipeline.Job) (*Plan, error) {
	// A mark's first line has its parts between colons.
	plan, err := p.plan("stage/"+strings.ReplaceAll(j.Address, ":", "/"), p.now, p.need)
	if err != nil {
		return nil, err
	}
	machine, _ := os.Hostname()
	plan.Options.Stage = &StageOptions{Address: j.Address, Dirs: j.Dirs, Host: machine, Boot: host.Boot(), PID: os.Getpid()}
	id, err := p.repo.planCommit(ctx, plan, p.tree)
	plan.Commit = string(id)
	return plan, err
}

// snapshotTries is how often the working tree is read when stages that run on this
// machine change it meanwhile.
const snapshotTries = 5

// stageTree is the working tree as a tree object.
func (r *Repo) stageTree(ctx context.Context, j *pipeline.Job) (tree git.ID, err error) {
	files := make([]string, len(j.Files))
	for i, f := range j.Files {
		files[i] = path.Join(r.sub, f)
	}
	for try := range snapshotTries {
		if try > 0 {
			time.Sleep(time.Duration(try) * 20 * time.Millisecond)
		}
		out, err := r.git.Do(ctx, git.Cmd{Args: []string{"ls-files", "-z", "--others", "--exclude-standard"}, Dir: r.git.Root()})
		if err != nil {
			return "", err
		}
		extra := files[:len(files):len(files)]
		for name := range strings.SplitSeq(string(out), "\x00") {
			if fi, err := os.Lstat(filepath.Join(r.git.Root(), filepath.FromSlash(name))); err == nil && name != "" && !fi.IsDir() && fi.Size() <= smallFile {
				extra = append(extra, name)
			}
		}
		if tree, err = r.git.Snapshot(ctx, extra...); err == nil || ctx.Err() != nil {
			return tree, err
		}
		if try == snapshotTries-1 {
			return "", err
		}
	}
	return tree, err
}

// StageResult is what came of the plan of a single stage; the error wraps
// [ErrNotFound] if there is nothing.
func (r *Repo) StageResult(ctx context.Context, p *Plan) ([]byte, error) {
	id, err := r.git.Ref(ctx, stageRef(p.ID))
	if err != nil {
		return nil, goneError(p)
	}
	c, err := r.git.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	e, err := r.git.Lookup(ctx, c.Tree, entryName)
	if err != nil {
		return nil, err
	}
	_, data, err := r.git.Object(ctx, e.ID)
	return data, err
}

// Abandoned lists the plans of single stages, and their results, that nobody waits
// for any more: the process on this machine that asked for them is gone, or it was
// one of another machine, a week ago.
func (r *Repo) Abandoned(ctx context.Context) ([]Plan, error) {
	var list []Plan
	machine, _ := os.Hostname()
	for _, prefix := range []string{markPrefix, stagePrefix} {
		refs, err := r.git.Refs(ctx, prefix)
		if err != nil {
			return nil, err
		}
		for _, g := range refs {
			c, err := r.git.Commit(ctx, g.ID)
			if err != nil {
				continue
			}
			p, ok := parseMark(c)
			s := p.Options.Stage
			if !ok || s == nil {
				continue
			}
			gone := time.Since(p.Created) > 7*24*time.Hour
			if s.Host == machine {
				gone = !host.Alive(s.PID) || s.Boot != host.Boot()
			}
			if gone {
				p.ID = strings.TrimPrefix(g.Name, prefix)
				list = append(list, p)
			}
		}
	}
	return list, nil
}

// runStage is Execute for one stage, in a copy.
func (w *work) runStage(ctx context.Context, p *Plan, mark git.ID, remote bool, ran func()) (*Experiment, error) {
	r := w.repo
	// Of the log only what the stage prints, and what is wrong, is of interest: the
	// rest is said where it was asked for.
	quiet := *r
	quiet.log = slog.New(warnings{r.log.Handler()})
	own := *w
	own.repo = &quiet
	pr, err := own.open()
	if err != nil {
		return nil, err
	}
	data, err := pr.RunJob(ctx, p.Options.Stage.Address, &pipeline.JobOptions{Force: p.Options.Force, Dirs: p.Options.Stage.Dirs, Remote: remote})
	if err != nil {
		return nil, err
	}
	ran()
	blob, err := r.git.WriteObject(git.Blob, data)
	if err != nil {
		return nil, err
	}
	tree, err := r.git.EditTree(ctx, "", map[string]git.Change{entryName: {Mode: git.ModeFile, ID: blob}})
	if err != nil {
		return nil, err
	}
	id, err := r.planCommit(ctx, p, tree)
	if err != nil {
		return nil, err
	}
	return r.publishStage(ctx, p, mark, id)
}

// warnings is a handler that leaves out what is less.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// publishStage replaces the mark by the result, in one step.
func (r *Repo) publishStage(ctx context.Context, p *Plan, mark, id git.ID) (*Experiment, error) {
	err := r.git.UpdateRefs(ctx, git.Update{Name: stageRef(p.ID), New: id, Old: git.NoRef}, git.Update{Name: markRef(p.ID), Old: mark})
	if err == nil {
		return r.experiment(ctx, stageAt(p, id))
	}
	if e, err := r.executedStage(context.WithoutCancel(ctx), p); err == nil {
		return e, nil // another attempt was first
	}
	return nil, err
}

func stageAt(p *Plan, id git.ID) ref { return ref{Baseline: git.ID(p.Baseline), Name: p.Name, ID: id} }

func (r *Repo) executedStage(ctx context.Context, p *Plan) (*Experiment, error) {
	id, err := r.git.Ref(ctx, stageRef(p.ID))
	if err != nil {
		return nil, goneError(p)
	}
	return r.experiment(ctx, stageAt(p, id))
}

// recordStage is Record for the plan of one stage.
func (r *Repo) recordStage(ctx context.Context, p *Plan, mark git.ID, res *Result) (*Experiment, error) {
	id, err := git.ParseID(res.Commit)
	if err != nil {
		return nil, err
	}
	if err := r.unpack(ctx, res.Pack, true); err != nil {
		return nil, err
	}
	if err := r.checkResult(ctx, stageAt(p, id)); err != nil {
		return nil, err
	}
	c, err := r.git.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	if e, err := r.git.Lookup(ctx, c.Tree, entryName); err != nil || e.Mode != git.ModeFile {
		return nil, fmt.Errorf("the result %s of stage '%s' has no entry for dvc.lock", id.Short(), p.Options.Stage.Address)
	}
	return r.publishStage(ctx, p, mark, id)
}
