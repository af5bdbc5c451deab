package data

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// CloudState says how the cache and the remote differ about an object.
type CloudState string

// The states, in DVC's words.
const (
	CloudNew     CloudState = "new"     // only in the cache
	CloudDeleted CloudState = "deleted" // only in the remote
	CloudMissing CloudState = "missing" // in neither
)

// CloudStatus is one object that is not in both places.
type CloudStatus struct {
	Name  string // of the output, or of a file in it
	State CloudState
}

// CloudStatus compares the cache with the remote. Each object is listed once.
// Manifests of directories that are missing here are fetched, as DVC does.
func (r *Repo) CloudStatus(ctx context.Context, opts *TransferOptions, targets ...string) ([]CloudStatus, error) {
	if opts == nil {
		opts = new(TransferOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	stores := r.stores(opts)
	// As in DVC, a remote that nothing is wanted of need not even be configured.
	list, _, err := r.collectWanted(ctx, opts, targets, forStatus)
	if err != nil {
		return nil, err
	}
	var out []CloudStatus
	for _, w := range list {
		store, err := stores.open(ctx, w.name)
		if err != nil {
			return nil, err
		}
		if err := store.Plain("status"); err != nil {
			return nil, err
		}
		part, err := r.compareRemote(ctx, store, w)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// compareRemote looks at the objects of one remote.
func (r *Repo) compareRemote(ctx context.Context, store *transfer.Store, w *wanted) ([]CloudStatus, error) {
	var names []string
	var hashes []object.Hash
	// Objects are what is compared: two files of one content are one object.
	seen := map[object.Hash]bool{}
	trees := map[object.Hash][]object.Entry{}
	add := func(name string, h object.Hash) {
		if !seen[h] {
			seen[h] = true
			names, hashes = append(names, name), append(hashes, h)
		}
	}
	// Of several names for an object, DVC shows that of an added file.
	slices.SortStableFunc(w.outs, func(a, b project.Piece) int { return cmp.Compare(order(a.Output), order(b.Output)) })
	for _, o := range w.outs {
		if o.Part == "" {
			add(o.Show, o.Rec.Hash)
		}
		if !o.Rec.Hash.IsDir() {
			continue
		}
		entries, err := store.FetchTree(ctx, o.Rec.Hash)
		if err != nil && !errors.Is(err, object.ErrMissing) {
			return nil, err
		}
		trees[o.Rec.Hash] = entries
		for _, e := range o.In(entries) {
			add(o.Show+"/"+e.Path, e.Hash)
		}
	}
	// All at once, so that the store may choose between a listing and requests.
	there, err := store.Holds(ctx, hashes, trees)
	if err != nil {
		return nil, err
	}
	var out []CloudStatus
	for i, h := range hashes {
		there := there[h]
		here, err := r.p.Cache().HasObject(ctx, h, -1)
		if err != nil {
			return nil, err
		}
		switch {
		case here && !there:
			out = append(out, CloudStatus{names[i], CloudNew})
		case !here && there:
			out = append(out, CloudStatus{names[i], CloudDeleted})
		case !here && !there:
			out = append(out, CloudStatus{names[i], CloudMissing})
		}
	}
	return out, nil
}

// order puts the outputs of .dvc files before those of stages.
func order(o *project.Output) int {
	if o.Data {
		return 0
	}
	return 1
}
