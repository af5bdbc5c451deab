package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Recorded is what is known of an output.
type Recorded struct {
	Hash   object.Hash // zero: nothing is recorded
	Remote string      // the remote it names; empty = the default one
}

// Contents reads recorded data where it is: in the cache or, in a fresh clone, in a
// remote. As in DVC files of a server are kept in the cache; of a directory on this
// machine, and of manifests, nothing is. It is safe for concurrent use.
type Contents struct {
	ctx  context.Context
	repo *project.Repo

	mu     sync.Mutex
	stores map[string]*source
	trees  map[object.Hash]tree
}

// source is a remote that was asked for.
type source struct {
	*Store
	local bool
	err   error // why nothing comes from it
}

type tree struct {
	entries []object.Entry
	err     error
}

// NewContents reads the data of r. All reading ends with ctx.
func NewContents(ctx context.Context, r *project.Repo) *Contents {
	return &Contents{ctx: ctx, repo: r, stores: map[string]*source{}, trees: map[object.Hash]tree{}}
}

// NowhereError says that data was recorded, but neither the cache nor a remote has
// it. It is an [fs.ErrNotExist].
type NowhereError struct {
	Path   string // the output or file that was looked for
	Dir    bool   // its manifest is what is missing
	IsADir bool   // it is a directory that was to be read as a file
	Err    error  // why
}

func (e *NowhereError) Error() string {
	return fmt.Sprintf("the data of '%s' is in no cache and no remote here: %v", e.Path, e.Err)
}

// Unwrap returns the reason.
func (e *NowhereError) Unwrap() error { return e.Err }

// Is makes it an [fs.ErrNotExist].
func (e *NowhereError) Is(target error) bool { return target == fs.ErrNotExist }

// Words are the exception that DVC has for it, and its text.
func (e *NowhereError) Words() (class, text string) {
	var unknown unknownRemote
	switch {
	case errors.As(e.Err, &unknown):
		return "RemoteNotFoundError", unknown.Error()
	case e.Dir:
		return "DataIndexDirError", "failed to load directory " + keyText(e.Path)
	case e.IsADir:
		return "IsADirectoryError", "[Errno 21] Is a directory: '" + e.Path + "'"
	}
	return "FileNotFoundError", "[Errno 2] No storage files available: '" + e.Path + "'"
}

// keyText is a path as dvc-data names it: a tuple in Python's words.
func keyText(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = pyjson.Repr(part)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// Find is the object that name is: one of the outputs, by their paths, or a file in
// one. The error is fs.ErrNotExist if name is neither, and a *NowhereError if that
// can't be told.
func (c *Contents) Find(outs map[string]Recorded, name string) (Recorded, error) {
	for dir := name; dir != "." && dir != "/"; dir = path.Dir(dir) {
		out, ok := outs[dir]
		if !ok {
			continue
		}
		// The innermost declared directory decides: outputs don't nest.
		if out.Hash.IsZero() && dir == name {
			return Recorded{}, &NowhereError{Path: name, Err: errNotRecorded}
		}
		if out.Hash.IsZero() || dir != name && !out.Hash.IsDir() {
			break
		}
		if dir == name {
			return out, nil
		}
		entries, err := c.Tree(out)
		if err != nil {
			return Recorded{}, &NowhereError{Path: dir, Dir: true, Err: err}
		}
		for _, e := range entries {
			if e.Path == name[len(dir)+1:] {
				return Recorded{e.Hash, out.Remote}, nil
			}
		}
		break
	}
	return Recorded{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// List lists the files at and below name, if that is a directory of the outputs or
// in one, in the manifest's order. ok is false if it is none, or its manifest is
// nowhere.
func (c *Contents) List(outs map[string]Recorded, name string) (files []string, ok bool) {
	outer := name
	for outs[outer].Hash.IsZero() {
		if outer = path.Dir(outer); outer == "." || outer == "/" {
			return nil, false
		}
	}
	if !outs[outer].Hash.IsDir() {
		return nil, false
	}
	entries, err := c.Tree(outs[outer])
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		if p := outer + "/" + e.Path; strings.HasPrefix(p, name+"/") {
			files = append(files, p)
		}
	}
	return files, outer == name || len(files) > 0
}

// ReadFile reads a file of the outputs, of at most limit bytes if that is not 0: what
// is beyond is left out. Errors are as Find's.
func (c *Contents) ReadFile(outs map[string]Recorded, name string, limit int64) ([]byte, error) {
	r, err := c.Find(outs, name)
	if err != nil {
		return nil, err
	}
	if r.Hash.IsDir() {
		_, err := c.Tree(r)
		return nil, &NowhereError{Path: name, IsADir: true, Err: err}
	}
	f, err := c.open(r)
	if errors.Is(err, object.ErrMissing) {
		return nil, &NowhereError{Path: name, Err: err}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if limit > 0 {
		return io.ReadAll(io.LimitReader(f, limit))
	}
	return io.ReadAll(f)
}

// Tree is the manifest of a directory.
func (c *Contents) Tree(r Recorded) ([]object.Entry, error) {
	entries, err := c.repo.Cache().Tree(r.Hash)
	if !errors.Is(err, object.ErrMissing) {
		return entries, err
	}
	c.mu.Lock()
	known, ok := c.trees[r.Hash]
	c.mu.Unlock()
	if ok {
		return known.entries, known.err
	}
	store, serr := c.store(r.Remote)
	if serr == nil {
		entries, err = store.Tree(c.ctx, r.Hash)
		c.judge(store, err)
	} else {
		err = errors.Join(err, serr)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trees[r.Hash] = tree{entries, err}
	return entries, err
}

// open opens a file where it is.
func (c *Contents) open(r Recorded) (io.ReadCloser, error) {
	f, err := c.repo.Cache().Open(r.Hash)
	if !errors.Is(err, object.ErrMissing) {
		return f, err
	}
	store, serr := c.store(r.Remote)
	if serr != nil {
		return nil, errors.Join(err, serr)
	}
	if store.local {
		return c.direct(store, r.Hash)
	}
	if err := c.fetch(store, r.Hash); err != nil {
		return nil, err
	}
	return c.repo.Cache().Open(r.Hash)
}

// direct reads a file of a remote on this machine.
func (c *Contents) direct(from *source, h object.Hash) (io.ReadCloser, error) {
	data, err := from.read(c.ctx, h.Key())
	switch {
	case c.ctx.Err() != nil:
		return nil, c.ctx.Err()
	case err != nil:
		return nil, errors.Join(object.ErrMissing, err)
	}
	check := object.NewChecker(h)
	_, _ = check.Write(data)
	if err := check.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", from.Address(h, ""), err)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// fetch copies files to the cache, side by side.
func (c *Contents) fetch(from *source, hashes ...object.Hash) error {
	t, err := from.Fetch(c.ctx, All(hashes...))
	c.judge(from, err)
	switch {
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case err != nil:
		return errors.Join(object.ErrMissing, err)
	}
	return errors.Join(t.Failed...)
}

// Prefetch makes files that will be read, and that only a server has, come side by
// side. What cannot be had is for ReadFile to say.
func (c *Contents) Prefetch(outs map[string]Recorded, names []string) {
	lacking := map[string][]object.Hash{}
	for _, name := range names {
		r, err := c.Find(outs, name)
		if err != nil || r.Hash.IsDir() {
			continue
		}
		if ok, err := c.repo.Cache().HasObject(c.ctx, r.Hash, -1); !ok && err == nil {
			lacking[r.Remote] = append(lacking[r.Remote], r.Hash)
		}
	}
	for remote, hashes := range lacking {
		if from, err := c.store(remote); err == nil && !from.local {
			_ = c.fetch(from, hashes...)
		}
	}
}

var errNotRecorded = errors.New("its stage has not been run")

// unknownRemote is the error of a remote that is named and not configured.
type unknownRemote struct{ error }

// store opens a remote once.
func (c *Contents) store(name string) (*source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.stores[name]
	if !ok {
		s = new(source)
		c.stores[name] = s
		var cfg remote.Config
		if cfg, s.err = Config(c.repo, name); s.err == nil {
			s.local = cfg.Scheme() == ""
			s.Store, s.err = Open(c.ctx, c.repo, name, nil)
		} else if errors.Is(s.err, config.ErrNoRemote) && (name != "" || c.repo.Setting("core", "remote") != "") {
			s.err = unknownRemote{s.err}
		}
	}
	return s, s.err
}

// judge asks a remote no more that cannot be reached, or lets nobody in: each
// further file would take as long. That is said once.
func (c *Contents) judge(from *source, err error) {
	if !errors.Is(err, remote.ErrUnreachable) && !errors.Is(err, remote.ErrDenied) || c.ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if from.err == nil {
		from.err = err
		c.repo.Log.Warn(err.Error())
	}
}

// Root is the absolute path of the repository.
func (c *Contents) Root() string { return c.repo.Root }

// Resolve is the URL or path that a URL remote://NAME/… stands for; itself if there is
// no such remote.
func (c *Contents) Resolve(url string) string {
	cfg, err := URLConfig(c.repo, url, nil)
	if err != nil {
		return url
	}
	if cfg.Scheme() == "" && !filepath.IsAbs(cfg.URL) {
		return filepath.Join(cfg.Dir, cfg.URL)
	}
	return cfg.URL
}
