package experiment

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/pipeline"
)

// Plan is an experiment that is to be run. It names everything it needs by
// content (git objects) or by value, so that a machine that shares the git
// repository and the DVC cache could run it.
//
// A reference below refs/reprodl/queue marks it: the mark is what is to be
// done, the experiment's reference is what is done. The mark disappears in the
// step in which the result appears, which is how a result is recorded once.
type Plan struct {
	ID       string
	Name     string // of the experiment
	Baseline string // commit that becomes the parent
	Commit   string // what to run: the workspace with the parameters set
	Created  time.Time
	Options  PlanOptions
}

// PlanOptions are the parts of [RunOptions] that a plan keeps.
type PlanOptions struct {
	Targets         []string `json:",omitempty"`
	Message         string   `json:",omitempty"`
	Copy            []string `json:",omitempty"`
	Set             []string `json:",omitempty"` // for display; they are in Commit
	Dir             string   `json:",omitempty"` // working directory, from the root
	Force           bool     `json:",omitempty"`
	Single          bool     `json:",omitempty"`
	Pipeline        bool     `json:",omitempty"`
	AllPipelines    bool     `json:",omitempty"`
	Downstream      bool     `json:",omitempty"`
	ForceDownstream bool     `json:",omitempty"`
	Recursive       bool     `json:",omitempty"`
	Glob            bool     `json:",omitempty"`
	NoRunCache      bool     `json:",omitempty"`
	NoCommit        bool     `json:",omitempty"`
	Pull            bool     `json:",omitempty"`
	AllowMissing    bool     `json:",omitempty"`
	OnError         int      `json:",omitempty"`
	Jobs            int      `json:",omitempty"`
	Seed            string   `json:",omitempty"`
	Backend         string   `json:",omitempty"`

	Resources Resources `json:",omitzero"`

	// Stage makes the plan one of a single stage, of which no experiment comes:
	// see [Repo.PlanStage].
	Stage *StageOptions `json:",omitempty"`

	// Program is the file that runs stages in Go, where it is copied, and Build
	// the SHA-256 of it: another machine runs them by the same.
	Program string `json:",omitempty"`
	Build   string `json:",omitempty"`
}

// planOptions takes from o what the commit of a plan does not hold; runOptions
// gives it back. Streams are those of the process that executes it.
func planOptions(o *RunOptions) PlanOptions {
	p := &o.Repro
	return PlanOptions{Targets: o.Targets, Message: o.Message, Copy: o.Copy, Force: o.Force, Single: p.Single, Pipeline: p.Pipeline,
		AllPipelines: p.AllPipelines, Downstream: p.Downstream, ForceDownstream: p.ForceDownstream, Recursive: p.Recursive, Glob: p.Glob,
		NoRunCache: p.NoRunCache, NoCommit: p.NoCommit, Pull: p.Pull, AllowMissing: p.AllowMissing, OnError: int(p.OnError), Jobs: p.Jobs,
		Seed: o.Seed, Backend: o.Backend}
}

// runOptions are the options of the run; task marks its record with the plan's id.
func (p *Plan) runOptions() *RunOptions {
	o := &p.Options
	return &RunOptions{Name: p.Name, Message: o.Message, Force: o.Force, Targets: o.Targets, Copy: o.Copy, Seed: o.Seed, Backend: o.Backend, task: p.ID,
		Repro: pipeline.ReproOptions{Single: o.Single, Pipeline: o.Pipeline, AllPipelines: o.AllPipelines, Downstream: o.Downstream,
			ForceDownstream: o.ForceDownstream, Recursive: o.Recursive, Glob: o.Glob, NoRunCache: o.NoRunCache, NoCommit: o.NoCommit, Pull: o.Pull,
			AllowMissing: o.AllowMissing, OnError: pipeline.OnError(o.OnError), Jobs: o.Jobs}}
}

// markPrefix is outside of refs/exps, which is DVC's.
const markPrefix = "refs/reprodl/queue/"

// markRef is the reference that marks the plan of that id.
func markRef(id string) string { return markPrefix + id }

// Plan marks an experiment for each combination of the values in Set, to be run
// by [Repo.Execute] later. With several, a Name gets -1, -2, … appended. The
// workspace as it is now is what will run. taken reports further names in use
// for the commit that is checked out, which are not drawn; nil means that there are none.
// A Name that is queued already may be queued again, as in DVC: of what runs first it is
// the name, and the next fails.
//
// All plans are made or none.
func (r *Repo) Plan(ctx context.Context, opts *RunOptions, taken func(name string) bool) ([]Plan, error) {
	o := RunOptions{}
	if opts != nil {
		o = *opts
	}
	// All plans of a call share one baseline and one snapshot.
	head, _, err := r.head(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := combinations(o.Set)
	if err != nil {
		return nil, err
	}
	tree, err := r.planTree(ctx, head, &o)
	if err != nil {
		return nil, err
	}
	p, err := r.planner(ctx, head, tree, &o)
	if err != nil {
		return nil, err
	}
	if p.need, err = r.needs(ctx, tree); err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	// ours: the marks are made at the end, so nothing else knows these names.
	used := func(name string) bool { return ours[name] || (taken != nil && taken(name)) }
	for i, set := range sets {
		name := o.Name
		if name != "" && len(sets) > 1 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		if err := r.claim(ctx, head, &name, o.Force, used); err != nil {
			return nil, err
		}
		ours[name] = true
		r.packedArgs()
		if err := p.add(ctx, name, set); err != nil {
			return nil, err
		}
	}
	return p.plans, p.mark(ctx)
}

// Build is the SHA-256 of a program, in hexadecimal digits.
func Build(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// planTree is the workspace as a tree object. Stages in Go are in it as the
// dvc.yaml that is written from them, which a copy brings about: the workspace
// stays as it is.
func (r *Repo) planTree(ctx context.Context, head git.ID, o *RunOptions) (git.ID, error) {
	tree, err := r.snapshot(ctx, o)
	if err != nil {
		return "", err
	}
	return r.definedTree(ctx, head, tree, o)
}

// definedTree is a tree with the dvc.yaml of stages in Go, if there are any.
func (r *Repo) definedTree(ctx context.Context, head, tree git.ID, o *RunOptions) (git.ID, error) {
	if len(o.Stages) == 0 {
		return tree, nil
	}
	w, remove, err := r.copyTree(ctx, r.tmpDir("standalone"), "plan", head, tree, nil)
	if err != nil {
		return "", err
	}
	defer remove()
	p, err := w.open()
	if err != nil {
		return "", err
	}
	if _, err := w.define(ctx, p, o); err != nil {
		return "", err
	}
	file, err := filepath.Rel(w.git.Root(), filepath.Join(w.dir, dvcfile.ProjectName))
	if err != nil {
		return "", err
	}
	return w.git.Snapshot(ctx, filepath.ToSlash(file))
}

// planner makes the plans of one call.
type planner struct {
	repo *Repo
	head git.ID
	tree git.ID // of the workspace
	opts *RunOptions
	now  time.Time
	need Resources // of the stages in tree

	program, build string // that runs stages in Go, if it is copied

	plans []Plan
}

// planner has the program copied that runs stages in Go, if there is one to copy.
func (r *Repo) planner(ctx context.Context, head, tree git.ID, o *RunOptions) (*planner, error) {
	p := &planner{repo: r, head: head, tree: tree, opts: o, now: r.now()}
	copied := r.withProgram(ctx, tree, o)
	if len(copied) > len(o.Copy) {
		p.program = copied[len(copied)-1]
		var err error
		if p.build, err = Build(filepath.Join(r.dir, filepath.FromSlash(p.program))); err != nil {
			return nil, err
		}
	}
	o.Copy = copied
	return p, nil
}

// plan is a new one, without its commit.
func (p *planner) plan(name string, created time.Time, need Resources) (*Plan, error) {
	dir, err := filepath.Rel(p.repo.root, p.repo.dir)
	if err != nil {
		return nil, err
	}
	need = need.Or(p.opts.Resources)
	if p.opts.Accept != nil {
		if err := p.opts.Accept(need); err != nil {
			return nil, err
		}
	}
	plan := &Plan{ID: strings.ToLower(rand.Text())[:16], Name: name, Baseline: string(p.head), Created: created, Options: planOptions(p.opts)}
	plan.Options.Dir, plan.Options.Resources = filepath.ToSlash(dir), need
	plan.Options.Program, plan.Options.Build = p.program, p.build
	return plan, nil
}

// planCommit is the mark of a plan, or with another tree its result.
func (r *Repo) planCommit(ctx context.Context, p *Plan, tree git.ID) (git.ID, error) {
	message, err := p.message()
	if err != nil {
		return "", err
	}
	author, committer, err := r.git.Identity(ctx)
	if err != nil {
		return "", err
	}
	return r.git.WriteCommit(&git.Commit{Tree: tree, Parents: []git.ID{git.ID(p.Baseline)}, Author: author, Committer: committer, Message: message})
}

// add writes the commit of one plan. It is not visible before mark.
func (p *planner) add(ctx context.Context, name string, set []string) error {
	r := p.repo
	// The parameters are in the commit: executing needs no overrides.
	tree, err := r.editTree(ctx, p.tree, parseSet(set))
	if err != nil {
		return err
	}
	need := p.need
	if !need.IsZero() && tree != p.tree { // they may depend on parameters
		if need, err = r.needs(ctx, tree); err != nil {
			return err
		}
	}
	// Later plans have later times, so that the marks alone tell their order.
	plan, err := p.plan(name, p.now.Add(time.Duration(len(p.plans))), need)
	if err != nil {
		return err
	}
	plan.Options.Set = set
	id, err := r.planCommit(ctx, plan, tree)
	plan.Commit = string(id)
	p.plans = append(p.plans, *plan)
	return err
}

// mark makes the plans visible, in one step.
func (p *planner) mark(ctx context.Context) error {
	var updates []git.Update
	for _, plan := range p.plans {
		// NoRef: an id that is in use fails the whole step.
		updates = append(updates, git.Update{Name: markRef(plan.ID), New: git.ID(plan.Commit), Old: git.NoRef})
	}
	return p.repo.git.UpdateRefs(ctx, updates...)
}

// marked is what a mark tells beyond its first line.
type marked struct {
	Created time.Time
	Options PlanOptions
}

// message is the commit message of a mark. Its first line is the one of DVC's
// stashed experiments, the rest is the plan, so that it can be read back when
// a queue has lost it.
func (p *Plan) message() (string, error) {
	data, err := json.Marshal(marked{p.Created, p.Options})
	return fmt.Sprintf("dvc-exp:%s:%s:%s\n\n%s\n", p.Baseline, p.Baseline, p.Name, data), err
}

// Plans lists what is marked to be run, in the order of planning.
func (r *Repo) Plans(ctx context.Context) ([]Plan, error) {
	refs, err := r.git.Refs(ctx, markPrefix)
	if err != nil {
		return nil, err
	}
	var plans []Plan
	for _, g := range refs {
		c, err := r.git.Commit(ctx, g.ID)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			continue // a damaged mark is nobody's plan
		}
		// What is no mark of ours is left alone.
		if p, ok := parseMark(c); ok {
			p.ID = strings.TrimPrefix(g.Name, markPrefix)
			plans = append(plans, p)
		}
	}
	slices.SortStableFunc(plans, func(a, b Plan) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return plans, nil
}

// PlanIDs lists the ids of what is marked to be run, in no particular order.
func (r *Repo) PlanIDs(ctx context.Context) ([]string, error) {
	refs, err := r.git.Refs(ctx, markPrefix)
	var ids []string
	for _, g := range refs {
		ids = append(ids, strings.TrimPrefix(g.Name, markPrefix))
	}
	return ids, err
}

// parseMark reads a mark. Those of v0.0 have the first line alone: their
// options are the usual ones.
func parseMark(c *git.Commit) (Plan, bool) {
	line, rest, _ := strings.Cut(c.Message, "\n")
	// dvc-exp, a revision, the baseline and the name.
	f := strings.Split(line, ":")
	if len(f) < 4 || f[0] != "dvc-exp" || len(c.Parents) == 0 {
		return Plan{}, false
	}
	p := Plan{Name: f[3], Baseline: string(c.Parents[0]), Commit: string(c.ID), Created: c.Committer.When}
	var m marked
	if rest = strings.TrimSpace(rest); rest != "" && json.Unmarshal([]byte(rest), &m) == nil {
		p.Created, p.Options = m.Created, m.Options
	}
	return p, true
}

// Discard forgets plans by their ids, and what came of those of single stages;
// those that are gone already do not matter.
func (r *Repo) Discard(ctx context.Context, ids ...string) error {
	var updates []git.Update
	for _, id := range ids {
		for _, name := range []string{markRef(id), stageRef(id)} {
			if old, err := r.git.Ref(ctx, name); err == nil {
				updates = append(updates, git.Update{Name: name, Old: old})
			}
		}
	}
	return r.git.UpdateRefs(ctx, updates...)
}
