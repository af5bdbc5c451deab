package repofs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/ctxio"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/spool"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// URLOptions say how a URL is reached; nil means the zero URLOptions.
type URLOptions struct {
	// Dir is what relative paths are relative to; empty is the working directory.
	// A repository there tells what remote://NAME is.
	Dir     string
	Env     []string          // nil is os.Environ()
	Logger  *slog.Logger      // nil discards
	Options map[string]string // of a remote of that kind, by their names in DVC's configuration
	Jobs    int               // files at a time; 0 = 4 per core
	Ask     func(ctx context.Context, prompt string) (string, error)

	Force    bool                               // GetURL: overwrite files that are there
	Progress func(done, total int, bytes int64) // GetURL: hears of each file; nil = nobody

	Recursive bool // ListURL: files of all directories below, in place of these
	Depth     int  // ListURL: the end of the recursion, as in ListOptions
}

// look opens a URL or path.
func look(ctx context.Context, url string, opts *URLOptions) (*origin.Look, error) {
	dir := opts.Dir
	if dir == "" {
		dir = "."
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p, err := project.Open(dir, project.Options{Env: opts.Env, Logger: opts.Logger})
	if errors.Is(err, project.ErrNotRepo) {
		// Remotes may be in the user's configuration.
		p, err = project.At(project.Source{Files: noFiles{}, Root: dir}, project.Options{Env: opts.Env, Logger: opts.Logger}), nil
	}
	if err != nil {
		return nil, err
	}
	l, err := origin.LookAt(ctx, p, url, maps.Clone(opts.Options), &transfer.Options{Jobs: opts.Jobs, Ask: opts.Ask})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingURLError{url, err}
	}
	return l, err
}

// noFiles is an empty file system.
type noFiles struct{}

func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// MissingURLError says that nothing is at a URL. It is an fs.ErrNotExist.
type MissingURLError struct {
	URL string
	Err error
}

func (e *MissingURLError) Error() string {
	return fmt.Sprintf("The path '%s' does not exist", shown(e.URL))
}

// shown is a URL as people may see it.
func shown(url string) string {
	c := remote.Config{URL: url}
	return c.Address("")
}

// Unwrap returns what the server said.
func (e *MissingURLError) Unwrap() error { return e.Err }

// ListURL lists a directory at a URL or path: its files, then its directories. Of a
// file the only Entry has the path as DVC shows it.
func ListURL(ctx context.Context, url string, opts *URLOptions) ([]Entry, error) {
	if opts == nil {
		opts = new(URLOptions)
	}
	l, err := look(ctx, url, opts)
	if err != nil {
		return nil, err
	}
	if !l.Dir {
		return []Entry{{Path: shown(l.Path), Size: l.Sizes[0]}}, nil
	}
	t := newURLTree(l)
	var out []Entry
	var list func(dir string, depth int)
	list = func(dir string, depth int) {
		out = append(out, t.files[dir]...)
		for _, sub := range t.dirs[dir] {
			if opts.Recursive && (opts.Depth <= 0 || depth < opts.Depth) {
				continue
			}
			out = append(out, Entry{Path: sub, Dir: true, Size: -1})
		}
		for _, sub := range t.dirs[dir] {
			if opts.Recursive && (opts.Depth <= 0 || depth < opts.Depth) {
				list(sub, depth+1)
			}
		}
	}
	list("", 1)
	return out, nil
}

// urlTree has what is in each directory, sorted; "" is the top.
type urlTree struct {
	files map[string][]Entry
	dirs  map[string][]string
}

func newURLTree(l *origin.Look) *urlTree {
	t := &urlTree{map[string][]Entry{}, map[string][]string{}}
	seen := map[string]bool{"": true}
	var enter func(dir string)
	enter = func(dir string) {
		if !seen[dir] {
			seen[dir] = true
			up := parentOf(dir)
			enter(up)
			t.dirs[up] = append(t.dirs[up], dir)
		}
	}
	for i, name := range l.Names {
		dir := parentOf(name)
		enter(dir)
		t.files[dir] = append(t.files[dir], Entry{Path: name, Size: l.Sizes[i]})
	}
	for _, dir := range l.Dirs {
		enter(dir)
	}
	for _, list := range t.dirs {
		slices.Sort(list)
	}
	return t
}

func parentOf(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

// GetURL copies a file or directory from a URL or path and returns the number of
// files. As with Get nothing is at to after an error, what came of a server's files
// before a kill or a cut is not asked for again as long as they are what they were, and a
// file that is shorter or longer than the server said is an error.
func GetURL(ctx context.Context, url, to string, opts *URLOptions) (int, error) {
	if opts == nil {
		opts = new(URLOptions)
	}
	l, err := look(ctx, url, opts)
	if err != nil {
		return 0, err
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(opts.Dir, to)
	}
	if err := exists(to, to); err != nil && !opts.Force {
		return 0, err
	}
	if to, err = filepath.Abs(to); err != nil {
		return 0, err
	}
	err = spooled(ctx, to, []string{"url", url}, func(d *spool.Dir, fresh string) error {
		for _, dir := range l.Dirs {
			if err := os.MkdirAll(filepath.Join(fresh, filepath.FromSlash(dir)), 0o777); err != nil {
				return err
			}
		}
		if l.Dir {
			if err := os.MkdirAll(fresh, 0o777); err != nil {
				return err
			}
		}
		c := &counted{total: len(l.Names), report: opts.Progress}
		if l.Local() {
			return copyAll(ctx, l, fresh, opts.Jobs, c)
		}
		return takeAll(ctx, l, d, fresh, c)
	})
	if err != nil {
		return 0, err
	}
	return len(l.Names), nil
}

// takeAll takes the files of a server to a spool, and makes of it what is wanted.
func takeAll(ctx context.Context, l *origin.Look, d *spool.Dir, fresh string, c *counted) error {
	files := make([]delivery, len(l.Names))
	for i, name := range l.Names {
		// A server's names must not lead out of the directory.
		if name != "" && !filepath.IsLocal(filepath.FromSlash(name)) || strings.Contains(name, "\x00") {
			return fmt.Errorf("'%s' is no name of a file in a directory", name)
		}
		files[i] = delivery{to: filepath.Join(fresh, filepath.FromSlash(name)), perm: 0o666}
	}
	cache := object.OpenCache(filepath.Join(d.Path, "cache"), nil)
	came := transfer.OpenCame(filepath.Join(d.Path, "came"))
	metas, err := l.Take(ctx, cache, came, func(m object.Meta) { c.add(m.Size) })
	came.Close(true)
	if err != nil {
		return err
	}
	for i, m := range metas {
		files[i].hash = m.Hash
	}
	return deliver(cache, files)
}

// copyAll copies files of this machine.
func copyAll(ctx context.Context, l *origin.Look, to string, jobs int, c *counted) error {
	if jobs <= 0 {
		jobs = 4 * runtime.GOMAXPROCS(0)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for i, name := range l.Names {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error {
			n, err := copyOne(gctx, l.File(i), filepath.Join(to, filepath.FromSlash(name)))
			if err == nil && n != l.Sizes[i] {
				err = fmt.Errorf("'%s' has %d bytes, but %d came", name, l.Sizes[i], n)
			}
			if err == nil {
				c.add(n)
			}
			return err
		})
	}
	return errors.Join(g.Wait(), ctx.Err())
}

func copyOne(ctx context.Context, from, to string) (int64, error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return 0, err
	}
	src, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(dst, ctxio.Reader(ctx, src))
	return n, errors.Join(err, dst.Close())
}
