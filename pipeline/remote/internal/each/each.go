// Package each makes many small requests at a time where a server has no
// request for many things.
package each

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Key calls do for all keys, at most jobs at a time, and returns the first error.
func Key(ctx context.Context, jobs int, keys []string, do func(ctx context.Context, key string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, jobs))
	for _, key := range keys {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(ctx, key)
		})
	}
	return g.Wait()
}
