package pipeline

import (
	"context"
	"errors"

	"github.com/reprodl/reprodl/internal/object"
)

// fetchHashes fetches objects from the default remote, as far as it has them.
func (r *Repo) fetchHashes(ctx context.Context, hashes []object.Hash) error {
	remote, _, err := r.remote("")
	if err != nil {
		return err
	}
	t, err := r.Cache().Fetch(ctx, remote, hashes, 0)
	if err == nil {
		err = errors.Join(t.Failed...)
	}
	return err
}

// bringBack fetches outputs and checks them out.
func (r *Repo) bringBack(ctx context.Context, outs []*output) error {
	var hashes []object.Hash
	for _, o := range outs {
		if o.cached() {
			hashes = append(hashes, o.rec.Hash)
		}
	}
	if err := r.fetchHashes(ctx, hashes); err != nil {
		return err
	}
	for _, o := range outs {
		if !o.cached() || o.rec.Hash.IsZero() {
			continue
		}
		opts := &object.CheckoutOptions{Exec: o.rec.Exec}
		if _, err := r.Cache().Checkout(ctx, r.Hasher(), o.abs, o.rec.Hash, opts); err != nil {
			return err
		}
	}
	return nil
}
