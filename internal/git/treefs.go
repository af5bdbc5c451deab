package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
)

// TreeFS is the tree of a commit as a file system. Directories and files are
// read when asked for. Symbolic links are followed inside the tree; one that
// leaves it does not exist. Submodules are empty directories.
type TreeFS struct {
	repo *Repo
	ctx  context.Context // fs.FS has no room for one; it is that of Tree's caller
	root ID
	when time.Time
}

var (
	_ fs.ReadDirFS  = (*TreeFS)(nil)
	_ fs.ReadFileFS = (*TreeFS)(nil)
	_ fs.StatFS     = (*TreeFS)(nil)
	_ fs.ReadLinkFS = (*TreeFS)(nil)
)

// Tree returns the files of a revision. Reads fail once ctx is cancelled.
func (r *Repo) Tree(ctx context.Context, rev string) (fs.FS, error) {
	id, err := r.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	c, err := r.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	return &TreeFS{r, ctx, c.Tree, c.Committer.When}, nil
}

// TreeAt is Tree for the id of a tree object.
func (r *Repo) TreeAt(ctx context.Context, tree ID) *TreeFS {
	return &TreeFS{repo: r, ctx: ctx, root: tree}
}

// ID returns the name of the tree object.
func (t *TreeFS) ID() ID { return t.root }

// Entry returns the entry at name without following a final symbolic link.
func (t *TreeFS) Entry(name string) (Entry, error) {
	return t.find("lstat", name, false)
}

// find is the entry at name; follow says whether a symbolic link at its end
// counts as what it leads to. op names the operation in errors.
func (t *TreeFS) find(op, name string, follow bool) (Entry, error) {
	fail := func(err error) (Entry, error) {
		if errors.Is(err, ErrNotFound) {
			err = fs.ErrNotExist
		}
		return Entry{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	e, err := t.repo.Lookup(t.ctx, t.root, name)
	if err == nil && (!follow || e.Mode != ModeSymlink) {
		return e, nil
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fail(err)
	}
	// Rare: a symbolic link at the end or on the way.
	real, err := t.resolve(name, follow)
	if err != nil {
		return fail(err)
	}
	if e, err = t.repo.Lookup(t.ctx, t.root, real); err != nil {
		return fail(err)
	}
	return e, nil
}

// resolve replaces the symbolic links in name; the last element only if last.
func (t *TreeFS) resolve(name string, last bool) (string, error) {
	// done has no links in it, rest is still to be looked at; a link puts its
	// target in front of rest. Forty hops are the limit of Linux.
	done, hops := ".", 0
	rest := name
	for rest != "" {
		var part string
		if i := bytes.IndexByte([]byte(rest), '/'); i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		} else {
			part, rest = rest, ""
		}
		next := path.Join(done, part)
		if !fs.ValidPath(next) {
			return "", ErrNotFound // leaves the tree
		}
		e, err := t.repo.Lookup(t.ctx, t.root, next)
		if err != nil {
			return "", err
		}
		if e.Mode != ModeSymlink || (rest == "" && !last) {
			done = next
			continue
		}
		if hops++; hops > 40 {
			return "", fmt.Errorf("too many symbolic links")
		}
		target, err := t.readSmall(e)
		if err != nil {
			return "", err
		}
		if target == "" || path.IsAbs(target) {
			return "", ErrNotFound
		}
		// Relative to the directory of the link, which is done; a ".." at its
		// front is taken by the Join above.
		rest = path.Join(target, rest)
	}
	return done, nil
}

// readSmall is the target of a symbolic link, of a length that a path can have.
func (t *TreeFS) readSmall(e Entry) (string, error) {
	_, n, err := t.repo.Size(t.ctx, e.ID)
	if err != nil {
		return "", err
	}
	if n > 4096 {
		return "", fmt.Errorf("symbolic link of %d bytes", n)
	}
	_, data, err := t.repo.Object(t.ctx, e.ID)
	return string(data), err
}

// ReadLink returns where the symbolic link at name points.
func (t *TreeFS) ReadLink(name string) (string, error) {
	e, err := t.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if e.Mode != ModeSymlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return t.readSmall(e)
}

// Stat describes the file at name.
func (t *TreeFS) Stat(name string) (fs.FileInfo, error) {
	e, err := t.find("stat", name, true)
	if err != nil {
		return nil, err
	}
	return t.info(path.Base(name), e)
}

// Lstat is Stat that does not follow a final symbolic link.
func (t *TreeFS) Lstat(name string) (fs.FileInfo, error) {
	e, err := t.find("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return t.info(path.Base(name), e)
}

// info describes an entry. Only files take a look at the object, for their
// size.
func (t *TreeFS) info(name string, e Entry) (fs.FileInfo, error) {
	fi := treeInfo{name: name, mode: fileMode(e.Mode), when: t.when}
	if fi.mode.IsDir() {
		return fi, nil
	}
	_, n, err := t.repo.Size(t.ctx, e.ID)
	fi.size = n
	return fi, err
}

// ReadFile returns the content of the file at name.
func (t *TreeFS) ReadFile(name string) ([]byte, error) {
	e, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if fileMode(e.Mode).IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	_, data, err := t.repo.Object(t.ctx, e.ID)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir lists the directory at name, sorted.
func (t *TreeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	return t.list(name, e)
}

// Open opens the file or directory at name.
func (t *TreeFS) Open(name string) (fs.File, error) {
	e, err := t.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if fileMode(e.Mode).IsDir() {
		list, err := t.list(name, e)
		if err != nil {
			return nil, err
		}
		return &openDir{treeInfo{name: path.Base(name), mode: fileMode(e.Mode), when: t.when}, list}, nil
	}
	_, data, err := t.repo.Object(t.ctx, e.ID)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	fi := treeInfo{path.Base(name), int64(len(data)), fileMode(e.Mode), t.when}
	return &openFile{fi, bytes.NewReader(data)}, nil
}

// openFile is an open file, read whole when it was opened.
type openFile struct {
	fi treeInfo
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.fi, nil }
func (f *openFile) Close() error               { return nil }

// openDir is an open directory; left are the entries that ReadDir has yet to
// give.
type openDir struct {
	fi   treeInfo
	left []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.fi, nil }
func (d *openDir) Close() error               { return nil }
func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.fi.name, Err: errors.New("is a directory")}
}

func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.left)
	} else if len(d.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.left))
	out := d.left[:n]
	d.left = d.left[n:]
	return out, nil
}
