// Package compare lays experiments side by side: what they were given, what came
// of it, and why two of them differ.
//
//	states, err := compare.Show(ctx, repo, nil) // the workspace, HEAD and its experiments
//	table, err := compare.Tabulate(states, &compare.TableOptions{SortBy: "accuracy"})
//	os.Stdout.Write(table.AppendText(nil, false))
//
// [Show] collects the parameters, metrics, dependencies and outputs of revisions
// and their experiments as [State]s. From them come the table of `dvc exp show`
// ([Tabulate]) as text, Markdown or CSV, its JSON ([AppendJSON]), a page with
// plots ([WriteHTML]) and the [Best] experiment by a metric. [Diff] compares two
// revisions as `dvc exp diff` does, and knows from their records why they differ.
//
// What commits hold never changes, so it is read once and remembered in
// .dvc/tmp/exps/reprodl-show.cache, which may be deleted at any time.
package compare

import (
	"cmp"
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/params"
)

// ShowOptions choose what [Show] returns. Nil means the zero ShowOptions: the
// workspace, HEAD and its experiments, and those whose baseline was lost to a
// rebase.
type ShowOptions struct {
	experiment.Selection // baselines

	// Activities tells what is queued, running or failed, as a queue does; nil
	// reads the marks in git, which know only what is yet to be done.
	Activities func(context.Context) ([]experiment.Activity, error)

	HideQueued    bool
	HideFailed    bool
	HideWorkspace bool
	HideOrphans   bool // as DVC does
	SHA           bool // give baselines no names
	ParamDeps     bool // only parameters that stages depend on
	Force         bool // read all anew
}

// Show collects params, metrics, dependencies and outputs of the workspace, of
// the selected baselines, and of their experiments. Before the first commit
// there is nothing to show, and no error, as in DVC.
func Show(ctx context.Context, repo *experiment.Repo, opts *ShowOptions) ([]State, error) {
	if opts == nil {
		opts = &ShowOptions{}
	}
	// Any error of HEAD counts as no commit.
	if _, err := repo.Head(ctx); err != nil {
		return nil, nil
	}
	s := &showing{repo: repo, opts: opts}
	var err error
	// The refs are read once, so that all baselines see the same experiments.
	if s.refs, err = repo.Refs(ctx, &experiment.Selection{All: true}); err != nil {
		return nil, err
	}
	bases, orphans, err := s.baselines(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	if !opts.SHA {
		if names, err = repo.Describe(ctx); err != nil {
			return nil, err
		}
	}
	// The cache knows whole data only, as DVC's does, so it is of no use when
	// parameters are left out.
	if !opts.ParamDeps {
		s.cache = openShowCache(filepath.Join(repo.Root(), ".dvc", "tmp", "exps", "reprodl-show.cache"))
		if opts.Force {
			// "Damaged" has save write the file anew instead of appending.
			s.cache.known, s.cache.damaged = map[string]showRecord{}, true
		}
	}
	s.contents = contents(ctx, repo)
	activities := opts.Activities
	if activities == nil {
		activities = planned(repo)
	}
	list, err := activities(ctx)
	if err != nil {
		return nil, err
	}
	// Tasks come before here, which adds what runs in the workspace to them.
	tasks := s.tasks(ctx, list)
	if err := s.collectAll(ctx, bases); err != nil {
		return nil, err
	}
	states := s.here(tasks)
	for i, id := range bases {
		st := s.found[id]
		st.Name = names[id]
		st.Orphan = i >= orphans
		st.Experiments = s.ranges(id, tasks[id])
		states = append(states, st)
	}
	if s.cache != nil {
		s.cache.save()
	}
	return states, nil
}

// showing is one call of Show. The cache and store may be nil: there is nothing
// to remember, or nothing to read outputs from.
type showing struct {
	repo  *experiment.Repo
	opts  *ShowOptions
	refs  []experiment.Experiment
	cache *showCache
	// contents may be nil: there is nothing to read outputs from.
	contents *transfer.Contents

	mu    sync.Mutex
	found map[string]State // by commit
}

// here is the workspace, unless it is hidden. What runs in it joins tasks.
func (s *showing) here(tasks map[string]taskStates) []State {
	run := s.repo.Running()
	if s.opts.HideWorkspace && run == nil {
		return nil
	}
	// Read only once it is known that somebody will see it.
	here := workspace(s.repo, s.contents, s.opts.ParamDeps)
	// What runs in the workspace is shown twice, as DVC does: as the
	// workspace, and below the baseline that it started from.
	if run != nil {
		running := here
		running.Name = run.Name
		t := tasks[run.Baseline]
		t.running = append(t.running, Range{Name: run.Name, State: &running, Executor: &run.Executor})
		tasks[run.Baseline] = t
	}
	if s.opts.HideWorkspace {
		return nil
	}
	return []State{here}
}

// baselines lists the commits to show; those from index orphans on are
// reachable only through experiments.
func (s *showing) baselines(ctx context.Context) (list []string, orphans int, err error) {
	list, err = s.repo.Commits(ctx, &s.opts.Selection)
	if err != nil {
		return nil, 0, err
	}
	// The index of the first orphan; the length if there is none.
	orphans = len(list)
	// Who names revisions wants those and no others.
	if len(s.opts.Revs) == 0 && !s.opts.HideOrphans {
		lost, err := s.repo.Orphans(ctx, list)
		return append(list, lost...), orphans, err
	}
	return list, orphans, nil
}

// collectAll fills found with the baselines and their experiments.
func (s *showing) collectAll(ctx context.Context, bases []string) error {
	s.found = map[string]State{}
	var missing []string
	want := func(id string) {
		if _, ok := s.found[id]; ok {
			return
		}
		// The entry marks id as seen; a worker replaces it below.
		s.found[id] = State{Rev: id}
		if s.cache != nil {
			if d, ok := s.cache.get(id); ok {
				s.found[id] = State{Rev: id, Data: d}
				return
			}
		}
		missing = append(missing, id)
	}
	// Experiments of baselines that are not shown are not read either.
	chosen := map[string]bool{}
	for _, id := range bases {
		chosen[id] = true
		want(id)
	}
	for _, e := range s.refs {
		if chosen[e.Baseline] {
			want(e.Rev)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for _, id := range missing {
		g.Go(func() error {
			d, err := s.collect(ctx, id)
			// A cancelled read is no property of the commit: it must neither be
			// shown as one nor be remembered.
			if ctx.Err() != nil {
				return ctx.Err()
			}
			st := State{Rev: id, Data: d}
			if err != nil {
				st.Err = commitError(err)
			}
			// mu guards both found and the cache, whose put has no lock.
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

// collect reads the tree of a commit.
func (s *showing) collect(ctx context.Context, rev string) (*Data, error) {
	r, err := s.repo.Revision(ctx, rev)
	if err != nil {
		return nil, err
	}
	return collectRevision(r, s.contents, s.opts.ParamDeps)
}

// collectRevision reads the tree of a revision out of git; no work tree is
// needed.
func collectRevision(r *experiment.Revision, data *transfer.Contents, paramDeps bool) (*Data, error) {
	col := &collector{fsys: r.Files, contents: data, paramDeps: paramDeps, parse: parseValues}
	b, err := col.collect()
	if err != nil {
		return nil, dvcfile.OfCommit(err, r.Rev)
	}
	return newData(r.Rev, r.Time, b)
}

// workspace reads the working tree.
func workspace(repo *experiment.Repo, data *transfer.Contents, paramDeps bool) State {
	root := repo.Root()
	// Unlike the tree of a commit, the working tree has files that DVC
	// must not look at.
	col := &collector{fsys: project.Disk(root), contents: data, paramDeps: paramDeps, parse: parseValues, skip: skipper(root)}
	b, err := col.collect()
	if err == nil {
		var d *Data
		if d, err = newData(experiment.Workspace, time.Time{}, b); err == nil {
			return State{Rev: experiment.Workspace, Data: d}
		}
	}
	return State{Rev: experiment.Workspace, Err: commitError(err)}
}

// contents is the recorded data, wherever the configuration puts it; nil, and then
// nothing is read of it, if that cannot be read.
func contents(ctx context.Context, repo *experiment.Repo) *transfer.Contents {
	p, err := repo.Pipeline()
	if err != nil {
		return nil
	}
	return transfer.NewContents(ctx, project.Of(p.Repo))
}

// skipper tells what DVC does not look at in a working tree.
func skipper(root string) func(string, bool) bool {
	dvc, git := ignore.DVC(root), ignore.Git(root, "")
	return func(p string, dir bool) bool { return dvc.Ignored(p, dir) || git.Ignored(p, dir) }
}

// parseValues decodes a parameter or metrics file by the ending of its name.
func parseValues(name string, data []byte) (any, error) {
	v, err := params.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return v.Value(), nil
}

// ranges lists the experiments of a baseline in DVC's order.
func (s *showing) ranges(base string, tasks taskStates) []Range {
	var done []Range
	for _, e := range s.refs {
		// A ref at its own baseline has no commit of its own; DVC, which
		// walks from the ref to the baseline, finds none either.
		if e.Baseline != base || e.Rev == base {
			continue
		}
		st := s.found[e.Rev]
		st.Name = e.Name
		done = append(done, Range{Name: e.Name, State: &st, Executor: tasks.success[e.Name]})
	}
	// Each group is sorted by itself: an older running one comes before a
	// newer finished one.
	list := append(newestFirst(tasks.running), newestFirst(done)...)
	if !s.opts.HideQueued {
		list = append(list, newestFirst(tasks.queued)...)
	}
	if !s.opts.HideFailed {
		list = append(list, newestFirst(tasks.failed)...)
	}
	return list
}

// newestFirst sorts by the time of the commit, then by its id, both falling, as
// DVC does; without a time, last. Times count in whole seconds, as git has them.
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
