package compare

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/reprodl/reprodl/internal/object"
)

// read decodes a file of the tree, or what the cache has of it.
func (c *collector) read(name string) (any, error) {
	data, err := readLimited(c.fsys, name)
	// Outputs are not in git, so in the tree of a commit they are missing.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		data, err = c.readCached(name)
	}
	if err != nil {
		return nil, err
	}
	return c.parse(name, data)
}

// errTooLarge is shown as an error of the system; DVC knows no such limit.
var errTooLarge = errors.New("file is too large to show")

// readLimited reads a file of at most maxShown bytes.
func readLimited(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// The size spares reading what is too large; the limit below holds even
	// where the size is wrong or the file grows.
	if fi, err := f.Stat(); err == nil && fi.Size() > maxShown {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, maxShown+1))
	if err == nil && len(data) > maxShown {
		err = errTooLarge
	}
	return data, err
}

// readCached finds the output that is name or a directory above it and reads
// the object that its hash names. What is not to be had there is "not found",
// whatever the reason: nothing is fetched for a table.
func (c *collector) readCached(name string) ([]byte, error) {
	for dir, rest := name, ""; dir != "." && dir != "/"; dir, rest = path.Dir(dir), path.Join(path.Base(dir), rest) {
		m, ok := c.data[dir]
		if !ok || m.Hash.IsZero() || c.cache == nil {
			continue
		}
		h := m.Hash
		// The output is a directory: its tree says which object name is.
		if rest != "" {
			tree, err := c.cache.Tree(h)
			if err != nil {
				break
			}
			i := slices.IndexFunc(tree, func(e object.Entry) bool { return e.Path == rest })
			if i < 0 {
				break
			}
			h = tree[i].Hash
		}
		f, err := c.cache.Open(h)
		if err != nil {
			break
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxShown+1))
		if err == nil && len(data) > maxShown {
			err = errTooLarge
		}
		return data, err
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}
