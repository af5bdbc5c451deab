package origin

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// Look is what lies at a URL or a path at one time.
type Look struct {
	Path  string // as DVC shows it
	Dir   bool
	Names []string // of the files in a directory, with slashes; of a file one, empty
	Sizes []int64  // bytes; -1 = not known
	Dirs  []string // directories of this machine, which may be empty

	store *transfer.Store // that has the files; nil: they are on this machine
	files []transfer.Plain
}

// Local reports whether the files are on this machine.
func (l *Look) Local() bool { return l.store == nil }

// File is the path of a file on this machine.
func (l *Look) File(i int) string { return filepath.Join(l.Path, filepath.FromSlash(l.Names[i])) }

// Take copies the files of a server to a cache. What came earlier, as the notes tell,
// is not asked for again. done hears of each; it may be called by several at a time.
func (l *Look) Take(ctx context.Context, cache *object.Cache, came *transfer.Came, done func(object.Meta)) ([]object.Meta, error) {
	return l.store.TakePlain(ctx, cache, l.files, came, done)
}

// LookAt finds out what is there; nothing is an fs.ErrNotExist.
func LookAt(ctx context.Context, p *project.Repo, where string, options map[string]string, opts *transfer.Options) (*Look, error) {
	if !project.IsURL(where) {
		return lookLocal(p.UserPath(where))
	}
	u := &urlOrigin{p: p, url: where, options: options}
	if options == nil {
		u.options = map[string]string{}
	}
	c, err := u.config()
	if err != nil {
		return nil, err
	}
	if l := u.local(&c); l != nil {
		return lookLocal(l.path)
	}
	list, err := u.list(ctx, opts)
	if err != nil {
		return nil, err
	}
	l := &Look{Dir: list.dir, Names: list.names}
	// As DVC names it: with the bucket, but without the host of a server of files.
	switch scheme := c.Scheme(); {
	case strings.HasPrefix(scheme, "http"):
		l.Path = c.URL
	case scheme == "ssh":
		_, rest, _ := strings.Cut(c.URL, "://")
		_, rest, _ = strings.Cut(rest, "/")
		l.Path = "/" + rest
	default:
		_, l.Path, _ = strings.Cut(c.URL, "://")
	}
	if !l.Dir {
		l.Names = []string{""}
	}
	for _, f := range list.files {
		l.Sizes = append(l.Sizes, f.Size)
	}
	l.store, l.files = list.store, list.files
	return l, nil
}

func lookLocal(top string) (*Look, error) {
	fi, err := os.Stat(top)
	if err != nil {
		return nil, err
	}
	l := &Look{Path: top, Dir: fi.IsDir()}
	if !l.Dir {
		l.Names, l.Sizes = []string{""}, []int64{fi.Size()}
		return l, nil
	}
	err = fs.WalkDir(os.DirFS(top), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		fi, err := os.Stat(filepath.Join(top, filepath.FromSlash(name)))
		switch {
		case os.IsNotExist(err): // a link to nowhere
			return nil
		case err != nil:
			return err
		case fi.IsDir():
			l.Dirs = append(l.Dirs, name)
		case fi.Mode().IsRegular():
			l.Names, l.Sizes = append(l.Names, name), append(l.Sizes, fi.Size())
		}
		return nil
	})
	return l, err
}
