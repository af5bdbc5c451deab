package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// FetchHashes fetches objects from the default remote, as far as it has them.
func FetchHashes(ctx context.Context, r *project.Repo, hashes []object.Hash) error {
	s, err := Open(ctx, r, "", nil)
	if err != nil {
		return err
	}
	t, err := s.Fetch(ctx, All(hashes...))
	if err == nil {
		err = errors.Join(t.Failed...)
	}
	return err
}

// SendHashes copies objects to a remote, the default one if it has no name. All of
// them must be here or there.
func SendHashes(ctx context.Context, r *project.Repo, name string, hashes []object.Hash) error {
	s, err := Open(ctx, r, name, nil)
	if err != nil {
		return err
	}
	t, err := s.Push(ctx, All(hashes...))
	if err != nil {
		return err
	}
	if len(t.Missing) > 0 {
		return fmt.Errorf("%s is neither in the cache nor in the remote '%s': %w", t.Missing[0], s.Name, object.ErrMissing)
	}
	return errors.Join(t.Failed...)
}

// BringBack fetches outputs, each from its remote, and checks them out.
func BringBack(ctx context.Context, r *project.Repo, outs []*project.Output) error {
	// All is fetched before anything is checked out: a remote that fails leaves the
	// workspace as it was.
	byRemote := map[string][]object.Hash{}
	for _, o := range outs {
		if o.Cached() {
			byRemote[o.Remote] = append(byRemote[o.Remote], o.Rec.Hash)
		}
	}
	for name, hashes := range byRemote {
		s, err := Open(ctx, r, name, nil)
		if err != nil {
			return err
		}
		t, err := s.Fetch(ctx, All(hashes...))
		if err == nil {
			err = errors.Join(t.Failed...)
		}
		if err != nil {
			return err
		}
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

// FetchRuns fetches the run cache of the default remote.
func FetchRuns(ctx context.Context, r *project.Repo) error {
	s, err := Open(ctx, r, "", nil)
	if err != nil {
		return err
	}
	return s.FetchRuns(ctx, r)
}
