package repofs

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/external"
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
	// The configuration of a repository there says where clones are kept
	// (core.site_cache_dir).
	Dir string
	// Env is what settings such as DVC_SITE_CACHE_DIR are read from; nil is
	// os.Environ().
	Env []string
	// Logger hears of what is worth knowing; nil discards it.
	Logger *slog.Logger

	// Config is a file of DVC's configuration whose values win over the
	// repository's own; empty = none.
	Config string
	// Remote is the name of the remote, instead of the repository's default one.
	Remote string
	// RemoteConfig are options over those of that remote, by their names in
	// DVC's configuration: "url", "access_key_id".
	RemoteConfig map[string]string

	// NoVerify leaves out the comparison of data that is read to its end with its
	// MD5. Get compares always.
	NoVerify bool
	// Jobs is how many files Get copies at a time; 0 = 4 per core.
	Jobs int
	// Ask reads a password that a remote asks for (ask_password); nil = that is
	// an error.
	Ask func(ctx context.Context, prompt string) (string, error)
}

// FS is a repository at a revision. Its files are read-only; it is safe for use
// by several goroutines. Directories of git and DVC, and what .dvcignore leaves
// out, and symbolic links that lead nowhere, are not in it. A repository within the repository is not listed, but its
// files can be opened by name, with their data.
type FS struct {
	r    *external.Repo
	ctx  context.Context
	opts Options
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
)

// Open opens the repository at a path or a git URL. The FS keeps ctx: when it
// ends, so does all reading. A [*CloneError] says that no repository could be had
// from the URL, a [*RevError] that it has no such revision.
func Open(ctx context.Context, url string, opts *Options) (*FS, error) {
	f := &FS{ctx: ctx}
	if opts != nil {
		f.opts = *opts
	}
	o := external.Options{
		Rev: f.opts.Rev, Dir: f.opts.Dir, Env: f.opts.Env, Log: f.opts.Logger,
		Remote: f.opts.Remote, RemoteConfig: maps.Clone(f.opts.RemoteConfig), NoVerify: f.opts.NoVerify,
		Transfer: &transfer.Options{Jobs: f.opts.Jobs, Ask: f.opts.Ask},
	}
	dir := f.opts.Dir
	if dir == "" {
		dir = "."
	}
	if here, err := project.Open(dir, project.Options{Env: f.opts.Env}); err == nil {
		o.SiteCache = here.Setting("core", "site_cache_dir")
	}
	var err error
	if f.opts.Config != "" {
		file := f.opts.Config
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if o.Config, err = config.LoadFile(file); err != nil {
			return nil, err
		}
	}
	f.r, err = external.Open(ctx, url, &o)
	if err != nil {
		return nil, publicError(err)
	}
	return f, nil
}

// Close ends what was started for reading. Open files must not be read any more.
func (f *FS) Close() error { return f.r.Close() }

// Commit is the id of the commit that was opened: of a working tree, the one that
// is checked out. It is empty without git.
func (f *FS) Commit() (string, error) { return f.r.Commit(f.ctx) }

// Root is the absolute path of the repository if it is on this machine; empty if
// it was cloned.
func (f *FS) Root() string { return f.r.Path }

// URL is what was given to Open.
func (f *FS) URL() string { return f.r.URL }

// Clean makes a path that a user wrote, relative to the repository's top, one of
// the FS. An absolute path is one of the repository's if it lies in it.
func (f *FS) Clean(name string) (string, error) {
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(f.r.Path, name)
		if f.r.Path == "" || err != nil || !filepath.IsLocal(rel) {
			return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		name = rel
	}
	clean := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if filepath.Separator == '/' {
		clean = path.Clean(name)
	}
	if !fs.ValidPath(clean) {
		return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return clean, nil
}

// node finds a file for an operation.
func (f *FS) node(op, name string) (*external.Node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, err := f.r.Node(name)
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return n, nil
}

// Open opens a file or directory. A file is an io.Seeker.
func (f *FS) Open(name string) (fs.File, error) {
	n, err := f.node("open", name)
	if err != nil {
		return nil, err
	}
	fi := f.info(n)
	if n.Dir {
		list, err := f.list("open", n)
		if err != nil {
			return nil, err
		}
		return &dir{info: fi, left: list}, nil
	}
	body, err := f.r.Open(n)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &file{f: f, info: fi, body: body}, nil
}

// Stat describes a file. The size of one whose size is recorded nowhere is asked
// of the cache or the remote.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	n, err := f.node("stat", name)
	if err != nil {
		return nil, err
	}
	return f.sized(n)
}

// ReadDir lists a directory, sorted by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.node("readdir", name)
	if err != nil {
		return nil, err
	}
	return f.list("readdir", n)
}

// ReadFile returns the content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	n, err := f.node("open", name)
	if err != nil {
		return nil, err
	}
	body, err := f.r.Open(n)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	data, err := io.ReadAll(body)
	_ = body.Close() // what it would say, reading has said
	if err != nil {
		return nil, pathError("read", name, err)
	}
	return data, nil
}

func (f *FS) list(op string, n *external.Node) ([]fs.DirEntry, error) {
	nodes, err := f.r.List(n.Path)
	if err != nil {
		return nil, pathError(op, n.Path, err)
	}
	list := make([]fs.DirEntry, 0, len(nodes))
	for _, n := range nodes {
		if !n.Broken {
			list = append(list, dirEntry{f, n})
		}
	}
	return list, nil
}

// pathError is an error about a name.
func pathError(op, name string, err error) error {
	if e, ok := err.(*fs.PathError); ok {
		err = e.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: publicError(err)}
}

// absolute is a destination.
func (f *FS) absolute(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	dir := f.opts.Dir
	if dir == "" {
		dir, _ = os.Getwd()
	}
	return filepath.Join(dir, p)
}
