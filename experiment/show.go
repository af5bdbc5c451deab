package experiment

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/object"
)

// ShowOptions choose what [Repo.Show] returns. Nil means the zero ShowOptions:
// the workspace, HEAD and its experiments, and those whose baseline was lost
// to a rebase.
type ShowOptions struct {
	Selection            // baselines
	AllBranches, AllTags bool
	HideQueued           bool
	HideFailed           bool
	HideWorkspace        bool
	HideOrphans          bool // as DVC does
	SHA                  bool // give baselines no names
	ParamDeps            bool // only parameters that stages depend on
	Force                bool // read all anew
}

// Show collects params, metrics, dependencies and outputs of the workspace, of
// the selected baselines, and of their experiments.
func (r *Repo) Show(ctx context.Context, opts *ShowOptions) ([]State, error) {
	if opts == nil {
		opts = &ShowOptions{}
	}
	if _, _, err := r.head(ctx); err != nil {
		return nil, nil // as DVC: nothing to show before the first commit
	}
	s := &showing{repo: r, opts: opts}
	var err error
	if s.refs, err = r.refs(ctx); err != nil {
		return nil, err
	}
	bases, orphans, err := s.baselines(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	if !opts.SHA {
		if names, err = r.Describe(ctx); err != nil {
			return nil, err
		}
	}
	if !opts.ParamDeps {
		s.cache = openShowCache(r.tmpDir("reprodl-show.cache"))
		if opts.Force {
			s.cache.known, s.cache.damaged = map[git.ID]showRecord{}, true
		}
	}
	s.store = r.objects()
	tasks, err := s.queueStates(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.collectAll(ctx, bases); err != nil {
		return nil, err
	}
	var states []State
	info := r.runningHere()
	if !opts.HideWorkspace || info != nil {
		here := s.workspace()
		if !opts.HideWorkspace {
			states = append(states, here)
		}
		if info != nil {
			base := git.ID(info.Baseline)
			t := tasks[base]
			running := here
			running.Name = info.Name
			t.running = append(t.running, Range{Name: info.Name, State: &running,
				Executor: &Executor{State: "running", Name: Workspace, Root: info.Root, PID: r.runningPID()}})
			tasks[base] = t
		}
	}
	for i, id := range bases {
		st := s.found[id]
		st.Name = names[string(id)]
		st.Orphan = i >= orphans
		st.Experiments = s.ranges(id, tasks[id])
		states = append(states, st)
	}
	if s.cache != nil {
		s.cache.save()
	}
	return states, nil
}

type showing struct {
	repo  *Repo
	opts  *ShowOptions
	refs  []ref
	cache *showCache
	store *object.Cache

	mu    sync.Mutex
	found map[git.ID]State
}

// baselines lists the commits to show; those from index orphans on are
// reachable only through experiments.
func (s *showing) baselines(ctx context.Context) (list []git.ID, orphans int, err error) {
	o := s.opts
	sel := o.Selection
	explicit := len(sel.Revs) > 0
	if !explicit && !sel.All && !o.AllBranches && !o.AllTags {
		sel.Revs = []string{"HEAD"}
	}
	if sel.Num == 0 {
		sel.Num = 1
	}
	seen := map[git.ID]bool{}
	add := func(ids []git.ID, err2 error) {
		err = errors.Join(err, err2)
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				list = append(list, id)
			}
		}
	}
	add(s.repo.commits(ctx, sel.Revs, sel.Num))
	names := func(space string) []string {
		var out []string
		refs, err := s.repo.git.Refs(ctx, space)
		for _, g := range refs {
			out = append(out, g.Name)
		}
		add(nil, err)
		return out
	}
	switch {
	case sel.All:
		add(s.repo.allCommits(ctx))
	default:
		if o.AllBranches {
			add(s.repo.commits(ctx, names("refs/heads/"), sel.Num))
		}
		if o.AllTags {
			add(s.repo.commits(ctx, names("refs/tags/"), 1))
		}
	}
	orphans = len(list)
	if err == nil && !explicit && !o.HideOrphans {
		add(s.repo.orphans(ctx, s.refs, seen))
	}
	return list, orphans, err
}

// orphans lists the baselines that no branch, tag or remote reaches.
func (r *Repo) orphans(ctx context.Context, refs []ref, known map[git.ID]bool) ([]git.ID, error) {
	var ask []git.ID
	for _, f := range refs {
		if !known[f.Baseline] && !slices.Contains(ask[max(0, len(ask)-1):], f.Baseline) {
			ask = append(ask, f.Baseline)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	args := []string{"rev-list", "--ignore-missing"}
	for _, id := range ask[:min(len(ask), 2000)] {
		args = append(args, string(id))
	}
	out, err := r.git.Run(ctx, append(args, "--not", "HEAD", "--branches", "--tags", "--remotes")...)
	if err != nil {
		return nil, err
	}
	lost := map[git.ID]bool{}
	for i := 0; i+40 <= len(out); {
		end := i + slices.Index(out[i:], '\n')
		if end < i {
			break
		}
		lost[git.ID(out[i:end])] = true
		i = end + 1
	}
	return slices.DeleteFunc(ask, func(id git.ID) bool { return !lost[id] }), nil
}

// collectAll fills found with the baselines and their experiments.
func (s *showing) collectAll(ctx context.Context, bases []git.ID) error {
	s.found = map[git.ID]State{}
	var missing []git.ID
	want := func(id git.ID) {
		if _, ok := s.found[id]; ok {
			return
		}
		s.found[id] = State{Rev: string(id)}
		if s.cache != nil {
			if d, ok := s.cache.get(id); ok {
				s.found[id] = State{Rev: string(id), Data: d}
				return
			}
		}
		missing = append(missing, id)
	}
	chosen := map[git.ID]bool{}
	for _, id := range bases {
		chosen[id] = true
		want(id)
	}
	for _, f := range s.refs {
		if chosen[f.Baseline] {
			want(f.ID)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for _, id := range missing {
		g.Go(func() error {
			d, err := s.repo.collectCommit(ctx, id, s.store, s.opts.ParamDeps)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			st := State{Rev: string(id), Data: d}
			if err != nil {
				st.Err = commitError(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.found[id] = st
			if s.cache != nil && err == nil && !d.failed() {
				s.cache.put(id, d)
			}
			return nil
		})
	}
	return g.Wait()
}

// failed reports whether a file could not be read: such data is not kept, as
// the file may yet be fetched.
func (d *Data) failed() bool {
	bad := func(f FileValues) bool { return f.Err != nil }
	return slices.ContainsFunc(d.Params(), bad) || slices.ContainsFunc(d.Metrics(), bad)
}

// collectCommit reads the tree of a commit.
func (r *Repo) collectCommit(ctx context.Context, id git.ID, store *object.Cache, paramDeps bool) (*Data, error) {
	c, err := r.git.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	root, err := r.git.Lookup(ctx, c.Tree, r.sub)
	if err != nil {
		return nil, err
	}
	col := &collector{fsys: r.git.TreeAt(ctx, root.ID), cache: store, paramDeps: paramDeps, parse: parseValues}
	b, err := col.collect()
	if err != nil {
		return nil, err
	}
	return newData(string(id), c.Committer.When, b)
}

func (s *showing) workspace() State {
	r := s.repo
	col := &collector{fsys: os.DirFS(r.root), cache: s.store, paramDeps: s.opts.ParamDeps, parse: parseValues, skip: skipper(r.root)}
	b, err := col.collect()
	if err == nil {
		var d *Data
		if d, err = newData(Workspace, time.Time{}, b); err == nil {
			return State{Rev: Workspace, Data: d}
		}
	}
	return State{Rev: Workspace, Err: commitError(err)}
}

// ranges lists the experiments of a baseline in DVC's order.
func (s *showing) ranges(base git.ID, tasks taskStates) []Range {
	var done []Range
	for _, f := range s.refs {
		if f.Baseline != base || f.ID == base {
			continue
		}
		st := s.found[f.ID]
		st.Name = f.Name
		x := Range{Name: f.Name, State: &st}
		if e, ok := tasks.success[f.String()]; ok {
			x.Executor = e
		}
		done = append(done, x)
	}
	list := append(newestFirst(tasks.running), newestFirst(done)...)
	if !s.opts.HideQueued {
		list = append(list, newestFirst(tasks.queued)...)
	}
	if !s.opts.HideFailed {
		list = append(list, newestFirst(tasks.failed)...)
	}
	return list
}

func newestFirst(list []Range) []Range {
	when := func(x Range) int64 {
		if x.State.Data == nil || x.State.Data.Time.IsZero() {
			return 0
		}
		return x.State.Data.Time.Unix()
	}
	slices.SortStableFunc(list, func(a, b Range) int {
		return cmp.Or(cmp.Compare(when(b), when(a)), cmp.Compare(b.State.Rev, a.State.Rev))
	})
	return list
}

// taskStates are the queue's experiments of one baseline.
type taskStates struct {
	running, queued, failed []Range
	success                 map[string]*Executor // by reference
}
