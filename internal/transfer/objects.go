package transfer

import (
	"context"
	"errors"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// FetchHashes fetches objects from the default remote, as far as it has them.
func FetchHashes(ctx context.Context, r *project.Repo, hashes []object.Hash) error {
	remote, _, err := Remote(r, "")
	if err != nil {
		return err
	}
	var objects []object.Wanted
	for _, h := range hashes {
		objects = append(objects, object.Wanted{Hash: h})
	}
	t, err := r.Cache().Fetch(ctx, remote, objects, 0)
	if err == nil {
		err = errors.Join(t.Failed...)
	}
	return err
}

// BringBack fetches outputs and checks them out.
func BringBack(ctx context.Context, r *project.Repo, outs []*project.Output) error {
	var hashes []object.Hash
	for _, o := range outs {
		if o.Cached() {
			hashes = append(hashes, o.Rec.Hash)
		}
	}
	if err := FetchHashes(ctx, r, hashes); err != nil {
		return err
	}
	for _, o := range outs {
		if !o.Cached() || o.Rec.Hash.IsZero() {
			continue
		}
		opts := &object.CheckoutOptions{Exec: o.Rec.Exec}
		if _, err := r.Cache().Checkout(ctx, r.Hasher(), o.Abs, o.Rec.Hash, opts); err != nil {
			return err
		}
	}
	return nil
}
