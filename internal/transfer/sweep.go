package transfer

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/object"
)

// Layout is where a remote keeps objects.
type Layout string

// The layouts: that of today, and that of DVC 2, which lies beside the run cache.
const (
	Current Layout = "files/md5/"
	Legacy  Layout = ""
)

// Sweep removes the objects of a layout that keep does not want, directories first
// so that none vouches for what is gone, and returns how many and of how many bytes
// they were. The run cache stays.
func (s *Store) Sweep(ctx context.Context, layout Layout, keep func(object.Hash) bool) (count int, bytes int64, err error) {
	unused, err := s.unused(ctx, layout, keep)
	if err != nil {
		return 0, 0, err
	}
	files, dirs := []string{}, []string{}
	for h, size := range unused {
		count++
		bytes += max(0, size)
		if h.IsDir() {
			dirs = append(dirs, h.Key())
		} else {
			files = append(files, h.Key())
		}
	}
	if s.opts.Dry {
		if s.opts.Progress != nil {
			s.opts.Progress(Progress{}) // nothing is under way
		}
		for _, key := range slices.Sorted(slices.Values(slices.Concat(dirs, files))) {
			s.opts.Log.Info("Removing " + key)
		}
	}
	if s.opts.Dry || count == 0 {
		return count, bytes, nil
	}
	// Before anything is removed: a kill from here on leaves nothing remembered that
	// is not there.
	s.index.drop()
	if err := s.index.save(); err != nil {
		return count, bytes, err
	}
	m := s.newMeter(Removing, count, bytes)
	defer m.end()
	for _, keys := range [][]string{dirs, files} {
		if err := s.remove(ctx, keys, m, unused); err != nil {
			return count, bytes, err
		}
	}
	return count, bytes, nil
}

// unused lists the folders of objects, a few at a time.
func (s *Store) unused(ctx context.Context, layout Layout, keep func(object.Hash) bool) (sizes, error) {
	l, err := s.lister("gc")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	found := sizes{}
	m := s.newMeter(Querying, 0, 0)
	defer m.end()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.jobs)
	for i := range 256 {
		g.Go(func() error {
			return s.retry(ctx, nil, func() error {
				for info, err := range l.List(ctx, fmt.Sprintf("%s%02x/", layout, i)) {
					if err != nil {
						return err
					}
					m.add(1, 0)
					if h, ok := object.ParseKey(info.Key); ok && !keep(h) {
						mu.Lock()
						found[h] = info.Size
						mu.Unlock()
					}
				}
				return nil
			})
		})
	}
	return found, g.Wait()
}

// remove deletes keys in requests of a thousand, a few of them at a time.
func (s *Store) remove(ctx context.Context, keys []string, m *meter, bytes sizes) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for len(keys) > 0 {
		part := keys[:min(1000, len(keys))]
		keys = keys[len(part):]
		g.Go(func() error {
			if err := s.retry(ctx, nil, func() error { return s.r.Remove(ctx, part...) }); err != nil {
				return err
			}
			for _, key := range part {
				h, _ := object.ParseKey(key)
				m.add(1, max(0, bytes[h]))
			}
			return nil
		})
	}
	return g.Wait()
}
