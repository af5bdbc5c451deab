package object

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Wanted is an object to copy, with the files of a directory: all, or those of one
// part.
type Wanted struct {
	Hash Hash
	Part string // a file or directory in the directory, with slashes; empty = all
}

// of leaves out what a directory has outside of the part.
func (w Wanted) of(entries []Entry) []Entry {
	if w.Part == "" {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		return e.Path != w.Part && !strings.HasPrefix(e.Path, w.Part+"/")
	})
}

// Push copies to the remote what it lacks of the objects and, for directories,
// of their files. A manifest follows after all its files, so that what is there
// is complete. jobs limits the copies at a time; 0 = 4 per core.
func (c *Cache) Push(ctx context.Context, r Remote, objects []Wanted, jobs int) (*Transfer, error) {
	t := &transfer{c: c, remote: r, jobs: jobs}
	plain, dirs := split(objects)
	trees := map[Hash][]Entry{} // the wanted files
	for _, w := range dirs {
		entries, err := t.tree(ctx, w.Hash)
		if err != nil {
			if err = t.note(w.Hash, err); err != nil {
				return nil, err
			}
			continue
		}
		part := w.of(entries)
		trees[w.Hash] = append(trees[w.Hash], part...)
		for _, e := range part {
			plain = append(plain, e.Hash)
		}
	}
	bad, err := t.each(ctx, unique(plain), t.upload)
	if err != nil {
		return nil, err
	}
	var complete []Hash
	for _, w := range dirs {
		if files, ok := trees[w.Hash]; ok && !anyBad(files, bad) {
			complete = append(complete, w.Hash)
		}
	}
	_, err = t.each(ctx, unique(complete), t.upload)
	return &t.result, err
}

// Fetch copies to the cache what it lacks of the objects and, for directories,
// of their files. What is stored is verified.
func (c *Cache) Fetch(ctx context.Context, r Remote, objects []Wanted, jobs int) (*Transfer, error) {
	t := &transfer{c: c, remote: r, jobs: jobs}
	plain, dirs := split(objects)
	var manifests []Hash
	for _, w := range dirs {
		manifests = append(manifests, w.Hash)
	}
	if _, err := t.each(ctx, unique(manifests), t.download); err != nil {
		return nil, err
	}
	for _, w := range dirs {
		entries, err := c.Tree(w.Hash)
		if errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
			continue // noted by download
		}
		if err != nil {
			return nil, err
		}
		for _, e := range w.of(entries) {
			plain = append(plain, e.Hash)
		}
	}
	_, err := t.each(ctx, unique(plain), t.download)
	return &t.result, err
}

// RemoteTree reads a directory's manifest from the cache or, without storing
// it, from the remote.
func (c *Cache) RemoteTree(ctx context.Context, r Remote, h Hash) ([]Entry, error) {
	t := &transfer{c: c, remote: r}
	return t.tree(ctx, h)
}

// FetchTree is RemoteTree, but keeps a manifest that it had to fetch.
func (c *Cache) FetchTree(ctx context.Context, r Remote, h Hash) ([]Entry, error) {
	t := &transfer{c: c, remote: r}
	if _, err := t.each(ctx, []Hash{h}, t.download); err != nil {
		return nil, err
	}
	return c.Tree(h)
}

// split drops repeated and zero objects.
func split(objects []Wanted) (plain []Hash, dirs []Wanted) {
	seen := make(map[Wanted]bool, len(objects))
	for _, w := range objects {
		if !w.Hash.IsDir() {
			w.Part = ""
		}
		switch {
		case w.Hash.IsZero() || seen[w]:
		case w.Hash.IsDir():
			dirs = append(dirs, w)
		default:
			plain = append(plain, w.Hash)
		}
		seen[w] = true
	}
	return plain, dirs
}

// unique drops repeated and zero hashes and keeps the order.
func unique(hashes []Hash) []Hash {
	seen := make(map[Hash]bool, len(hashes))
	out := make([]Hash, 0, len(hashes))
	for _, h := range hashes {
		if !h.IsZero() && !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	return out
}

func anyBad(entries []Entry, bad map[Hash]bool) bool {
	for _, e := range entries {
		if bad[e.Hash] {
			return true
		}
	}
	return false
}

// transfer is one Push or Fetch at work.
type transfer struct {
	c      *Cache
	remote Remote
	jobs   int

	mu     sync.Mutex
	result Transfer
}

// note records a failure that concerns one object. Other errors it returns.
func (t *transfer) note(h Hash, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.result.fail(h, err)
	return nil
}

// each copies many objects and returns those that failed.
func (t *transfer) each(ctx context.Context, hashes []Hash, do func(context.Context, Hash, bool) (bool, error)) (map[Hash]bool, error) {
	keys := make([]string, len(hashes))
	for i, h := range hashes {
		keys[i] = h.Key()
	}
	there, err := t.remote.Has(ctx, keys)
	if err != nil {
		return nil, err
	}
	bad := map[Hash]bool{}
	g, ctx := errgroup.WithContext(ctx)
	limit := t.jobs
	if limit <= 0 {
		limit = 4 * t.c.opts.Jobs
	}
	g.SetLimit(limit)
	for i, h := range hashes {
		g.Go(func() error {
			copied, err := do(ctx, h, there[i])
			if err != nil {
				if err := t.note(h, err); err != nil {
					return err
				}
			}
			t.mu.Lock()
			defer t.mu.Unlock()
			bad[h] = err != nil
			if copied && err == nil {
				t.result.Count++
			}
			return nil
		})
	}
	return bad, g.Wait()
}

func (t *transfer) upload(ctx context.Context, h Hash, there bool) (copied bool, err error) {
	if there {
		return false, nil
	}
	src, err := t.c.Open(h)
	if err != nil {
		return false, err
	}
	defer src.Close()
	return true, t.remote.Put(ctx, h.Key(), src)
}

func (t *transfer) download(ctx context.Context, h Hash, there bool) (copied bool, err error) {
	if ok, err := t.c.HasObject(ctx, h, -1); ok || err != nil {
		return false, err
	}
	if !there {
		return false, fmt.Errorf("%w: %s", ErrMissing, h)
	}
	src, err := t.remote.Get(ctx, h.Key())
	if err != nil {
		return false, err
	}
	defer src.Close()
	return true, t.c.store(ctx, h, src)
}

// store makes an object of a stream, whose bytes must have the hash.
func (c *Cache) store(ctx context.Context, h Hash, src io.Reader) error {
	o, err := c.writable(h.IsLegacy())
	if err != nil {
		return err
	}
	defer o.close()
	f, tmp, err := o.create()
	if err != nil {
		return err
	}
	sum := md5.New()
	add := sumFunc(h.IsLegacy() && !h.IsDir())
	buf := make([]byte, chunkSize)
	for err == nil {
		var n int
		if n, err = io.ReadFull(contextReader{ctx, src}, buf); n > 0 {
			add(sum, buf[:n])
			if _, werr := f.Write(buf[:n]); werr != nil {
				err = o.stage.fail("write", tmp, werr)
			}
		}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	if err = errors.Join(err, f.Close()); err == nil && [16]byte(sum.Sum(nil)) != h.sum {
		err = fmt.Errorf("%w in the remote: %s", errCorruptCopy, h)
	}
	if err == nil {
		err = o.commit(tmp, h.relPath())
	}
	if err != nil {
		o.stage.remove(tmp)
	}
	return err
}

var errCorruptCopy = errors.New("object is corrupt")

func (t *transfer) tree(ctx context.Context, h Hash) ([]Entry, error) {
	entries, err := t.c.Tree(h)
	if !errors.Is(err, ErrMissing) {
		return entries, err
	}
	src, rerr := t.remote.Get(ctx, h.Key())
	if errors.Is(rerr, fs.ErrNotExist) {
		return nil, err
	}
	if rerr != nil {
		return nil, rerr
	}
	defer src.Close()
	var data bytes.Buffer
	if _, err := data.ReadFrom(src); err != nil {
		return nil, err
	}
	if md5.Sum(data.Bytes()) != h.sum {
		return nil, fmt.Errorf("%w in the remote: %s", errCorruptCopy, h)
	}
	if entries, err = ParseManifest(data.Bytes()); err == nil && h.IsLegacy() {
		for i := range entries {
			entries[i].Hash = entries[i].Hash.Legacy()
		}
	}
	return entries, err
}
