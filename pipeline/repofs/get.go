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

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/spool"
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
// files are there; nothing of it is there after an error. What came from a remote
// before a kill or a cut waits beside it, in a directory .get-*, for the next Get of the
// same; a week later whatever Get comes by removes it.
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
	if to, err = filepath.Abs(to); err != nil {
		return 0, err
	}
	c := &copier{f: f, top: n.Path}
	err = spooled(ctx, to, []string{"get", f.r.URL, n.Path}, func(d *spool.Dir, fresh string) error {
		c.temp, c.cache = fresh, object.OpenCache(filepath.Join(d.Path, "cache"), nil)
		if err := c.collect(ctx, n); err != nil {
			return err
		}
		c.total, c.report = len(c.files), opts.Progress
		if err := c.run(ctx, f.opts.Jobs); err != nil {
			return err
		}
		return deliver(c.cache, c.spooled)
	})
	if err != nil {
		return 0, err
	}
	return len(c.files), nil
}

// copier is one Get.
type copier struct {
	counted
	f     *FS
	cache *object.Cache // of what comes from a remote
	temp  string
	top   string

	files   []*external.Node
	spooled []delivery
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
	receiver := c.cache.Receiver()
	defer receiver.Close()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobs)
	for _, n := range c.files {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return publicError(c.copy(gctx, receiver, n)) })
	}
	// Cancelled between two files, no copy has failed; yet not all are there.
	return errors.Join(g.Wait(), ctx.Err())
}

func (c *copier) copy(ctx context.Context, receiver *object.Receiver, n *external.Node) error {
	perm := fs.FileMode(0o666)
	if n.Exec {
		perm = 0o777
	}
	m, away, err := c.f.r.Receive(ctx, c.cache, receiver, n)
	if err != nil {
		return fmt.Errorf("'%s': %w", n.Path, err)
	}
	if away {
		c.mu.Lock()
		c.spooled = append(c.spooled, delivery{m.Hash, c.at(n), perm})
		c.mu.Unlock()
		c.add(m.Size)
		return nil
	}
	file, err := os.OpenFile(c.at(n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	w := &counter{w: file}
	if err := errors.Join(c.f.r.Copy(ctx, w, n), file.Close()); err != nil {
		return fmt.Errorf("'%s': %w", n.Path, err)
	}
	c.add(w.n)
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
