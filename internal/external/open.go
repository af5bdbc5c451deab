// Package external opens repositories other than the one being worked on: a
// path or a git URL, at a revision, with the data that it tracks. It is what
// import, get and list stand on, and the file system of package repofs.
//
// Nothing is checked out. A URL is cloned into the site's cache directory, where
// the clone stays and is brought up to date the next time; a repository on this
// machine is read where it is. Files come from the working tree or the commit,
// what DVC tracks from the repository's cache or its remote.
package external

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/config"
)

// Options say which state of a repository to open, and how it is configured. Nil
// means the zero Options.
type Options struct {
	// Rev is a branch, a tag, a commit, also a short one, or an experiment. Empty
	// means the working tree of a path, and the default branch of a URL.
	Rev string
	// Dir is what a relative path is relative to; empty is the working directory.
	Dir string
	Env []string     // nil is os.Environ()
	Log *slog.Logger // nil discards

	// Config are values over the repository's own (see [config.LoadFile]).
	Config []config.Value
	// Remote is the name of the remote, instead of core.remote.
	Remote string
	// RemoteConfig are options over those of that remote.
	RemoteConfig map[string]string

	// Cache is asked for data before the repository's own one; nil = none.
	Cache *object.Cache
	// SiteCache is core.site_cache_dir of the repository being worked on.
	SiteCache string
	// Transfer is how remotes are talked to; nil = defaults.
	Transfer *transfer.Options
	// NoVerify leaves out the comparison of what is streamed with its MD5. What
	// goes into a cache is always compared.
	NoVerify bool

	depth int // imports of imports
}

// Repo is an opened repository. It is safe for concurrent use. Its context is
// that of Open.
type Repo struct {
	URL  string // as given
	Path string // absolute path of its top; empty if it was cloned

	ctx    context.Context
	opts   Options
	git    *git.Repo // nil without git
	rev    git.ID    // commit; empty = the working tree
	files  fs.FS     // from the top
	commit fs.FS     // from git's top, which the top is at prefix of; nil = the working tree
	prefix string
	root   string // absolute path that the top stands for

	mu     sync.Mutex
	parts  map[string]*part // by directory from the top
	stores map[storeKey]*transfer.Store
	chain  map[string]*Repo // that imports come from
	urls   map[*project.Output]*urlSource
}

// Open opens the repository at a URL or path. A [*CloneError] says that there is
// none at a URL, a [*RevError] that it has no such revision.
func Open(ctx context.Context, url string, opts *Options) (*Repo, error) {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Repo{URL: url, ctx: ctx, opts: o,
		parts: map[string]*part{}, stores: map[storeKey]*transfer.Store{}, chain: map[string]*Repo{}}
	err := r.open(url)
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Repo) open(url string) error {
	path := url
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.opts.Dir, filepath.FromSlash(path))
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		return r.openPath(path)
	}
	if _, scheme, ok := strings.Cut(url, "://"); ok && scheme == "" {
		return &CloneError{url, errors.New("the URL names no repository")}
	}
	if r.git, r.rev, err = clone(r.ctx, &r.opts, url, r.opts.Rev); err != nil {
		return err
	}
	r.root = r.git.Dir()
	// What is relative to the configuration of a repository on this machine is
	// there.
	if rest, ok := strings.CutPrefix(url, "file://"); ok && filepath.IsAbs(rest) {
		r.root = filepath.Clean(rest)
	}
	r.commit, err = r.git.Tree(r.ctx, string(r.rev))
	r.files = r.commit
	return err
}

// openPath opens what is on this machine: the DVC repository around the path, or
// else the git repository, or else the directory itself.
func (r *Repo) openPath(path string) error {
	top := path
	p, err := project.Open(path, project.Options{Env: r.opts.Env})
	if err == nil {
		top = p.Root
	} else if !errors.Is(err, project.ErrNotRepo) {
		return err
	}
	g, gitErr := git.Open(top)
	if gitErr == nil {
		g.Env = r.opts.Env
		r.git = g
		if err != nil && g.Root() != "" {
			top = g.Root()
		}
	} else if !errors.Is(gitErr, git.ErrNotRepo) {
		return gitErr
	}
	r.Path, r.root = top, top
	bare := g != nil && g.Root() == ""
	if r.opts.Rev == "" && !bare {
		r.files = project.Disk(top)
		return nil
	}
	if g == nil {
		return fmt.Errorf("unknown Git revision '%s': %s is not a git repository", r.opts.Rev, r.URL)
	}
	if r.rev, err = resolve(r.ctx, g, r.opts.Rev, "HEAD"); err != nil {
		return err
	}
	if r.commit, err = g.Tree(r.ctx, string(r.rev)); err != nil {
		return err
	}
	if r.files = r.commit; bare {
		return nil
	}
	// A repository in a directory of git's.
	rel, err := filepath.Rel(g.Root(), top)
	if err == nil && rel != "." {
		r.prefix = filepath.ToSlash(rel)
		r.files, err = fs.Sub(r.commit, r.prefix)
	}
	return err
}

// Commit is the commit that was opened: of a working tree, the one that is
// checked out. Without git, or before the first commit, it is empty.
func (r *Repo) Commit(ctx context.Context) (string, error) {
	if r.rev != "" || r.git == nil {
		return string(r.rev), nil
	}
	id, _, err := r.git.Head(ctx)
	if errors.Is(err, git.ErrNotFound) {
		return "", nil
	}
	return string(id), err
}

// Committed reports whether a commit was opened, not a working tree.
func (r *Repo) Committed() bool { return r.rev != "" }

// Close ends the helper processes.
func (r *Repo) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	if r.git != nil {
		errs = append(errs, r.git.Close())
	}
	for _, c := range r.chain {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
