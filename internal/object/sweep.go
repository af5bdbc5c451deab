package object

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Objects yields all objects of the cache, those of DVC 2 as well if legacy is
// set. Files that are not objects are passed over.
func (c *Cache) Objects(ctx context.Context, legacy bool) iter.Seq2[Hash, error] {
	return func(yield func(Hash, error) bool) {
		root := c.root(legacy)
		prefixes, err := readDir(root)
		if err != nil {
			yield(Hash{}, err)
			return
		}
		for _, p := range prefixes {
			if len(p.Name()) != 2 || !p.IsDir() {
				continue
			}
			files, err := readDir(filepath.Join(root, p.Name()))
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Hash{}, err)
				return
			}
			for _, f := range files {
				h, err := ParseHash(p.Name() + f.Name())
				if err != nil {
					continue
				}
				if legacy {
					h = h.Legacy()
				}
				if !yield(h, nil) {
					return
				}
			}
		}
	}
}

// Strays lists the files that lie where objects do and are none, such as those
// of a damaged or foreign cache. Temporary files are left out: this program's,
// DVC's (".tmp"), and hidden ones.
func (c *Cache) Strays(legacy bool) ([]string, error) {
	root := c.root(legacy)
	prefixes, err := readDir(root)
	if err != nil {
		return nil, err
	}
	var strays []string
	for _, p := range prefixes {
		if len(p.Name()) != 2 || !p.IsDir() {
			continue
		}
		dir := filepath.Join(root, p.Name())
		files, err := readDir(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name := f.Name()
			temporary := strings.HasPrefix(name, ".") || strings.HasPrefix(name, atomicfile.TempPrefix) || strings.HasSuffix(name, ".tmp")
			if _, err := ParseHash(p.Name() + name); err != nil && f.Type().IsRegular() && !temporary {
				strays = append(strays, filepath.Join(dir, name))
			}
		}
	}
	return strays, nil
}

// readDir is empty for a directory that isn't there.
func readDir(path string) ([]fs.DirEntry, error) {
	d, err := openDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.entries()
}

// RemoveStale deletes temporary files that killed processes left in the cache
// more than a day ago.
// Younger ones may be what another process is just writing.
func (c *Cache) RemoveStale() {
	const day = 24 * time.Hour
	c.removeParts(day)
	root := c.root(false)
	entries, err := readDir(root)
	if err != nil {
		return
	}
	d, err := openDir(root)
	if err != nil {
		return
	}
	defer d.close()
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partPrefix) {
			continue
		}
		if fi, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), atomicfile.TempPrefix) && time.Since(fi.ModTime()) > day {
			_ = d.remove(e.Name()) // another time, then
		}
	}
}

// ParseKey is the reverse of Hash.Key. ok is false if the key is not that of
// an object.
// Keys come from a listing, which may have anything in it.
func ParseKey(key string) (h Hash, ok bool) {
	rest, modern := strings.CutPrefix(key, "files/md5/")
	prefix, name, cut := strings.Cut(rest, "/")
	if !cut || len(prefix) != 2 || strings.Contains(name, "/") {
		return Hash{}, false
	}
	h, err := ParseHash(prefix + name)
	if err != nil {
		return Hash{}, false
	}
	if !modern {
		h = h.Legacy()
	}
	return h, true
}
