package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Push copies to the remote what it lacks of the objects and, for directories,
// of their files. A manifest follows after all its files: what is there is
// complete, and vouches for them from then on.
//
// An error means that the remote as a whole failed; what failed of single
// objects is in the Result.
func (s *Store) Push(ctx context.Context, objects []Wanted) (*Result, error) {
	p := &pusher{batch: batch{s: s}, trees: map[object.Hash][]object.Entry{}, partial: map[object.Hash]bool{}}
	err := p.run(ctx, objects)
	if err != nil || len(p.result.Failed) > 0 {
		s.index.drop()
	}
	if err := s.index.save(); err != nil {
		s.opts.Log.Debug("the index of the remote was not saved: " + err.Error())
	}
	return &p.result, err
}

// pusher is one call of Push.
type pusher struct {
	batch
	trees   map[object.Hash][]object.Entry // the wanted files of directories that are looked at
	partial map[object.Hash]bool           // directories of which only a part is wanted
}

// run asks twice: for the manifests, and for those files that no manifest vouches
// for. Files go before manifests, so that a kill leaves no manifest whose files
// are not there.
func (p *pusher) run(ctx context.Context, objects []Wanted) error {
	files, parts := split(objects)
	dirs := manifests(parts)
	there, err := p.s.holds(ctx, dirs)
	if err != nil {
		return err
	}
	known, err := p.expand(ctx, parts, there)
	if err != nil {
		return err
	}
	for _, h := range dirs {
		for _, e := range p.trees[h] {
			files = append(files, e.Hash)
		}
	}
	files = slices.DeleteFunc(unique(files), func(h object.Hash) bool { return known[h] })
	present, err := p.s.holds(ctx, files)
	if err != nil {
		return err
	}
	bad, err := p.upload(ctx, files, present)
	if err != nil {
		return err
	}
	if err := p.manifests(ctx, dirs, there, bad); err != nil {
		return err
	}
	return ctx.Err()
}

// holds is exists, with its progress.
func (s *Store) holds(ctx context.Context, hashes []object.Hash) (sizes, error) {
	if len(hashes) == 0 {
		return nil, nil
	}
	s.newMeter(Querying, len(hashes), 0).end()
	return s.exists(ctx, hashes)
}

// expand reads the manifests of the directories that the remote lacks, or of
// all if nothing vouches, and returns the files that are known to be there.
func (p *pusher) expand(ctx context.Context, parts []Wanted, there sizes) (map[object.Hash]bool, error) {
	wanted := map[object.Hash]bool{}
	for _, w := range parts {
		h := w.Hash
		if _, complete := there[h]; complete && p.s.vouches(h) {
			if entries, err := p.s.cache.Tree(h); err == nil {
				p.s.index.add(h, entries)
			}
			continue
		}
		entries, err := p.s.Tree(ctx, h)
		if err != nil {
			if err := p.note(h, err); err != nil {
				return nil, err
			}
			continue
		}
		part := w.of(entries)
		p.trees[h] = append(p.trees[h], part...)
		p.partial[h] = len(part) < len(entries)
		for _, e := range part {
			wanted[e.Hash] = true
		}
	}
	if p.s.opts.Verify || len(wanted) == 0 {
		return nil, nil
	}
	return p.s.vouched(ctx, wanted)
}

// vouched are the files that belong to directories which were complete in the
// remote and still are, by their manifests.
func (s *Store) vouched(ctx context.Context, wanted map[object.Hash]bool) (map[object.Hash]bool, error) {
	list := s.index.vouchers(wanted)
	if len(list) == 0 {
		return nil, nil
	}
	dirs := make([]object.Hash, len(list))
	for i, d := range list {
		dirs[i] = object.DirHash(d.sum)
	}
	there, err := s.holds(ctx, dirs)
	if err != nil {
		return nil, err
	}
	known := map[object.Hash]bool{}
	for i, d := range list {
		// One manifest that is gone makes all suspect, not only its own files: a gc from
		// another machine doesn't tell what else it removed.
		if _, ok := there[dirs[i]]; !ok { // somebody has cleaned up
			s.index.drop()
			return nil, nil
		}
		for _, sum := range d.files {
			known[object.FileHash(sum)] = true
		}
	}
	return known, nil
}

// upload sends the files that are not present and returns those that are not in
// the remote now. Without a copy here they are Missing.
func (p *pusher) upload(ctx context.Context, files []object.Hash, present sizes) (map[object.Hash]bool, error) {
	var send []object.Hash
	var bytes int64
	for _, h := range files {
		if _, ok := present[h]; ok {
			continue
		}
		send = append(send, h)
		if size, err := p.s.cache.Size(h); err == nil {
			bytes += size
		}
	}
	return p.each(ctx, send, Uploading, bytes, p.put)
}

// manifests sends those of the directories that are complete.
// One whose files failed, or are nowhere, is not sent: it would vouch for them.
func (p *pusher) manifests(ctx context.Context, dirs []object.Hash, there sizes, bad map[object.Hash]bool) error {
	var send, whole []object.Hash
	for _, h := range dirs {
		entries, ok := p.trees[h]
		if !ok || slices.ContainsFunc(entries, func(e object.Entry) bool { return bad[e.Hash] }) {
			continue
		}
		if _, has := there[h]; !has {
			send = append(send, h)
		}
		if !p.partial[h] && !p.s.opts.Dry {
			whole = append(whole, h)
		}
	}
	failed, err := p.each(ctx, send, Uploading, 0, p.put)
	for _, h := range send {
		if err == nil && !failed[h] && p.partial[h] && !p.s.opts.Dry {
			p.s.index.mark(h)
		}
	}
	// A directory that was only half sent never gets here: whole has those none of
	// whose files failed.
	for _, h := range whole {
		if err == nil && !failed[h] {
			p.s.index.add(h, p.trees[h])
		}
	}
	return err
}

// vouches reports whether the manifest of a directory in the remote stands for
// its files. It does unless the caller wants certainty, or this machine itself
// has sent only a part of the directory: as DVC does, with its manifest, so that
// others can pull the part.
func (s *Store) vouches(h object.Hash) bool { return !s.opts.Verify && !s.index.marked(h) }

// put sends one object. It is read anew for each try, from the cache, whose copy
// must be that of its name: source checks it.
func (p *pusher) put(ctx context.Context, h object.Hash, m *meter) (int64, error) {
	size, err := p.s.cache.Size(h)
	if err != nil || p.s.opts.Dry {
		return size, err
	}
	return size, p.s.attempt(ctx, m, "put", h.Key(), func(f *flow) error {
		_, err := p.s.r.Put(f.ctx, h.Key(), f.source(h, size))
		return err
	})
}

// attempt makes tries until one succeeds, each with a flow of its own.
func (s *Store) attempt(ctx context.Context, m *meter, op, key string, do func(*flow) error) error {
	// Tries are counted from the last one that got further: a slow line is not given
	// up as long as it gets on.
	var last *flow
	var reach furthest
	return s.retry(ctx, func() bool { return reach.passed(last) }, func() error {
		f := s.newFlow(ctx, m)
		defer f.end()
		last = f
		if err := do(f); err != nil {
			return f.failed(op, key, err)
		}
		return nil
	})
}

// batch copies many objects and notes what becomes of them.
// Push and Fetch share it: mu guards the result, which many goroutines write.
type batch struct {
	s *Store

	mu     sync.Mutex
	result Result
	lost   int // objects in a row whose tries were all in vain
}

// gone is after how many lost objects in a row the remote as a whole is given up:
// the other thousands would take as long as these to fail.
const gone = 4

// done counts an object that is where it should be.
func (b *batch) done(size int64, m *meter) {
	b.mu.Lock()
	b.result.Count++
	b.result.Bytes += size
	b.lost = 0
	b.mu.Unlock()
	m.add(1, 0)
}

// note records a failure that concerns one object. Other errors it returns.
func (b *batch) note(h object.Hash, err error) error {
	if fatal(err) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var e *remote.Error
	if errors.As(err, &e) && e.Temporary {
		if b.lost++; b.lost >= gone {
			return err
		}
	}
	switch {
	case errors.Is(err, object.ErrMissing), errors.Is(err, remote.ErrNotFound):
		if !slices.Contains(b.result.Missing, h) {
			b.result.Missing = append(b.result.Missing, h)
		}
	default:
		b.result.Failed = append(b.result.Failed, fmt.Errorf("%s: %w", h, err))
	}
	return nil
}

// each copies objects, a few at a time, and returns those that failed.
func (b *batch) each(ctx context.Context, hashes []object.Hash, phase Phase, bytes int64, do func(context.Context, object.Hash, *meter) (int64, error)) (map[object.Hash]bool, error) {
	bad := map[object.Hash]bool{}
	if len(hashes) == 0 {
		return bad, nil
	}
	m := b.s.newMeter(phase, len(hashes), bytes)
	defer m.end()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.s.jobs)
	for _, h := range hashes {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			size, err := do(ctx, h, m)
			if err != nil {
				b.mu.Lock()
				bad[h] = true
				b.mu.Unlock()
				return b.note(h, err)
			}
			b.done(size, m)
			return nil
		})
	}
	return bad, g.Wait()
}

// unique drops repeated and zero hashes and keeps the order.
func unique(hashes []object.Hash) []object.Hash {
	seen := make(map[object.Hash]bool, len(hashes))
	out := make([]object.Hash, 0, len(hashes))
	for _, h := range hashes {
		if !h.IsZero() && !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	return out
}
