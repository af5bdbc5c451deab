package data

import (
	"context"
	"fmt"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// TransferOptions change what Push, Fetch and Pull do; nil means the zero
// TransferOptions.
type TransferOptions struct {
	Remote       string // name of the remote; empty = core.remote
	Jobs         int    // copies at a time; 0 = 4 per core
	WithDeps     bool   // also what the targets depend on
	Recursive    bool   // a target may be a directory: all stages declared below it
	RunCache     bool   // also the run cache
	Glob         bool   // a target is a shell pattern of paths
	Commits             // also what these commits declare
	Force        bool   // Pull: overwrite and delete files whose content is not in the cache
	AllowMissing bool   // Pull: content that is nowhere is no error
}

// TransferError says that objects could not be copied.
type TransferError struct {
	Upload bool
	Count  int // objects
	Errs   []error
}

func (e *TransferError) Error() string {
	text := fmt.Sprintf("%d files failed to download", e.Count)
	if e.Upload {
		text = fmt.Sprintf("%d files failed to upload", e.Count)
	}
	for _, err := range e.Errs {
		text += "\n" + err.Error()
	}
	return text
}

// Unwrap returns the errors of the objects.
func (e *TransferError) Unwrap() []error { return e.Errs }

// RemoteName is the name of the remote that an empty name stands for, or the
// name itself.
func (r *Repo) RemoteName(name string) string {
	if name == "" {
		name = r.p.Setting("core", "remote")
	}
	return name
}

// wanted is what goes to or comes from one remote.
type wanted struct {
	remote object.Remote
	name   string
	outs   []project.Piece
}

func (w *wanted) objects() []object.Wanted {
	var list []object.Wanted
	for _, o := range w.outs {
		list = append(list, object.Wanted{Hash: o.Rec.Hash, Part: o.Part})
	}
	return list
}

// collectWanted finds the outputs of the targets and revisions, by remote. push
// leaves out those that are never pushed.
func (r *Repo) collectWanted(ctx context.Context, opts *TransferOptions, targets []string, push bool) ([]*wanted, error) {
	if opts.Glob {
		var err error
		if targets, err = r.globPaths(targets); err != nil {
			return nil, err
		}
	}
	var list []*wanted
	// An output may name a remote of its own, which then has all of it: with
	// another remote asked for by name the output is left out, as DVC does.
	byName := map[string]*wanted{}
	add := func(o project.Piece) error {
		if !o.GitIgnored() || o.Rec.Hash.IsZero() || push && o.NoPush || opts.Remote != "" && o.Remote != "" && o.Remote != opts.Remote {
			return nil
		}
		name := opts.Remote
		if o.Remote != "" {
			name = o.Remote
		}
		if byName[name] == nil {
			remote, _, err := transfer.Remote(r.p, name)
			if err != nil {
				return err
			}
			byName[name] = &wanted{remote: remote, name: name}
			list = append(list, byName[name])
		}
		byName[name].outs = append(byName[name].outs, o)
		return nil
	}
	err := r.eachIndex(ctx, opts.Commits, func(x *project.Index) error {
		chosen, err := x.Granular(project.Scope{WithDeps: opts.WithDeps, Recursive: opts.Recursive}, targets)
		if err != nil {
			return err
		}
		for _, o := range project.Pieces(chosen) {
			if err := add(o); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// Push copies content from the cache to the remote, where it lacks it, and
// returns how many files that were.
func (r *Repo) Push(ctx context.Context, opts *TransferOptions, targets ...string) (int, error) {
	return r.transfer(ctx, opts, targets, true)
}

// Fetch copies content from the remote to the cache, where it lacks it, and
// returns how many files that were.
func (r *Repo) Fetch(ctx context.Context, opts *TransferOptions, targets ...string) (int, error) {
	return r.transfer(ctx, opts, targets, false)
}

func (r *Repo) transfer(ctx context.Context, opts *TransferOptions, targets []string, push bool) (int, error) {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return 0, err
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
func (r *Repo) push(ctx context.Context, opts *TransferOptions, targets []string) (int, error) {
	if _, _, err := transfer.Remote(r.p, opts.Remote); err != nil {
		return 0, err
	}
	count := 0
	if opts.RunCache {
		n, err := transfer.PushRuns(ctx, r.p, opts.Remote)
		if err != nil {
			return n, err
		}
		count = n
	}
	list, err := r.collectWanted(ctx, opts, targets, true)
	if err != nil {
		return count, err
	}
	failure := &TransferError{Upload: true}
	for _, w := range list {
		t, err := r.p.Cache().Push(ctx, w.remote, w.objects(), opts.Jobs)
		if err != nil {
			return count, err
		}
		count += t.Count
		if err := failure.add(ctx, r, w.remote, t); err != nil {
			return count, err
		}
	}
	return count, failure.orNil()
}

// add counts what failed. For an upload, what is missing here but present in
// the remote is no failure.
func (e *TransferError) add(ctx context.Context, r *Repo, remote object.Remote, t *object.Transfer) error {
	missing := t.Missing
	if e.Upload {
		keys := make([]string, len(missing))
		for i, h := range missing {
			keys[i] = h.Key()
		}
		there, err := remote.Has(ctx, keys)
		if err != nil {
			return err
		}
		missing = nil
		for i, ok := range there {
			if !ok {
				missing = append(missing, t.Missing[i])
			}
		}
	}
	// Missing content is no error for DVC either: the count tells, and the next
	// checkout fails where it is needed.
	if len(missing) > 0 {
		text := "Some of the cache files do not exist neither locally nor on remote. Missing cache files:"
		for _, h := range missing {
			text += "\nmd5: " + h.String()
		}
		r.p.Log.Warn(text)
	}
	e.Errs = append(e.Errs, t.Failed...)
	e.Count += len(t.Failed)
	return nil
}

func (e *TransferError) orNil() error {
	if e.Count == 0 {
		return nil
	}
	return e
}

// fetch is Fetch under the lock.
func (r *Repo) fetch(ctx context.Context, opts *TransferOptions, targets []string) (int, error) {
	if opts.RunCache {
		if err := transfer.FetchRuns(ctx, r.p, opts.Remote); err != nil {
			return 0, err
		}
	}
	list, err := r.collectWanted(ctx, opts, targets, false)
	if err != nil {
		return 0, err
	}
	count, failure := 0, new(TransferError)
	for _, w := range list {
		t, err := r.p.Cache().Fetch(ctx, w.remote, w.objects(), opts.Jobs)
		if err != nil {
			return count, err
		}
		count += t.Count
		if err := failure.add(ctx, r, w.remote, t); err != nil {
			return count, err
		}
	}
	return count, failure.orNil()
}

// Pull is Fetch and then Checkout. The returned number is that of Fetch.
func (r *Repo) Pull(ctx context.Context, opts *TransferOptions, targets ...string) (int, *Checkouts, error) {
	if opts == nil {
		opts = new(TransferOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer unlock()
	count, err := r.fetch(ctx, opts, targets)
	if err != nil {
		return count, nil, err
	}
	if opts.Glob {
		if targets, err = r.globPaths(targets); err != nil {
			return count, nil, err
		}
	}
	list, err := r.checkout(ctx, &CheckoutOptions{Force: opts.Force, WithDeps: opts.WithDeps, Recursive: opts.Recursive, AllowMissing: opts.AllowMissing}, targets)
	return count, list, err
}
