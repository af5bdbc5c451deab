package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sync/errgroup"
)

// open opens an object without checking anything.
func (o *objects) open(h Hash) (file, error) {
	if o == nil || h.IsZero() {
		return file{}, fmt.Errorf("%w: %s", ErrMissing, h)
	}
	f, err := o.d.open(h.relPath())
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("%w: %s", ErrMissing, h)
	}
	return f, err
}

// Open returns the bytes of an object. Reading to the end of a damaged one
// gives an error wrapping ErrCorrupt instead of io.EOF.
// It keeps the tree open until Close: a damaged object is removed by it.
func (c *Cache) Open(h Hash) (io.ReadCloser, error) {
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return nil, err
	}
	f, err := o.open(h)
	if err != nil {
		o.close()
		return nil, err
	}
	return &reader{o: o, f: f, h: h, sum: NewChecker(h)}, nil
}

// reader hashes what passes through it.
type reader struct {
	o   *objects
	f   file
	h   Hash
	sum *Checker
}

// The file's end is 0 bytes without an error (see file); then the sum must be right.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.f.Read(p)
	if err != nil {
		return n, err
	}
	if n > 0 {
		return r.sum.Write(p[:n])
	}
	if r.sum.Check() != nil {
		return 0, r.o.corrupt(r.h)
	}
	return 0, io.EOF
}

func (r *reader) Close() error {
	defer r.o.close()
	return r.f.Close()
}

// Tree returns the files of the directory h, sorted; their hashes are legacy
// ones if h is. The manifest's bytes are verified.
func (c *Cache) Tree(h Hash) ([]Entry, error) {
	entries, err := c.tree(h)
	if errors.Is(err, ErrMissing) {
		if known, ok := c.listed(h); ok {
			return known, nil
		}
	}
	return entries, err
}

// listed are the files of a directory whose list stands elsewhere.
func (c *Cache) listed(h Hash) ([]Entry, bool) {
	if c.opts.Listed == nil || !h.IsDir() {
		return nil, false
	}
	return c.opts.Listed(h)
}

// tree reads a manifest.
func (c *Cache) tree(h Hash) ([]Entry, error) {
	r, err := c.Open(h)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	entries, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Path(h), err)
	}
	if h.IsLegacy() {
		for i := range entries {
			entries[i].Hash = entries[i].Hash.Legacy()
		}
	}
	return entries, nil
}

// Has reports whether the object and, for a directory, those of all its files
// are in the cache. Objects whose mode is not 0444 are hashed first, and
// removed if wrong, as DVC does.
func (c *Cache) Has(ctx context.Context, h Hash) (bool, error) {
	missing, err := c.Missing(ctx, h)
	return len(missing) == 0 && err == nil, err
}

// HasObject is Has for the object alone. size < 0 means that the size is not known.
func (c *Cache) HasObject(ctx context.Context, h Hash, size int64) (bool, error) {
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return false, err
	}
	defer o.close()
	return o.has(ctx, h, size)
}

// Missing returns the hash h, or of a directory whose manifest is there those of
// its files, that the cache lacks. Each hash occurs once.
// The manifest is read, and so verified, even if its mode is 0444.
func (c *Cache) Missing(ctx context.Context, h Hash) ([]Hash, error) {
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return nil, err
	}
	defer o.close()
	if ok, err := o.has(ctx, h, -1); !ok || err != nil {
		return []Hash{h}, err
	}
	if !h.IsDir() {
		return nil, nil
	}
	entries, err := c.Tree(h)
	if errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
		return []Hash{h}, nil
	}
	if err != nil {
		return nil, err
	}
	return o.missing(ctx, entries)
}

// missing checks many objects side by side.
func (o *objects) missing(ctx context.Context, entries []Entry) ([]Hash, error) {
	if o == nil {
		return distinct(entries, func(int) bool { return true }), nil
	}
	// Each goroutine writes its own elements of absent.
	const part = 256
	absent := make([]bool, len(entries))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.c.opts.Jobs)
	for start := 0; start < len(entries); start += part {
		g.Go(func() error {
			for i := start; i < min(start+part, len(entries)); i++ {
				ok, err := o.has(ctx, entries[i].Hash, -1)
				if err != nil {
					return err
				}
				absent[i] = !ok
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return distinct(entries, func(i int) bool { return absent[i] }), nil
}

// distinct returns the hashes of the chosen entries, each once.
// The order is that of the entries.
func distinct(entries []Entry, chosen func(int) bool) []Hash {
	var out []Hash
	seen := map[Hash]bool{}
	for i, e := range entries {
		if chosen(i) && !seen[e.Hash] {
			seen[e.Hash] = true
			out = append(out, e.Hash)
		}
	}
	return out
}

// Verify hashes the object and a directory's files, whatever their modes are.
func (c *Cache) Verify(ctx context.Context, h Hash) error {
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return err
	}
	defer o.close()
	if o == nil {
		return fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if !h.IsDir() {
		return o.rehash(ctx, h)
	}
	entries, err := c.Tree(h)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.opts.Jobs)
	for _, e := range entries {
		g.Go(func() error { return o.rehash(ctx, e.Hash) })
	}
	return g.Wait()
}

// rehash verifies an object whatever its mode.
func (o *objects) rehash(ctx context.Context, h Hash) error {
	st, err := o.d.stat(h.relPath(), true)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if err != nil {
		return err
	}
	return o.verify(ctx, h, &st)
}
