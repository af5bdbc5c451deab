package object

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// UnsavedError lists the files that would have been lost: their content is not
// in the cache.
type UnsavedError struct{ Paths []string }

func (e *UnsavedError) Error() string {
	return "Can't remove the following unsaved files without confirmation. Use `--force` to force.\n" + strings.Join(e.Paths, "\n")
}

// Unsaved lists the files at and below path whose content is not in the cache
// and which Checkout of h, or of a part of it, would overwrite or delete.
// Nothing is changed by it, except that damaged objects are removed.
func (c *Cache) Unsaved(ctx context.Context, hs *Hasher, path string, h Hash, part string) ([]string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return nil, err
	}
	defer o.close()
	co := &checkout{c: c, o: o, hs: hs, path: path, want: h, opts: new(CheckoutOptions)}
	if err := co.narrow(part); errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
		return nil, nil // nothing can be checked out
	} else if err != nil {
		return nil, err
	}
	if err := co.inspect(ctx); err != nil || !co.found {
		return nil, err
	}
	doomed := co.allFiles()
	switch {
	case co.have == nil && co.part == nil && co.now.Hash == co.want:
		return nil, nil
	case co.have != nil && co.want.IsDir():
		entries, err := co.entries()
		if err == nil {
			_, doomed, _ = co.diff(entries)
		} else if !errors.Is(err, ErrMissing) && !errors.Is(err, ErrCorrupt) {
			return nil, err
		} else {
			return nil, nil // nothing can be checked out
		}
	}
	var unsaved *UnsavedError
	if err := co.protect(ctx, doomed); errors.As(err, &unsaved) {
		return unsaved.Paths, nil
	} else if err != nil {
		return nil, err
	}
	return nil, nil
}

// victim is a file that is about to be overwritten or deleted.
type victim struct {
	path string
	hash Hash
}

// allFiles lists every file that is there.
func (co *checkout) allFiles() []victim {
	if co.have == nil {
		if co.now.Hash.IsZero() {
			return nil
		}
		return []victim{{co.path, co.now.Hash}}
	}
	var out []victim
	co.have.each(func(rel string, f *treeFile) {
		out = append(out, victim{co.join(rel), co.hash(f.sum)})
	})
	return out
}

// protect refuses to lose files whose content is not in the cache.
// An object that is not 0444 is hashed: only what can be trusted is a copy.
func (co *checkout) protect(ctx context.Context, victims []victim) error {
	if co.opts.Force {
		return nil
	}
	var unsaved []string
	for _, v := range victims {
		ok, err := co.o.has(ctx, v.hash, -1)
		if err != nil {
			return err
		}
		if !ok {
			unsaved = append(unsaved, v.path)
		}
	}
	if unsaved == nil {
		return nil
	}
	slices.Sort(unsaved)
	return &UnsavedError{unsaved}
}
