package transfer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// sizes are objects of the remote and their bytes; -1 = not known.
type sizes map[object.Hash]int64

// exists finds out which of the objects the remote has.
//
// Objects lie in 256 folders, by the first two digits of their hash. For each
// folder there is a choice: a request for each object that is wanted of it, or
// a listing. What either costs is measured on the way, in this remote, today;
// a listing that proves longer than the requests would take is broken off.
func (s *Store) exists(ctx context.Context, hashes []object.Hash) (sizes, error) {
	if s.Versioned() {
		return s.existsVersions(ctx, hashes)
	}
	l, canList := s.r.(remote.Lister)
	f := &finder{s: s, l: l, found: sizes{}}
	if !canList {
		return f.found, f.each(ctx, hashes)
	}
	folders := map[string][]object.Hash{}
	for _, h := range hashes {
		key := h.Key()
		// files/md5/ab for DVC 3's objects, ab for DVC 2's: the key without all of the
		// hash but its first two digits, and without the slash.
		dir := key[:len(key)-len(h.String())+2]
		folders[dir] = append(folders[dir], h)
	}
	names := make([]string, 0, len(folders))
	for name := range folders {
		names = append(names, name)
	}
	// The fullest first: where a listing pays if it ever does.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(len(folders[b])-len(folders[a]), cmp.Compare(a, b))
	})
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.jobs)
	for _, name := range names {
		wanted := folders[name]
		// When all requests can be under way at once, no listing is faster than that.
		if len(wanted) == 1 || len(hashes) <= s.jobs {
			for _, h := range wanted {
				g.Go(func() error { return f.one(ctx, h) })
			}
			continue
		}
		g.Go(func() error { return f.folder(ctx, name, wanted) })
	}
	return f.found, g.Wait()
}

// finder looks for objects and learns what that costs. mu guards found and the two
// averages, which the goroutines of one search share.
type finder struct {
	s *Store
	l remote.Lister

	mu            sync.Mutex
	found         sizes
	single, whole average
}

// average is the mean duration of something.
type average struct {
	n     int
	total time.Duration
}

func (a *average) add(d time.Duration) { a.n++; a.total += d }

// mean is 0 as long as nothing was measured.
func (a *average) mean() time.Duration {
	if a.n == 0 {
		return 0
	}
	return a.total / time.Duration(a.n)
}

// each is for remotes that have no listing: a request for each object.
func (f *finder) each(ctx context.Context, hashes []object.Hash) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.s.jobs)
	for _, h := range hashes {
		g.Go(func() error { return f.one(ctx, h) })
	}
	return g.Wait()
}

// one asks for one object.
// Whatever becomes of it counts as the cost of a request.
func (f *finder) one(ctx context.Context, h object.Hash) error {
	start := time.Now()
	info, err := f.s.stat(ctx, h.Key())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.single.add(time.Since(start))
	switch {
	case errors.Is(err, remote.ErrNotFound):
		return nil
	case err == nil:
		f.found[h] = info.Size
	}
	return err
}

// stat includes the time of further tries: they are part of what a request costs.
func (s *Store) stat(ctx context.Context, key string) (info remote.Info, err error) {
	err = s.retry(ctx, nil, func() error {
		info, err = s.r.Stat(ctx, key)
		return err
	})
	return info, err
}

// folder looks for several objects of one folder.
func (f *finder) folder(ctx context.Context, name string, wanted []object.Hash) error {
	f.mu.Lock()
	single, whole, tried := f.single.mean(), f.whole.mean(), f.whole.n
	f.mu.Unlock()
	// Requests of one folder go one after the other, since the folders are looked at
	// side by side.
	requests := single * time.Duration(len(wanted))
	// The first listing is always tried: without it nothing would be known of its
	// cost. It has no limit yet if no request has been measured either.
	if tried == 0 || single == 0 || whole <= requests {
		done, err := f.list(ctx, name, wanted, requests)
		if done || err != nil {
			return err
		}
	}
	for _, h := range wanted {
		if err := f.one(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// list looks for objects in a listing of their folder. It gives up, and
// reports so, when it takes twice as long as limit.
// done is false without an error when it gave up; nothing it saw is used then.
func (f *finder) list(ctx context.Context, name string, wanted []object.Hash, limit time.Duration) (done bool, err error) {
	byKey := make(map[string]object.Hash, len(wanted))
	for _, h := range wanted {
		byKey[h.Key()] = h
	}
	start := time.Now()
	var found sizes
	err = f.s.retry(ctx, nil, func() error {
		// Another try begins from nothing: what an earlier one saw may be gone.
		found, done = sizes{}, false
		n := 0
		for info, err := range f.l.List(ctx, name+"/") {
			if err != nil {
				return err
			}
			if h, ok := byKey[info.Key]; ok {
				found[h] = info.Size
			}
			if n++; n%1000 == 0 && limit > 0 && time.Since(start) > 2*limit {
				return nil
			}
		}
		done = true
		return nil
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	// A listing that was broken off counts with the time until then, twice
	// what the requests would have taken: it tells later folders to do without.
	f.whole.add(time.Since(start))
	if done && err == nil {
		for h, size := range found {
			f.found[h] = size
		}
	}
	return done, err
}
