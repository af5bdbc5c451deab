package origin

import (
	"context"
	"crypto/md5"
	"fmt"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/params/pyjson"
)

// sumName is under which name DVC records what a server says of its objects; where
// it says nothing, as by SSH, the bytes are hashed.
var sumName = map[string]string{
	"s3": "etag", "gs": "etag", "azure": "etag", "oss": "etag", "webdav": "etag", "webdavs": "etag",
	"http": "checksum", "https": "checksum",
}

// Measure is what DVC records of a URL. It is found out once, as long as the origin
// lives: a run is of what was there when it began.
func (u *urlOrigin) Measure(ctx context.Context) (dvcfile.LockEntry, error) {
	u.once.Lock()
	defer u.once.Unlock()
	if u.now == nil {
		e, err := u.measure(ctx)
		if err != nil {
			return e, err
		}
		u.now = &e
	}
	e := *u.now
	if e.Extra != nil {
		e.Extra = e.Extra.Clone()
	}
	return e, nil
}

func (u *urlOrigin) measure(ctx context.Context) (dvcfile.LockEntry, error) {
	e := dvcfile.NewEntry(u.url)
	if v, ok := u.rec.Extra.Get("fs_config"); ok {
		e.Extra = dvcyaml.NewMap("fs_config", v)
	}
	c, err := u.config()
	if err != nil {
		return e, err
	}
	if l := u.local(&c); l != nil {
		now, err := l.Measure(ctx)
		now.Path, now.Extra = u.url, e.Extra
		return now, err
	}
	l, err := u.list(ctx, u.opts)
	if err != nil {
		return e, err
	}
	return e, u.describe(ctx, l, &e)
}

// describe fills in checksum, size and version.
func (u *urlOrigin) describe(ctx context.Context, l *listing, e *dvcfile.LockEntry) error {
	sums, err := u.sums(ctx, l)
	if err != nil {
		return err
	}
	name := sumName[l.scheme]
	if name == "" && l.files[0].ETag != "" { // of a driver from elsewhere
		name = "etag"
	}
	e.NoSize = false
	for _, f := range l.files {
		e.NoSize = e.NoSize || f.Size < 0 && !l.dir
		e.Size += max(0, f.Size)
	}
	if e.NoSize {
		e.Size = 0
	}
	versioned := u.versioned()
	switch {
	case versioned && l.unversioned() != "":
		return fmt.Errorf("'%s' has no versions: the server does not keep them (%s); import it without --version-aware", u.url, l.unversioned())
	case l.dir && versioned:
		e.NoSize, e.Size = true, 0
		u.set(e, "files", l.versions(name, sums))
	case l.dir && name == "":
		entries := make([]object.Entry, len(l.names))
		for i, n := range l.names {
			if entries[i] = (object.Entry{Path: n}); true {
				entries[i].Hash, err = object.ParseHash(sums[i])
			}
			if err != nil {
				return err
			}
		}
		_, e.Hash, err = object.HashManifest(entries)
		e.Files = len(l.names)
		return err
	case l.dir:
		e.Hash, err = hashSums(name, l.names, sums)
		e.Files = len(l.names)
		return err
	case name == "":
		e.Hash, err = object.ParseHash(sums[0])
		return err
	default:
		u.set(e, name, sums[0])
		if v := l.files[0].Version; v != "" {
			u.set(e, "version_id", v)
		}
	}
	return nil
}

// set puts a key before the options, where DVC writes it.
func (u *urlOrigin) set(e *dvcfile.LockEntry, key string, v any) {
	if e.Extra == nil {
		e.Extra = dvcyaml.NewMap()
	}
	config, ok := e.Extra.Get("fs_config")
	if ok {
		e.Extra.Delete("fs_config")
	}
	e.Extra.Set(key, v)
	if ok {
		e.Extra.Set("fs_config", config)
	}
}

// sums are the checksums of the files. Where the server tells none they are read.
func (u *urlOrigin) sums(ctx context.Context, l *listing) ([]string, error) {
	sums := make([]string, len(l.files))
	var ask []transfer.Plain
	var at []int
	for i, f := range l.files {
		m, known := u.known[l.store.State(f)]
		switch {
		case f.ETag != "":
			sums[i] = f.ETag
		case known:
			sums[i], l.files[i].Size = m.Hash.String(), m.Size
		default:
			ask, at = append(ask, f), append(at, i)
		}
	}
	metas, err := u.read(ctx, l, ask)
	if err != nil {
		return nil, err
	}
	for i, m := range metas {
		sums[at[i]] = m.Hash.String()
		l.files[at[i]].Size = m.Size
	}
	return sums, nil
}

func (u *urlOrigin) read(ctx context.Context, l *listing, files []transfer.Plain) ([]object.Meta, error) {
	if len(files) == 0 || !u.wants {
		return l.store.SumPlain(ctx, files)
	}
	came := u.came(l)
	defer came.Close(true) // Take goes on with it
	return l.store.TakePlain(ctx, u.p.Cache(), files, came, nil)
}

// learn remembers what files are that have been read.
func (u *urlOrigin) learn(store *transfer.Store, files []transfer.Plain, metas []object.Meta) {
	u.known = map[string]object.Meta{}
	for i, f := range files {
		if state := store.State(f); state != "" {
			u.known[state] = metas[i]
		}
	}
}

// willTake is called before Measure if Take is likely to follow.
func willTake(o project.Origin, opts *transfer.Options) {
	if u, ok := o.(*urlOrigin); ok {
		u.once.Lock()
		u.wants, u.opts = true, opts
		u.once.Unlock()
	}
}

// hashSums is DVC's checksum of a directory of a server: of a manifest with the
// server's checksums in place of MD5.
func hashSums(name string, names, sums []string) (object.Hash, error) {
	list := make([]any, len(names))
	for i := range names {
		list[i] = dvcyaml.NewMap(name, sums[i], "relpath", names[i])
	}
	text, err := pyjson.Marshal(list, pyjson.Style{SortKeys: true, ASCII: true})
	if err != nil {
		return object.Hash{}, err
	}
	return object.DirHash(md5.Sum(text)), nil
}

// Compare tells a later change by the checksum. Where versions are kept, by the
// version: the recorded one is still there.
func (u *urlOrigin) Compare(ctx context.Context, rec *dvcfile.LockEntry) (project.Verdict, error) {
	now, err := u.Measure(ctx)
	if err != nil {
		return project.Same, err
	}
	if u.versioned() {
		if sameVersions(&now, rec) {
			return project.Same, nil
		}
		return project.UpdateAvailable, nil
	}
	return project.Differs(&now, rec), nil
}
