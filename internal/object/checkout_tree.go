package object

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// tree checks out a directory.
// A directory that is there is changed file by file; one that isn't is made aside.
func (co *checkout) tree(ctx context.Context) (Report, error) {
	entries, err := co.entries()
	if errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
		return Report{}, co.missing(err)
	}
	if err != nil {
		return Report{}, err
	}
	// A link to a directory is replaced by a directory: what it leads to is not ours.
	if co.have == nil || co.lstat.isSymlink() {
		return co.newTree(ctx, entries)
	}
	todo, doomed, same := co.diff(entries)
	broken := co.broken()
	relink, exec := co.splitExec(same)
	done := countChanges(co, todo, doomed, broken)
	if len(exec) > 0 {
		done.Change = Modified
		done.Modified += len(exec)
	}
	if err := co.prepare(ctx, todo, doomed); err != nil {
		return Report{}, err
	}
	if !co.opts.Relink {
		relink = nil
	}
	if err := co.update(ctx, todo, doomed, broken, relink); err != nil {
		return done, err
	}
	for path, st := range exec {
		if err := setExec(path, st); err != nil {
			return done, err
		}
	}
	return done, nil
}

// splitExec takes out the files whose execute bit is set. A manifest has none, so that
// to DVC they differ: it counts them, leaves them the bit, and doesn't relink them.
func (co *checkout) splitExec(same []Entry) (plain []Entry, exec map[string]*stat) {
	bits := map[string]*stat{}
	co.have.each(func(rel string, f *treeFile) {
		if wrongExec(&f.st, false) {
			bits[rel] = &f.st
		}
	})
	exec = map[string]*stat{}
	for _, e := range same {
		if st := bits[e.Path]; st != nil {
			exec[co.join(e.Path)] = st
		} else {
			plain = append(plain, e)
		}
	}
	return plain, exec
}

// countChanges counts the files of a directory that will change.
// What is replaced is both in todo and lost; the rest of lost is deleted.
func countChanges(co *checkout, todo []Entry, doomed []victim, broken []string) Report {
	var done Report
	if len(todo) > 0 || len(doomed) > 0 || len(broken) > 0 {
		done.Change = Modified
	}
	lost := make(map[string]bool, len(doomed)+len(broken))
	for _, v := range doomed {
		lost[v.path] = true
	}
	for _, path := range broken {
		lost[path] = true
	}
	for _, e := range todo {
		if lost[co.join(e.Path)] {
			done.Modified++
		} else {
			done.Added++
		}
	}
	done.Deleted = len(lost) - done.Modified
	return done
}

// broken lists the links in the directory that lead nowhere. They hold nothing
// that could be lost: a cache that has moved leaves them behind.
func (co *checkout) broken() []string {
	var paths []string
	co.have.eachBroken(func(rel string) { paths = append(paths, co.join(rel)) })
	return paths
}

// prepare checks that all objects are there and that nothing is lost.
func (co *checkout) prepare(ctx context.Context, todo []Entry, doomed []victim) error {
	lost, err := co.o.missing(ctx, todo)
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		return &MissingError{Hashes: lost}
	}
	return co.protect(ctx, doomed)
}

// newTree makes a whole directory where there is none. It is built aside and
// renamed, so that it is there complete or not at all.
func (co *checkout) newTree(ctx context.Context, entries []Entry) (Report, error) {
	done := Report{Change: Added, Added: len(entries)}
	if co.found {
		done.Change = Modified
	}
	if err := co.prepare(ctx, entries, co.allFiles()); err != nil {
		return Report{}, err
	}
	parent := filepath.Dir(co.path)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return Report{}, err
	}
	p, err := co.c.placer(co.path, co.o)
	if err != nil {
		return Report{}, err
	}
	defer p.close()
	tmp := filepath.Join(p.stage.path, tempName())
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return Report{}, err
	}
	defer os.RemoveAll(tmp) // does nothing once it is renamed
	f := &filler{co: co, p: p, dest: tmp, direct: true}
	if err := f.fill(ctx, entries); err != nil {
		return Report{}, err
	}
	if co.found {
		if err := os.Remove(co.path); err != nil {
			return Report{}, err
		}
	}
	return done, os.Rename(tmp, co.path)
}

// diff compares the directory with the manifest: files to write, files to lose
// (overwritten or deleted), and files that are right.
func (co *checkout) diff(entries []Entry) (todo []Entry, doomed []victim, same []Entry) {
	have := make(map[string]Hash, co.have.count())
	co.have.each(func(rel string, f *treeFile) { have[rel] = co.hash(f.sum) })
	for _, e := range entries {
		h, ok := have[e.Path]
		switch {
		case ok && h == e.Hash:
			same = append(same, e)
		case ok:
			doomed = append(doomed, victim{co.join(e.Path), h})
			fallthrough
		default:
			todo = append(todo, e)
		}
		// What remains in have the manifest doesn't name.
		delete(have, e.Path)
	}
	for rel, h := range have {
		doomed = append(doomed, victim{co.join(rel), h})
	}
	return todo, doomed, same
}

// update changes a directory that exists. Extra files go first: one may be in
// the way of a directory that is to come, and the reverse.
// A kill in the middle leaves a mixture, which the next checkout puts right: no file
// is ever partly written.
func (co *checkout) update(ctx context.Context, todo []Entry, doomed []victim, broken []string, relink []Entry) error {
	for _, path := range broken {
		if err := os.Remove(path); err != nil {
			return err
		}
		co.pruneEmpty(filepath.Dir(path))
	}
	// What is replaced stays until the new file takes its name.
	wanted := make(map[string]bool, len(todo))
	for _, e := range todo {
		wanted[co.join(e.Path)] = true
	}
	for _, v := range doomed {
		if wanted[v.path] {
			continue // replaced by rename
		}
		if err := os.Remove(v.path); err != nil {
			return err
		}
		co.pruneEmpty(filepath.Dir(v.path))
	}
	p, err := co.c.placer(filepath.Join(co.path, "x"), co.o)
	if err != nil {
		return err
	}
	defer p.close()
	f := &filler{co: co, p: p, dest: co.path}
	if err := f.fill(ctx, todo); err != nil {
		return err
	}
	return f.relink(ctx, relink)
}

// pruneEmpty removes a directory that has become empty, and its parents, up to
// the checked-out one.
func (co *checkout) pruneEmpty(dir string) {
	for dir != co.path && strings.HasPrefix(dir, co.path) && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}

// filler writes entries below a directory, many at a time.
type filler struct {
	co     *checkout
	p      *placer
	dest   string
	direct bool // nothing looks at dest yet: no need to rename into place

	mu   sync.Mutex
	lost MissingError
}

// fill writes the entries, sorted by path, a directory at a time.
// Directories are made here, one after the other, so that workers need not wait for
// each other's.
func (f *filler) fill(ctx context.Context, entries []Entry) error {
	groups := map[string][]Entry{}
	var order []string
	for _, e := range entries {
		dir := path.Dir(e.Path)
		if _, ok := groups[dir]; !ok {
			order = append(order, dir)
		}
		groups[dir] = append(groups[dir], e)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.co.c.opts.Jobs)
	for _, dir := range order {
		if err := f.mkdir(dir); err != nil {
			return errors.Join(err, g.Wait())
		}
		// A large directory is shared among the workers, in runs.
		for all := groups[dir]; len(all) > 0; {
			n := min(len(all), run)
			part := all[:n]
			all = all[n:]
			g.Go(func() error { return f.part(ctx, dir, part) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if len(f.lost.Hashes) > 0 {
		return &f.lost
	}
	return nil
}

// mkdir makes a directory below dest. A broken link, or a link to a directory,
// which the walk did not enter, is not followed out of the tree.
func (f *filler) mkdir(rel string) error {
	dir := f.dest
	if rel == "." {
		return nil
	}
	for elem := range strings.SplitSeq(rel, "/") {
		dir = filepath.Join(dir, elem)
		st, err := statPath(dir, false)
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Mkdir(dir, 0o777)
		} else if err == nil && !st.isDir() {
			err = &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("a file or link is in the way")}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// part writes entries of one directory. An object that cannot be used is noted, and
// the others are still written.
func (f *filler) part(ctx context.Context, dir string, entries []Entry) error {
	d, err := openDir(filepath.Join(f.dest, filepath.FromSlash(dir)))
	if err != nil {
		return err
	}
	defer d.close()
	key := f.co.hs.memoKey(filepath.Join(f.co.path, filepath.FromSlash(dir)), f.co.want.IsLegacy())
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Base(e.Path)
		err := f.place(ctx, e.Hash, d, name)
		if errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
			f.note(e.Hash, err)
			continue
		}
		if err != nil {
			return err
		}
		st, err := d.stat(name, true)
		if err != nil {
			return err
		}
		f.co.hs.memo.putFresh(key, memoFile{name, st.key, e.Hash.sum})
	}
	return nil
}

// place writes one file. In a directory that is built aside a copy may be written in
// its place at once: all of it appears by one rename.
func (f *filler) place(ctx context.Context, h Hash, d *dir, name string) error {
	if f.direct {
		kind, err := f.p.link(ctx, h)
		if err != nil {
			return err
		}
		if kind == Copy || kind == Reflink {
			return f.p.copy(ctx, h, d, name)
		}
	}
	return f.p.place(ctx, h, d, name)
}

// note collects objects that turned out to be unusable, to name them all.
func (f *filler) note(h Hash, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost.Hashes = append(f.lost.Hashes, h)
	if errors.Is(err, ErrCorrupt) {
		f.lost.Corrupt = append(f.lost.Corrupt, h)
	}
}

// relink recreates files of the wrong link type.
// One by one: to look at a link costs a system call or two.
func (f *filler) relink(ctx context.Context, entries []Entry) error {
	var wrong []Entry
	for _, e := range entries {
		full := f.co.join(e.Path)
		d, err := openDir(filepath.Dir(full))
		if err != nil {
			return err
		}
		ok, err := f.p.fresh(d, filepath.Base(full), e.Hash)
		if ok {
			err = f.p.fixMode(d, filepath.Base(full), false, true)
		}
		d.close()
		if err != nil {
			return err
		}
		if !ok {
			wrong = append(wrong, e)
		}
	}
	return f.fill(ctx, wrong)
}
