package repofs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/origin"
)

// GetOptions change what Get does; nil means the zero GetOptions.
type GetOptions struct {
	// Force overwrites files that are there; other files of a directory stay.
	Force bool
	// Progress hears of each file that is done; nil = nobody.
	Progress func(done, total int, bytes int64)
}

// Destination is where Get puts what is at a path or URL: to itself or, if that
// is a directory, the last element of the path in it; without to, in dir. The error
// is an [*ExistsError] if something is there and force is not set.
func Destination(from, to, dir string, force bool) (string, error) {
	name := origin.NameOf(from)
	if name == "/" {
		name = path.Base(filepath.ToSlash(from))
	}
	at := to
	abs := func(p string) string {
		if filepath.IsAbs(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	if at == "" {
		at = name
	} else if fi, err := os.Stat(abs(at)); err == nil && fi.IsDir() {
		at = filepath.Join(at, name)
	}
	if force {
		return at, nil
	}
	return at, exists(abs(at), at)
}

// Get copies a file or directory out of the repository and returns the number of
// files. The stage files of a directory are left out: they are about the
// repository. What is tracked is compared with its MD5. to is made by rename when all
// files are there; nothing of it is there after an error.
func (f *FS) Get(ctx context.Context, name, to string, opts *GetOptions) (int, error) {
	if opts == nil {
		opts = new(GetOptions)
	}
	n, err := f.node("open", name)
	if err != nil {
		return 0, err
	}
	to = f.absolute(to)
	if err := exists(to, to); err != nil && !opts.Force {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return 0, err
	}
	// Beside its place, from where it can be renamed.
	temp, remove, err := newTemp(filepath.Dir(to))
	if err != nil {
		return 0, err
	}
	defer remove()
	c := &copier{f: f, report: opts.Progress, temp: filepath.Join(temp, "new"), top: n.Path}
	if err := c.collect(ctx, n); err != nil {
		return 0, err
	}
	if err := c.run(ctx, f.opts.Jobs); err != nil {
		return 0, err
	}
	return len(c.files), place(c.temp, to)
}

// copier is one Get.
type copier struct {
	f      *FS
	report func(done, total int, bytes int64)
	temp   string
	top    string

	files []*external.Node

	mu    sync.Mutex
	done  int
	bytes int64
}

// collect makes the directories and lists the files.
func (c *copier) collect(ctx context.Context, n *external.Node) error {
	err := c.f.r.Walk(ctx, n.Path, func(n *external.Node) error {
		if n.Dir {
			return os.MkdirAll(c.at(n), 0o777)
		}
		if n.Path == c.top || !external.IsDVCFile(n.Path) {
			c.files = append(c.files, n)
		}
		return nil
	})
	return publicError(err)
}

func (c *copier) at(n *external.Node) string {
	rel := n.Path
	if c.top != "." {
		rel = strings.TrimPrefix(strings.TrimPrefix(n.Path, c.top), "/")
	}
	return filepath.Join(c.temp, filepath.FromSlash(rel))
}

func (c *copier) run(ctx context.Context, jobs int) error {
	if jobs <= 0 {
		jobs = 4 * runtime.GOMAXPROCS(0)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, n := range c.files {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return publicError(c.copy(gctx, n)) })
	}
	// Cancelled between two files, no copy has failed; yet not all are there.
	return errors.Join(g.Wait(), ctx.Err())
}

func (c *copier) copy(ctx context.Context, n *external.Node) error {
	perm := fs.FileMode(0o666)
	if n.Exec {
		perm = 0o777
	}
	file, err := os.OpenFile(c.at(n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	w := &counter{w: file}
	if err := errors.Join(c.f.r.Copy(ctx, w, n), file.Close()); err != nil {
		return fmt.Errorf("'%s': %w", n.Path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.bytes += w.n
	if c.report != nil {
		c.report(c.done, len(c.files), c.bytes)
	}
	return nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// place renames what is new to where it belongs, into a directory that is there
// file by file.
func place(from, to string) error {
	have, err := os.Stat(to)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	fi, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case !fi.IsDir() && !have.IsDir():
		return os.Rename(from, to)
	case !fi.IsDir() || !have.IsDir():
		return fmt.Errorf("'%s' is there already, and one is a directory and the other is not; remove it first", to)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := place(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
