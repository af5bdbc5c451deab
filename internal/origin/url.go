package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// urlOrigin is a file or directory at a URL.
type urlOrigin struct {
	p       *project.Repo
	url     string
	options map[string]string
	rec     dvcfile.LockEntry // what a file says of it: options, versions

	// Files that the server tells no checksum of are read to measure them. If they are
	// wanted, too, that is one with taking them.
	wants bool
	opts  *transfer.Options      // with wants
	known map[string]object.Meta // by state, of files that have been read

	once sync.Mutex
	now  *dvcfile.LockEntry // what Measure has found
}

// config is how the URL is reached.
func (u *urlOrigin) config() (remote.Config, error) {
	options := u.options
	if options == nil {
		options = map[string]string{}
		v, _ := u.rec.Extra.Get("fs_config")
		m, _ := v.(*dvcyaml.Map)
		for k, v := range m.All() {
			options[strings.ToLower(fmt.Sprint(k))] = fmt.Sprint(v)
		}
	}
	return transfer.URLConfig(u.p, u.url, options)
}

// local is the path of a URL remote://NAME/… whose remote is a directory.
func (u *urlOrigin) local(c *remote.Config) *localOrigin {
	if c.Scheme() != "" {
		return nil
	}
	p := filepath.FromSlash(c.URL)
	if !filepath.IsAbs(p) {
		p = filepath.Join(c.Dir, p)
	}
	return &localOrigin{p: u.p, path: filepath.Clean(p), show: u.url}
}

// split parts a URL in the directory, as a remote, and the name in it. The query of a
// web address stays with the remote: it is often what opens the door.
func split(c remote.Config) (remote.Config, string, error) {
	scheme, rest, _ := strings.Cut(c.URL, "://")
	query, asked, web := "", false, strings.HasPrefix(scheme, "http") || strings.HasPrefix(scheme, "webdav")
	if web {
		rest, _, _ = strings.Cut(rest, "#")
		rest, query, asked = strings.Cut(rest, "?")
	}
	host, file, _ := strings.Cut(rest, "/")
	dir, name := path.Split(strings.Trim(path.Clean("/"+file), "/"))
	// The address of a page is kept as it was written.
	c.Escaped = strings.HasPrefix(scheme, "http")
	if plain, err := url.PathUnescape(name); web && !c.Escaped && err == nil && !strings.Contains(plain, "/") {
		name = plain
	}
	if name != "" && !fs.ValidPath(name) {
		return c, "", fmt.Errorf("%s names no file", c.URL)
	}
	if c.URL = strings.TrimSuffix(scheme+"://"+host+"/"+dir, "/"); asked {
		c.URL += "?" + query
	}
	return c, name, nil
}

// NameOf is the name that a source has, for a copy here: as DVC has it, with what is
// percent-encoded in it; "/" if there is none.
func NameOf(source string) string {
	if !project.IsURL(source) {
		return path.Base(path.Clean(filepath.ToSlash(source)))
	}
	scheme, rest, _ := strings.Cut(source, "://")
	rest, _, _ = strings.Cut(rest, "#")
	rest, _, _ = strings.Cut(rest, "?")
	_, file, _ := strings.Cut(rest, "/")
	name := path.Base(path.Clean("/" + file))
	if strings.HasPrefix(scheme, "http") { // parameters of the last element
		name, _, _ = strings.Cut(name, ";")
	}
	return name
}

// listing is what lies at a URL at one time.
type listing struct {
	scheme string
	store  *transfer.Store
	dir    bool
	names  []string // of the files in a directory, sorted
	files  []transfer.Plain
}

// open opens what the address is in; name is what it is there.
func (u *urlOrigin) open(ctx context.Context, opts *transfer.Options) (c remote.Config, name string, r remote.Remote, store *transfer.Store, err error) {
	if c, err = u.config(); err != nil {
		return c, "", nil, nil, err
	}
	if c, name, err = split(c); err != nil {
		return c, "", nil, nil, err
	}
	r, store, err = openPlain(ctx, u.p, c, opts)
	return c, name, r, store, err
}

// list finds out what is there.
func (u *urlOrigin) list(ctx context.Context, opts *transfer.Options) (*listing, error) {
	c, name, r, store, err := u.open(ctx, opts)
	if err != nil {
		return nil, err
	}
	l := &listing{scheme: c.Scheme(), store: store}
	if name != "" {
		var info remote.Info
		err := remote.Retry(ctx, nil, func() (err error) { info, err = r.Stat(ctx, name); return err })
		if err == nil {
			info.Key = name
			l.files = []transfer.Plain{transfer.PlainOf(info)}
			return l, nil
		}
		if !errors.Is(err, remote.ErrNotFound) {
			return nil, err
		}
		name += "/"
	}
	lister, ok := r.(remote.Lister)
	if !ok {
		return nil, fs.ErrNotExist
	}
	infos, err := listAll(ctx, lister, name)
	if err == nil && u.versioned() {
		err = addVersions(ctx, r, infos, c.Concurrency())
	}
	if err != nil {
		return nil, err
	}
	if len(infos) == 0 {
		return nil, fs.ErrNotExist
	}
	l.dir = true
	for _, info := range infos {
		l.names = append(l.names, strings.TrimPrefix(info.Key, name))
		l.files = append(l.files, transfer.PlainOf(info))
	}
	return l, nil
}

// listAll is sorted by name, as DVC's manifests are.
func listAll(ctx context.Context, r remote.Lister, prefix string) ([]remote.Info, error) {
	var infos []remote.Info
	err := remote.Retry(ctx, nil, func() error {
		infos = nil
		for info, err := range r.List(ctx, prefix) {
			if err != nil {
				return err
			}
			infos = append(infos, info)
		}
		return nil
	})
	slices.SortFunc(infos, func(a, b remote.Info) int { return strings.Compare(a.Key, b.Key) })
	return infos, err
}

// addVersions asks for the version of each file: a listing of versions is not in the
// order of time, and a listing of files names none.
func addVersions(ctx context.Context, r remote.Remote, infos []remote.Info, jobs int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i := range infos {
		g.Go(func() error {
			return remote.Retry(ctx, nil, func() (err error) { infos[i], err = r.Stat(ctx, infos[i].Key); return err })
		})
	}
	return g.Wait()
}

func openPlain(ctx context.Context, p *project.Repo, c remote.Config, opts *transfer.Options) (remote.Remote, *transfer.Store, error) {
	o := transfer.Options{}
	if opts != nil {
		o = *opts
	}
	o.Index, o.Log = "", p.Log
	c.Jobs, c.Ask, c.Logger = o.Jobs, o.Ask, p.Log
	r, err := remote.Open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return r, transfer.New(r, c, p.Cache(), &o), nil
}

// plainStore is a directory of this machine as a store of plain files.
func plainStore(p *project.Repo, dir string, opts *transfer.Options) (*transfer.Store, error) {
	o := transfer.Options{}
	if opts != nil {
		o = *opts
	}
	o.Index, o.Log = "", p.Log
	return transfer.New(remote.Dir(dir), remote.Config{URL: dir}, p.Cache(), &o), nil
}

// Take copies what is there to the cache.
func (u *urlOrigin) Take(ctx context.Context, opts *transfer.Options) (object.Meta, error) {
	c, err := u.config()
	if err != nil {
		return object.Meta{}, err
	}
	if l := u.local(&c); l != nil {
		return l.Take(ctx, opts)
	}
	l, err := u.wanted(ctx, opts)
	if err != nil {
		return object.Meta{}, err
	}
	came := u.came(l)
	metas, err := l.store.TakePlain(ctx, u.p.Cache(), l.files, came, nil)
	came.Close(err != nil)
	if err != nil {
		return object.Meta{}, err
	}
	if !l.dir {
		return metas[0], nil
	}
	return manifest(ctx, u.p.Cache(), l.names, metas)
}

// came are the notes of what has come to the cache: of one file none are needed, unless
// it has been read to measure it.
func (u *urlOrigin) came(l *listing) *transfer.Came {
	if !l.dir && l.files[0].ETag != "" {
		return nil
	}
	return transfer.CameFrom(filepath.Join(u.p.TmpDir(), "reprodl", "came"), l.store.URL, u.url)
}

// Relay sends what is there to another store.
func (u *urlOrigin) Relay(ctx context.Context, to *transfer.Store, opts *transfer.Options) (object.Meta, error) {
	c, err := u.config()
	if err != nil {
		return object.Meta{}, err
	}
	if l := u.local(&c); l != nil {
		return l.Relay(ctx, to, opts)
	}
	l, err := u.wanted(ctx, opts)
	if err != nil {
		return object.Meta{}, err
	}
	metas, err := relay(ctx, u.p, l.store, to, l.files)
	if err != nil {
		return object.Meta{}, err
	}
	u.learn(l.store, l.files, metas)
	if !l.dir {
		return metas[0], nil
	}
	return sendManifest(ctx, u.p, to, l.names, metas)
}
