package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// PushVersions makes the remote have the files, and fills in their versions: those
// that are recorded, as long as the remote has them; those that it has without
// anybody having noted it, if it says that their content is this; or new ones. What
// failed, or is nowhere, is left with no version.
//
// A file is replaced by a new version, and never deleted before: whoever reads
// meanwhile gets the old content or the new.
func (s *Store) PushVersions(ctx context.Context, files []*File) (*Result, error) {
	v, err := s.versions()
	if err != nil {
		return new(Result), err
	}
	p := &versionPusher{batch: batch{s: s}, v: v, notes: openNotes(s.opts.Index, s.URL)}
	if err := p.run(ctx, files); err != nil {
		return &p.result, err
	}
	return &p.result, ctx.Err()
}

// versionPusher is one call of PushVersions.
type versionPusher struct {
	batch
	v     remote.Versioned
	notes *notes
}

func (p *versionPusher) run(ctx context.Context, files []*File) error {
	var recorded, rest []*File
	for _, f := range files {
		if p.s.recorded(f) {
			f.Remote = p.s.Name
			recorded = append(recorded, f)
		} else {
			rest = append(rest, f)
		}
	}
	gone, err := p.vanished(ctx, recorded)
	if err != nil {
		return err
	}
	for _, f := range append(rest, gone...) {
		f.Remote, f.ETag, f.ID = p.s.Name, "", ""
	}
	send, err := p.adopt(ctx, append(rest, gone...))
	if err != nil {
		return err
	}
	return p.upload(ctx, send)
}

// few is up to how many requests are not worth a listing.
func (p *versionPusher) few(n int) bool { return n <= max(8, p.s.jobs) }

// vanished are the files whose recorded version the remote has no more.
func (p *versionPusher) vanished(ctx context.Context, files []*File) ([]*File, error) {
	there := make([]bool, len(files))
	if err := p.s.haveVersions(ctx, p.v, files, p.few(len(files)), func(i int, _ remote.Info) { there[i] = true }); err != nil {
		return nil, err
	}
	var gone []*File
	for i, f := range files {
		if !there[i] {
			gone = append(gone, f)
		}
	}
	return gone, nil
}

// adopt finds files that the remote has already though nothing is recorded, as after
// a push that was killed, and returns the others. Only the newest version counts:
// others may look for the file without a version.
func (p *versionPusher) adopt(ctx context.Context, files []*File) ([]*File, error) {
	if len(files) == 0 {
		return nil, nil
	}
	var ask []*File
	if p.few(len(files)) {
		ask = files
	} else {
		// A listing tells which of the many are worth a request.
		newest := map[string]remote.Info{}
		keys := make([]string, len(files))
		for i, f := range files {
			keys[i] = f.Key
		}
		err := p.s.retry(ctx, nil, func() error {
			clear(newest)
			for info, err := range p.v.List(ctx, commonDir(keys)) {
				if err != nil {
					return err
				}
				newest[info.Key] = info
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if info, ok := newest[f.Key]; ok && p.holds(f, info, true) {
				ask = append(ask, f)
			}
		}
	}
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(p.s.jobs)
	for _, f := range ask {
		g.Go(func() error {
			info, err := p.s.stat(each, f.Key)
			if errors.Is(err, remote.ErrNotFound) {
				return nil
			}
			if err == nil && isVersion(info.Version) && p.holds(f, info, false) {
				f.ETag, f.ID = info.ETag, info.Version
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var send []*File
	for _, f := range files {
		if f.ID == "" {
			send = append(send, f)
		}
	}
	return send, nil
}

// holds reports whether an object is known to have a file's content: the server's tag
// is its digest, or this machine has sent just this version. Of a listing, which
// tells no version, the first guess is enough.
func (p *versionPusher) holds(f *File, info remote.Info, listed bool) bool {
	if strings.Trim(info.ETag, `"`) == f.Hash.String() {
		return true
	}
	note, ok := p.notes.of(f.Key, f.Hash)
	return ok && (listed || note == info.Version)
}

// upload sends files. The first one goes alone: it tells whether the remote keeps
// versions, before anything else is replaced.
func (p *versionPusher) upload(ctx context.Context, files []*File) error {
	var send []*File
	var bytes int64
	for _, f := range files {
		size, err := p.s.cache.Size(f.Hash)
		if errors.Is(err, object.ErrMissing) {
			if err := p.note(f.Hash, err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		send, bytes = append(send, f), bytes+size
	}
	if p.s.opts.Dry || len(send) == 0 {
		p.result.Count, p.result.Bytes = len(send), bytes
		return nil
	}
	m := p.s.newMeter(Uploading, len(send), bytes)
	defer m.end()
	if err := p.probe(ctx, send[0]); err != nil {
		return err
	}
	if err := p.send(ctx, send[0], m); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(p.s.jobs)
	for _, f := range send[1:] {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return p.send(ctx, f, m) })
	}
	return g.Wait()
}

// probe refuses a remote without versions before it would lose what is there.
func (p *versionPusher) probe(ctx context.Context, f *File) error {
	if k, ok := p.v.(remote.VersionKeeper); ok {
		if kept, err := k.KeepsVersions(ctx); err != nil {
			return err
		} else if !kept {
			return p.s.unversioned()
		}
	}
	info, err := p.s.stat(ctx, f.Key)
	switch {
	case errors.Is(err, remote.ErrNotFound):
		return nil
	case err == nil && !isVersion(info.Version):
		return p.s.unversioned()
	}
	return err
}

// send puts one file, and notes its version.
func (p *versionPusher) send(ctx context.Context, f *File, m *meter) error {
	size, err := p.s.cache.Size(f.Hash)
	if err != nil {
		return p.note(f.Hash, err)
	}
	var info remote.Info
	err = p.s.attempt(ctx, m, "put", f.Key, func(fl *flow) (err error) {
		info, err = p.s.r.Put(fl.ctx, f.Key, fl.source(f.Hash, size))
		return err
	})
	if err != nil {
		return p.note(f.Hash, fmt.Errorf("%s: %w", f.Key, err))
	}
	if !isVersion(info.Version) {
		return p.s.unversioned()
	}
	f.ETag, f.ID = info.ETag, info.Version
	if err := p.notes.add(f.Key, f.Hash, info.Version); err != nil {
		p.s.opts.Log.Debug("a sent version was not noted: " + err.Error())
	}
	p.done(size, m)
	return nil
}

// Pushed forgets what a push has noted: the files of the repository say it now.
func (s *Store) Pushed() { openNotes(s.opts.Index, s.URL).drop() }
