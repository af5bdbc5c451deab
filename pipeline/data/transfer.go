package data

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/config"
)

// TransferOptions change what Push, Fetch and Pull do; nil means the zero
// TransferOptions.
type TransferOptions struct {
	Remote       string // name of the remote; empty = core.remote
	Jobs         int    // copies at a time; 0 = the remote's option jobs, or else 4 per core
	WithDeps     bool   // also what the targets depend on
	Recursive    bool   // a target may be a directory: all stages declared below it
	RunCache     bool   // also the run cache
	Glob         bool   // a target is a shell pattern of paths
	Commits             // also what these commits declare
	CommitsOnly  bool   // not what the workspace declares
	Force        bool   // Pull: overwrite and delete files whose content is not in the cache
	AllowMissing bool   // Pull: content that is nowhere is no error

	// Verify looks for every file in the remote. Without it a directory that is
	// there stands for its files, as in DVC.
	Verify bool
	// DryRun copies nothing and logs how many files of how many bytes it would.
	DryRun bool
	// Bandwidth limits the bytes per second, of all copies together; 0 = no limit.
	Bandwidth int64
	// Progress hears how far the copies are, some times a second; nil = nobody.
	Progress func(Progress)
	// Ask reads a password that a remote asks for (ask_password); nil = that is
	// an error.
	Ask func(ctx context.Context, prompt string) (string, error)
}

// Progress is how far a transfer is.
type Progress struct {
	Phase      string // "querying", "uploading", "downloading" or, of gc, "removing"
	Remote     string // name; empty = the cache
	Files      int    // that are done
	TotalFiles int    // 0 = not known
	Bytes      int64  // that have moved
	TotalBytes int64  // 0 = not known
}

// stores are the remotes of one operation, opened when they are needed.
type stores struct {
	p      *project.Repo
	opts   transfer.Options
	byName map[string]*transfer.Store
}

// stores makes no connection yet.
func (r *Repo) stores(opts *TransferOptions) *stores {
	s := &stores{p: r.p, byName: map[string]*transfer.Store{}, opts: transfer.Options{
		Jobs: opts.Jobs, Verify: opts.Verify, Dry: opts.DryRun, Bandwidth: opts.Bandwidth, Ask: opts.Ask,
	}}
	if report := opts.Progress; report != nil {
		s.opts.Progress = func(p transfer.Progress) {
			report(Progress{string(p.Phase), p.Remote, p.Files, p.TotalFiles, p.Bytes, p.TotalBytes})
		}
	}
	return s
}

// open opens a remote the first time it is asked for. The empty name, the default,
// and the default's own name are two Stores.
func (s *stores) open(ctx context.Context, name string) (*transfer.Store, error) {
	if s.byName[name] == nil {
		store, err := transfer.Open(ctx, s.p, name, &s.opts)
		if err != nil {
			return nil, err
		}
		s.byName[name] = store
	}
	return s.byName[name], nil
}

// RemoteName is the name of the remote that an empty name stands for, or the
// name itself.
func (r *Repo) RemoteName(name string) string {
	if name == "" {
		name = r.p.Setting("core", "remote")
	}
	return name
}

// wanted is what goes to or comes from one remote.
// An empty name is the default remote.
type wanted struct {
	name   string
	outs   []project.Piece
	stages map[*project.Output]*project.Stage // that the outputs are of
}

func (w *wanted) objects() []transfer.Wanted {
	var list []transfer.Wanted
	for _, o := range w.outs {
		list = append(list, transfer.Wanted{Hash: o.Rec.Hash, Part: o.Part})
	}
	return list
}

// collectWanted finds the outputs of the targets and revisions, by remote, without
// those that are never pushed unless it is for a fetch, and those imports that come
// from elsewhere.
func (r *Repo) collectWanted(ctx context.Context, opts *TransferOptions, targets []string, use use) (list []*wanted, imports []*project.Output, err error) {
	if opts.Glob {
		if targets, err = r.globPaths(targets); err != nil {
			return nil, nil, err
		}
	}
	// An output may name a remote of its own, which then has all of it: with
	// another remote asked for by name the output is left out, as DVC does.
	byName := map[string]*wanted{}
	add := func(s *project.Stage, o project.Piece) {
		if fromSource(o.Output) && o.GitIgnored() {
			if use == forFetch {
				imports = append(imports, o.Output)
				return
			}
			// Its source keeps it, by commit or by version.
			if o.From.IsRepo() || o.From.Versioned() {
				return
			}
		}
		if !o.GitIgnored() || o.Rec.Hash.IsZero() || use != forFetch && o.NoPush || opts.Remote != "" && o.Remote != "" && o.Remote != opts.Remote {
			return
		}
		name := opts.Remote
		if o.Remote != "" {
			name = o.Remote
		}
		if byName[name] == nil {
			byName[name] = &wanted{name: name, stages: map[*project.Output]*project.Stage{}}
			list = append(list, byName[name])
		}
		byName[name].stages[o.Output] = s
		byName[name].outs = append(byName[name].outs, o)
	}
	each := r.eachIndex
	if opts.CommitsOnly {
		each = r.eachCommit
	}
	var failed error
	read := false
	err = each(ctx, opts.Commits, func(rev string, x *project.Index) error {
		chosen, err := x.Granular(project.Scope{WithDeps: opts.WithDeps, Recursive: opts.Recursive}, targets)
		if err == nil && use == forFetch && opts.Remote != "" && len(chosen) > 0 {
			_, err = transfer.Config(r.p, opts.Remote) // as in DVC, also if the cache lacks nothing
		}
		if err == nil && use == forStatus {
			err = x.Collect() // DVC reads all before it looks at any
		}
		switch {
		case err != nil && use == forStatus:
			return fmt.Errorf("Failed to collect '%s': %w", rev, err) // DVC's words
		case err != nil:
			// As in DVC, the others are copied.
			r.p.Log.Warn("failed to collect '" + rev + "', skipping")
			failed = err
			return nil
		}
		read = true
		for _, c := range chosen {
			for _, o := range project.Pieces([]project.Selection{c}) {
				if use == forStatus {
					r.warnUnrecorded(c.Stage, o.Output)
				}
				add(c.Stage, o)
			}
		}
		return nil
	})
	if err == nil && !read {
		err = failed
	}
	return list, imports, err
}

// use is what objects are wanted for.
type use int

const (
	forFetch use = iota
	forPush
	forStatus // as for a push; and DVC warns of what it knows nothing of
)

// warnUnrecorded says, in DVC's words, that nothing is known of an output that the
// cache would keep.
func (r *Repo) warnUnrecorded(s *project.Stage, o *project.Output) {
	if !o.Cached() || !o.Rec.Hash.IsZero() || s.IsImport() {
		return
	}
	text := fmt.Sprintf("Output '%s'(%s) is missing version info. Cache for it will not be collected. "+
		"Use `dvc repro` to get your pipeline up to date.", o.Show, s)
	if project.Exists(o.Abs) {
		text += fmt.Sprintf("\nYou can also use `dvc commit %s` to associate existing '%s' with %s.", s.Addr, o.Show, s)
	}
	r.p.Log.Warn(text)
}

// Push copies content from the cache to the remote, where it lacks it. The
// result is never nil.
func (r *Repo) Push(ctx context.Context, opts *TransferOptions, targets ...string) (*Transferred, error) {
	return r.transfer(ctx, opts, targets, true)
}

// Fetch copies content from the remote to the cache, where it lacks it. The
// result is never nil.
func (r *Repo) Fetch(ctx context.Context, opts *TransferOptions, targets ...string) (*Transferred, error) {
	return r.transfer(ctx, opts, targets, false)
}

// transfer holds the lock for all of it: a gc meanwhile would remove what is copied.
func (r *Repo) transfer(ctx context.Context, opts *TransferOptions, targets []string, push bool) (*Transferred, error) {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return new(Transferred), err
	}
	defer unlock()
	if opts == nil {
		opts = new(TransferOptions)
	}
	if push {
		return r.push(ctx, opts, targets)
	}
	return r.fetch(ctx, opts, targets)
}

// push is Push under the lock.
func (r *Repo) push(ctx context.Context, opts *TransferOptions, targets []string) (*Transferred, error) {
	sum := new(Transferred)
	stores := r.stores(opts)
	if err := r.checkRevs(opts, opts.Remote); err != nil {
		return sum, err
	}
	list, _, err := r.collectWanted(ctx, opts, targets, forPush)
	if err != nil {
		return sum, err
	}
	store, err := stores.open(ctx, opts.Remote)
	if err != nil {
		return sum, err
	}
	if opts.RunCache {
		if sum.Files, err = store.PushRuns(ctx, r.p); r.noRuns("push", err) != nil {
			return sum, err
		}
	}
	failure := &TransferError{Upload: true}
	for _, w := range list {
		if store, err = stores.open(ctx, w.name); err != nil {
			return sum, err
		}
		t, err := r.pushTo(ctx, opts, store, w)
		sum.add(t)
		if err != nil {
			return sum, err
		}
		failure.add(r, t)
	}
	sum.report(r, opts, "pushed")
	return sum, failure.orNil()
}

// noRuns warns of a remote that can keep no run cache, and goes on, as DVC does without
// a word. Other errors are returned.
func (r *Repo) noRuns(verb string, err error) error {
	var none *transfer.RunsError
	if !errors.As(err, &none) {
		return err
	}
	r.p.Log.Warn(fmt.Sprintf("failed to %s run cache: %v", verb, err))
	return nil
}

// pushTo pushes what is for one remote.
func (r *Repo) pushTo(ctx context.Context, opts *TransferOptions, store *transfer.Store, w *wanted) (*transfer.Result, error) {
	if store.Versioned() {
		if err := r.checkRevs(opts, w.name); err != nil {
			return new(transfer.Result), err
		}
		return r.pushVersions(ctx, store, w)
	}
	if err := r.manifests(ctx, w); err != nil {
		return new(transfer.Result), err
	}
	return store.Push(ctx, w.objects())
}

// fetch is Fetch under the lock.
func (r *Repo) fetch(ctx context.Context, opts *TransferOptions, targets []string) (*Transferred, error) {
	sum := new(Transferred)
	// DVC asks for the remote before it knows whether there is anything to fetch.
	if _, err := transfer.Config(r.p, opts.Remote); opts.Remote != "" && errors.Is(err, config.ErrNoRemote) {
		r.p.Log.Warn("failed to collect 'workspace', skipping")
		return sum, err
	}
	stores := r.stores(opts)
	if opts.RunCache {
		store, err := stores.open(ctx, opts.Remote)
		if err != nil {
			return sum, err
		}
		if err := r.noRuns("pull", store.FetchRuns(ctx, r.p)); err != nil {
			return sum, err
		}
	}
	list, imports, err := r.collectWanted(ctx, opts, targets, forFetch)
	if err != nil {
		return sum, err
	}
	failure := new(TransferError)
	if sum.Files, err = r.fetchImports(ctx, opts, imports, failure); err != nil {
		return sum, err
	}
	for _, w := range list {
		if complete, err := r.complete(ctx, w); complete || err != nil {
			if err != nil {
				return sum, err
			}
			continue
		}
		store, err := stores.open(ctx, w.name)
		if err != nil {
			return sum, err
		}
		t, err := r.fetchFrom(ctx, store, w, failure)
		sum.add(t)
		if err != nil {
			return sum, err
		}
		failure.add(r, t)
	}
	sum.report(r, opts, "fetched")
	return sum, failure.orNil()
}

// complete reports whether the cache lacks nothing, so that there is nothing to
// ask a remote for: it need not even be configured.
func (r *Repo) complete(ctx context.Context, w *wanted) (bool, error) {
	for _, o := range w.outs {
		missing, err := r.p.Cache().Missing(ctx, o.Rec.Hash)
		if len(missing) > 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

// Pull is Fetch and then Checkout. The first result, that of Fetch, is never nil.
func (r *Repo) Pull(ctx context.Context, opts *TransferOptions, targets ...string) (*Transferred, *Checkouts, error) {
	if opts == nil {
		opts = new(TransferOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return new(Transferred), nil, err
	}
	defer unlock()
	sum, err := r.fetch(ctx, opts, targets)
	if err != nil {
		return sum, nil, err
	}
	if opts.Glob {
		if targets, err = r.globPaths(targets); err != nil {
			return sum, nil, err
		}
	}
	if opts.DryRun {
		return sum, new(Checkouts), nil
	}
	list, err := r.checkout(ctx, &CheckoutOptions{Force: opts.Force, WithDeps: opts.WithDeps, Recursive: opts.Recursive, AllowMissing: opts.AllowMissing}, targets)
	return sum, list, err
}
