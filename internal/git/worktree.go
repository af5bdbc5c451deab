package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Snapshot stores the working tree as a tree object: every tracked file as it
// is on disk now, as `git add --update` would stage it, without touching the
// index. Files outside of a sparse checkout, and submodules, are as in the
// index.
//
// extra names further files or directories, relative to the top, to be taken
// in though nothing tracks them; those that do not exist, or are in a submodule, are left
// out.
func (r *Repo) Snapshot(ctx context.Context, extra ...string) (ID, error) {
	if r.root == "" {
		return "", errors.New("a bare repository has no working tree")
	}
	ix, err := r.Index(ctx)
	if err != nil {
		return "", err
	}
	base, err := r.headTree(ctx)
	if err != nil {
		return "", err
	}
	now, dirty, err := r.compareFiles(ctx, ix)
	if err != nil {
		return "", err
	}
	more, err := r.expand(ctx, ix, extra)
	if err != nil {
		return "", err
	}
	if err := r.store(ctx, ix, now, append(dirty, more...)); err != nil {
		return "", err
	}
	changes, err := r.changesFrom(ctx, base, now)
	if err != nil {
		return "", err
	}
	return r.EditTree(ctx, base, changes)
}

// changesFrom compares base with the wanted files.
func (r *Repo) changesFrom(ctx context.Context, base ID, now map[string]Change) (map[string]Change, error) {
	changes := map[string]Change{}
	if !base.IsZero() {
		err := r.Walk(ctx, base, func(name string, e Entry) error {
			c, ok := now[name]
			if !ok {
				changes[name] = Change{}
				return nil
			}
			if c.ID != e.ID || c.Mode != e.Mode {
				changes[name] = c
			}
			// What remains in the end is new. now is used up by this.
			delete(now, name)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for name, c := range now {
		changes[name] = c
	}
	return changes, nil
}

// Dirty returns the tracked paths whose files differ, or may differ, from the
// index, sorted; deleted ones among them.
func (r *Repo) Dirty(ctx context.Context) ([]string, error) {
	ix, err := r.Index(ctx)
	if err != nil {
		return nil, err
	}
	now, dirty, err := r.compareFiles(ctx, ix)
	if err != nil {
		return nil, err
	}
	var names []string
	changed := map[string]bool{}
	for _, name := range dirty {
		changed[name] = true
	}
	for _, e := range ix.Entries {
		if _, ok := now[e.Path]; !ok || changed[e.Path] {
			names = append(names, e.Path)
		}
	}
	return names, nil
}

// compareFiles looks at each tracked file. It returns the mode and id of those
// present, and the names of those whose id is stale because the file changed.
func (r *Repo) compareFiles(ctx context.Context, ix *Index) (now map[string]Change, dirty []string, err error) {
	type verdict struct {
		mode Mode // 0: gone
		same bool
	}
	// Each goroutine writes its own part; Wait orders that before the reads
	// below.
	verdicts := make([]verdict, len(ix.Entries))
	g, ctx := errgroup.WithContext(ctx)
	const chunk = 512
	g.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for lo := 0; lo < len(ix.Entries); lo += chunk {
		hi := min(lo+chunk, len(ix.Entries))
		g.Go(func() error {
			for i := lo; i < hi; i++ {
				mode, same, err := r.compareFile(&ix.Entries[i], ix)
				if err != nil {
					return err
				}
				verdicts[i] = verdict{mode, same}
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	now = make(map[string]Change, len(ix.Entries))
	for i, v := range verdicts {
		e := &ix.Entries[i]
		if v.mode == 0 {
			continue
		}
		// The sides of a conflict are entries of one path, one after the other.
		if !v.same && (len(dirty) == 0 || dirty[len(dirty)-1] != e.Path) {
			dirty = append(dirty, e.Path)
		}
		now[e.Path] = Change{v.mode, e.ID}
	}
	return now, dirty, nil
}

// compareFile returns the mode that e's file has now, 0 if it is gone, and
// whether its content is certainly that of the index.
func (r *Repo) compareFile(e *IndexEntry, ix *Index) (Mode, bool, error) {
	// These have no file, or the user said that it is not to be looked at; a
	// submodule has its own repository.
	if e.SkipWorktree || e.AssumeValid || e.Mode == ModeModule {
		return e.Mode, true, nil
	}
	fi, err := os.Lstat(filepath.Join(r.root, filepath.FromSlash(e.Path)))
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	mode, ok := r.modeOf(fi, e.Mode)
	if !ok {
		return 0, false, nil // a directory or device took its place
	}
	return mode, e.Stage == 0 && !e.IntentToAdd && mode == e.Mode && e.clean(fi, ix), nil
}

// clean applies git's test: the stamp in the index fits the file, and the
// file had settled when the index was written.
func (e *IndexEntry) clean(fi fs.FileInfo, ix *Index) bool {
	// The index keeps 32 bits of each number. A file not older than the index
	// may have changed after it was looked at, within the resolution of the
	// clock: racily clean, so not certain.
	m := fi.ModTime()
	if uint32(fi.Size()) != e.Size || uint32(m.Unix()) != e.MtimeS || uint32(m.Nanosecond()) != e.MtimeN || !m.Before(ix.mtime) {
		return false
	}
	s, n, ok := ctime(fi)
	return !ok || (s == e.CtimeS && n == e.CtimeN)
}

// modeOf is the git mode of a file; was is the one recorded, for systems
// without executable bits.
func (r *Repo) modeOf(fi fs.FileInfo, was Mode) (Mode, bool) {
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		return ModeSymlink, true
	case !fi.Mode().IsRegular():
		return 0, false
	// A link may be a plain file there, with its target for content.
	case r.noExec || runtime.GOOS == "windows":
		if was == ModeExec || was == ModeSymlink {
			return was, true
		}
		return ModeFile, true
	case fi.Mode()&0o100 != 0:
		return ModeExec, true
	}
	return ModeFile, true
}

// expand lists the untracked files among names, going into directories.
func (r *Repo) expand(ctx context.Context, ix *Index, names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		name = filepath.ToSlash(filepath.Clean(name))
		if !filepath.IsLocal(filepath.FromSlash(name)) || name == "." {
			return nil, fmt.Errorf("'%s' is outside of the repository", name)
		}
		err := filepath.WalkDir(filepath.Join(r.root, filepath.FromSlash(name)), func(p string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(r.root, p)
			if err != nil {
				return err
			}
			rel = filepath.ToSlash(rel)
			if inModule(ix, rel) { // its files are not of this repository
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			// Git stores no such name.
			if d.Name() == ".git" {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			if d.IsDir() || (!d.Type().IsRegular() && d.Type()&fs.ModeSymlink == 0) {
				return ctx.Err()
			}
			if _, tracked := ix.Find(rel); !tracked {
				files = append(files, rel)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// inModule reports whether a path is a submodule or in one.
func inModule(ix *Index, name string) bool {
	for ; name != "." && name != ""; name = path.Dir(name) {
		if e, ok := ix.Find(name); ok && e.Mode == ModeModule {
			return true
		}
	}
	return false
}

// store writes the blobs of the named files and notes their ids in now.
func (r *Repo) store(ctx context.Context, ix *Index, now map[string]Change, names []string) error {
	if len(names) == 0 {
		return nil
	}
	filtered, err := r.filtersFiles(ctx, ix)
	if err != nil {
		return err
	}
	for _, name := range names {
		file := filepath.Join(r.root, filepath.FromSlash(name))
		fi, err := os.Lstat(file)
		if errors.Is(err, fs.ErrNotExist) {
			delete(now, name) // vanished meanwhile
			continue
		}
		if err != nil {
			return err
		}
		mode, ok := r.modeOf(fi, now[name].Mode)
		if !ok {
			return fmt.Errorf("%s is neither a file nor a symbolic link", name)
		}
		var id ID
		switch {
		case mode == ModeSymlink && fi.Mode()&fs.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(file); err == nil {
				id, err = r.WriteObject(Blob, []byte(filepath.ToSlash(target)))
			}
		// hash-object applies the filters of the name it is given.
		case filtered:
			var out []byte
			out, err = r.Run(ctx, "hash-object", "-w", "--", name)
			id = ID(strings.TrimSpace(string(out)))
		default:
			id, err = r.storeFile(file)
		}
		if err != nil {
			return err
		}
		now[name] = Change{mode, id}
	}
	return nil
}

// storeFile stores a file as it is. The size is taken from the open file; one
// that changes meanwhile is an error.
func (r *Repo) storeFile(file string) (ID, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return "", err
	}
	return r.WriteBlob(f, fi.Size())
}

// headTree is the tree of the last commit. Before the first one there is none, and every
// file is a change.
func (r *Repo) headTree(ctx context.Context) (ID, error) {
	head, _, err := r.Head(ctx)
	if err != nil {
		return "", nil
	}
	c, err := r.Commit(ctx, head)
	if err != nil {
		return "", err
	}
	return c.Tree, nil
}

// IndexTree stores what is staged as a tree object, as `git write-tree` does.
// Of files in conflict, the last stage counts.
func (r *Repo) IndexTree(ctx context.Context) (ID, error) {
	ix, err := r.Index(ctx)
	if err != nil {
		return "", err
	}
	base, err := r.headTree(ctx)
	if err != nil {
		return "", err
	}
	now := make(map[string]Change, len(ix.Entries))
	for _, e := range ix.Entries {
		if !e.IntentToAdd {
			now[e.Path] = Change{e.Mode, e.ID}
		}
	}
	changes, err := r.changesFrom(ctx, base, now)
	if err != nil {
		return "", err
	}
	return r.EditTree(ctx, base, changes)
}
