package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// ErrIgnoreFile says that a directory to be hashed contains a .dvcignore file,
// which DVC does not allow.
var ErrIgnoreFile = errors.New(".dvcignore file should not be in collected dir path")

// tree is a directory as the walk found it.
type tree struct {
	rel   string // below the root of the walk, "" for the root itself
	files []treeFile
	dirs  []*tree
	// broken are links that lead nowhere, if the walk passes over them.
	broken []string
}

type treeFile struct {
	name    string
	st      stat
	sum     [16]byte
	symlink bool
}

// storeFunc is called for every file. known tells that sum is what the memo has;
// otherwise the function finds it out.
type storeFunc func(ctx context.Context, d *dir, f *treeFile, known bool) error

// walker walks one tree. Directories, and runs of files in large directories,
// are shared among the workers; each writes only its own part of the tree, so
// that the result needs no lock and no sort by completion.
type walker struct {
	h      *Hasher
	root   string
	legacy bool
	store  storeFunc
	lax    bool // note broken links; otherwise they are errors
	group  *errgroup.Group
	ctx    context.Context
}

// run is the number of files that one worker takes from a directory.
const run = 64

// walk reads the tree at path. A nil store hashes what the memo does not know.
func (h *Hasher) walk(ctx context.Context, path string, legacy bool, store storeFunc) (*tree, error) {
	return h.start(ctx, &walker{h: h, root: path, legacy: legacy, store: store})
}

// survey is walk for somebody who is going to repair the tree: broken links are
// noted.
func (h *Hasher) survey(ctx context.Context, path string, legacy bool) (*tree, error) {
	return h.start(ctx, &walker{h: h, root: path, legacy: legacy, lax: true})
}

func (h *Hasher) start(ctx context.Context, w *walker) (_ *tree, err error) {
	if w.root, err = filepath.Abs(w.root); err != nil {
		return nil, err
	}
	if w.store == nil {
		w.store = w.hashFile
	}
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(h.opts.Jobs)
	t := new(tree)
	w.group.Go(func() error { return w.dir(t) })
	if err := w.group.Wait(); err != nil {
		return nil, err
	}
	return t, ctx.Err()
}

// spawn runs f on another worker, or here if all are busy.
func (w *walker) spawn(f func() error) error {
	// A worker that waited for a free one could wait for itself.
	if w.group.TryGo(f) {
		return nil
	}
	return f()
}

// dir lists a directory and hands on what is in it. It owns d until files takes it.
func (w *walker) dir(t *tree) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	d, err := openDir(filepath.Join(w.root, t.rel))
	if err != nil {
		return err
	}
	if err := w.list(d, t); err != nil {
		d.close()
		return err
	}
	for _, sub := range t.dirs {
		if err := w.spawn(func() error { return w.dir(sub) }); err != nil {
			d.close()
			return err
		}
	}
	return w.files(d, t)
}

// list fills in the names of a directory, sorted.
// Subdirectories are left in the order of the system: the manifest is sorted as a
// whole.
func (w *walker) list(d *dir, t *tree) error {
	entries, err := d.entries()
	if err != nil {
		return err
	}
	t.files = make([]treeFile, 0, len(entries))
	for _, e := range entries {
		if err := w.entry(d, t, e); err != nil {
			return err
		}
	}
	slices.SortFunc(t.files, func(a, b treeFile) int { return cmp.Compare(a.name, b.name) })
	return nil
}

// entry sorts one name in. Links to files are files; links to directories are left
// out, as DVC does not follow them.
func (w *walker) entry(d *dir, t *tree, e fs.DirEntry) error {
	name, kind := e.Name(), e.Type()
	if kind&fs.ModeSymlink != 0 {
		st, err := d.stat(name, true)
		if err != nil { // a link to nowhere, or in a circle
			switch {
			case w.ignores(d, name, false):
			case errors.Is(err, fs.ErrNotExist) && w.lax:
				t.broken = append(t.broken, name)
			default:
				return err
			}
			return nil
		}
		if st.isDir() {
			return nil // not entered, no trace
		}
	}
	isDir := kind.IsDir()
	if w.ignores(d, name, isDir) {
		return nil
	}
	if isDir {
		t.dirs = append(t.dirs, &tree{rel: join(t.rel, name)})
		return nil
	}
	if name == ".dvcignore" {
		return fmt.Errorf("%w: '%s'", ErrIgnoreFile, d.path)
	}
	t.files = append(t.files, treeFile{name: name, symlink: kind&fs.ModeSymlink != 0})
	return nil
}

// ignores asks .dvcignore, with the absolute path.
func (w *walker) ignores(d *dir, name string, isDir bool) bool {
	ignore := w.h.opts.Ignore
	return ignore != nil && ignore(filepath.Join(d.path, name), isDir)
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// files hands runs of files to the workers. The last one to finish closes the
// directory and remembers its sums.
// The last run is done by this worker, which would have nothing else to do.
func (w *walker) files(d *dir, t *tree) error {
	key := w.h.memoKey(d.path, w.legacy)
	known := w.h.memo.listing(key)
	var open, news atomic.Int64
	start := now()
	n := len(t.files)
	runs := (n + run - 1) / run
	if runs == 0 {
		d.close()
		if len(known) > 0 {
			w.h.memo.putListing(key, nil)
		}
		return nil
	}
	open.Store(int64(runs))
	part := func(files []treeFile) error {
		fresh, err := w.run(d, files, known)
		news.Add(int64(fresh))
		// The counter makes the end of all runs visible to the last: it may read what the
		// others wrote.
		if open.Add(-1) == 0 {
			d.close()
			if err == nil && (news.Load() > 0 || len(known) != n) {
				w.remember(key, t, start)
			}
		}
		return err
	}
	var first error
	for i := range runs {
		files := t.files[i*run : min((i+1)*run, n)]
		if i == runs-1 {
			first = cmpErr(first, part(files))
		} else {
			first = cmpErr(first, w.spawn(func() error { return part(files) }))
		}
	}
	return first
}

// cmpErr returns the first error. Every run must be started even after an
// error, so that the directory gets closed; the context makes them short.
func cmpErr(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

// run stats and hashes files and counts those the memo did not know.
// known is sorted; the caller shares it among the runs, which only read it.
func (w *walker) run(d *dir, files []treeFile, known []memoFile) (fresh int, err error) {
	for i := range files {
		if err := w.ctx.Err(); err != nil {
			return fresh, err
		}
		f := &files[i]
		if f.st, err = d.stat(f.name, true); err != nil {
			return fresh, err
		}
		if !f.st.isRegular() {
			return fresh, errIrregular(d, f.name)
		}
		m, ok := findFile(known, f.name)
		if ok = ok && m.key == f.st.key; ok {
			f.sum = m.sum
		} else {
			fresh++
		}
		if err := w.store(w.ctx, d, f, ok); err != nil {
			return fresh, err
		}
	}
	return fresh, nil
}

func (w *walker) hashFile(ctx context.Context, d *dir, f *treeFile, known bool) (err error) {
	if !known {
		f.sum, err = w.h.sum(ctx, d, f.name, &f.st, w.legacy)
	}
	return err
}

// remember puts a directory's sums into the memo, except those of files that
// were written just before the walk began to read them.
func (w *walker) remember(key string, t *tree, start int64) {
	files := make([]memoFile, 0, len(t.files))
	for i := range t.files {
		if f := &t.files[i]; f.st.key.settled(start) {
			files = append(files, memoFile{f.name, f.st.key, f.sum})
		}
	}
	w.h.memo.putListing(key, files)
}

// each calls f for every file, in no particular order, with its path below the root.
func (t *tree) each(f func(path string, file *treeFile)) {
	for i := range t.files {
		f(join(t.rel, t.files[i].name), &t.files[i])
	}
	for _, sub := range t.dirs {
		sub.each(f)
	}
}

// eachBroken calls f for every broken link that the walk passed over.
func (t *tree) eachBroken(f func(path string)) {
	for _, name := range t.broken {
		f(join(t.rel, name))
	}
	for _, sub := range t.dirs {
		sub.eachBroken(f)
	}
}

func (t *tree) count() int {
	n := len(t.files)
	for _, sub := range t.dirs {
		n += sub.count()
	}
	return n
}

// manifest returns the sorted entries of the tree, what is recorded of it, and
// the manifest's bytes.
func (t *tree) manifest(legacy bool) ([]Entry, Meta, []byte, error) {
	entries := make([]Entry, 0, t.count())
	var m Meta
	t.each(func(path string, f *treeFile) {
		e := Entry{path, FileHash(f.sum)}
		if legacy {
			e.Hash = e.Hash.Legacy()
		}
		entries = append(entries, e)
		m.Size += f.st.key.size
	})
	data, h, err := HashManifest(entries)
	if err != nil {
		return nil, Meta{}, nil, err
	}
	if legacy {
		h = h.Legacy()
	}
	m.Hash, m.Files = h, len(entries)
	return entries, m, data, nil
}
