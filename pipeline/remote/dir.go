package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/ctxio"
)

// Dir is a remote that is a directory, in the layout of DVC's local remotes. It
// need not exist before something is put.
func Dir(path string) Lister {
	return &directory{root: path, cfg: Config{URL: path}}
}

type directory struct {
	root   string
	shared bool // shared = group: directories are made 02775
	cfg    Config
}

func openDir(c Config) (Remote, error) {
	// DVC takes file:///x for the relative path "file:/x" and writes below the
	// repository, where nobody looks for it.
	if rest, ok := strings.CutPrefix(c.URL, "file://"); ok {
		return nil, fmt.Errorf("remote '%s': %s is not a path that DVC understands; write %s instead: "+
			"dvc remote modify %[1]s url %[3]s", c.Name, c.URL, rest)
	}
	path := c.abs(c.URL)
	c.URL = path
	return &directory{root: path, shared: strings.EqualFold(c.Get("shared"), "group"), cfg: c}, nil
}

func (d *directory) at(op, key string) (string, error) {
	name := filepath.FromSlash(key)
	if !filepath.IsLocal(name) {
		return "", d.cfg.Fail(op, key, errors.New("not a valid key"))
	}
	return filepath.Join(d.root, name), nil
}

func (d *directory) fail(op, key string, err error) error {
	e := d.cfg.Fail(op, key, err)
	if p := new(fs.PathError); errors.As(err, &p) { // its path is in the URL already
		e.Err = p.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		e.Kind = ErrDenied
	}
	return e
}

func (d *directory) Stat(_ context.Context, key string) (Info, error) {
	path, err := d.at("stat", key)
	if err != nil {
		return Info{}, err
	}
	fi, err := os.Stat(path)
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return Info{}, d.fail("stat", key, err)
	}
	return Info{Key: key, Size: fi.Size(), Modified: fi.ModTime()}, nil
}

func (d *directory) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	path, err := d.at("get", key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, d.fail("get", key, err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, d.fail("get", key, err)
	}
	if length < 0 {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, length), f}, nil
}

// Put makes objects read-only, as DVC does: mode 0444 tells it that they are whole.
func (d *directory) Put(ctx context.Context, key string, src Source) (Info, error) {
	path, err := d.at("put", key)
	if err != nil {
		return Info{}, err
	}
	if err := d.put(ctx, path, src); err != nil {
		return Info{}, d.fail("put", key, err)
	}
	return Info{Key: key, Size: src.Size}, nil
}

func (d *directory) put(ctx context.Context, path string, src Source) error {
	if err := d.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	r, err := src.Exact(0, src.Size)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := atomicfile.Create(path, &atomicfile.Options{Perm: 0o444})
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := io.Copy(f.File, ctxio.Reader(ctx, r)); err != nil {
		return err
	}
	return f.Commit()
}

func (d *directory) mkdir(path string) error {
	if !d.shared {
		return os.MkdirAll(path, 0o777)
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := d.mkdir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := os.Chmod(path, 0o775|fs.ModeSetgid)
	if errors.Is(err, fs.ErrPermission) { // a share that knows no modes, or another user's
		return nil
	}
	return err
}

func (d *directory) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		stop := errors.New("stop")
		root := filepath.Join(d.root, filepath.FromSlash(prefix))
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), atomicfile.TempPrefix) {
				return err
			}
			info := Info{Size: -1}
			if fi, err := e.Info(); err == nil {
				info.Size, info.Modified = fi.Size(), fi.ModTime()
			} else if errors.Is(err, fs.ErrNotExist) {
				return nil // removed meanwhile
			}
			rel, err := filepath.Rel(d.root, path)
			if err != nil {
				return err
			}
			if info.Key = filepath.ToSlash(rel); !yield(info, nil) {
				return stop
			}
			return nil
		})
		if err != nil && err != stop && !errors.Is(err, fs.ErrNotExist) {
			yield(Info{}, d.fail("list", prefix, err))
		}
	}
}

func (d *directory) Remove(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		path, err := d.at("remove", key)
		if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d.fail("remove", key, err)
		}
	}
	return nil
}
