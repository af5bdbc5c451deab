package external

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// Node is a file or directory of a repository.
type Node struct {
	Path string // from the top, with slashes; "." is the top
	Dir  bool
	// Tracked says that DVC keeps it: it is an output, or lies in one.
	Tracked bool
	// Hash is what is recorded of an output, or of a file in one; zero = nothing.
	Hash object.Hash
	// Size is the number of bytes that is recorded or that git's files have; -1 =
	// not known without asking for the file.
	Size int64
	Exec bool
	// Git says that the working tree, or the commit, has it; it then wins over
	// what DVC has.
	Git bool
	// Broken is a symbolic link that leads nowhere or in a circle, or what is
	// neither a file nor a directory: it is listed, but has no content.
	Broken bool
	// ModTime is when git's file was changed or committed; zero = not known.
	ModTime time.Time

	part *part
	out  *project.Output // that it is, or lies in; nil if none
	rest string          // below the output
}

// Output is the output that a tracked node is or lies in, else nil.
func (n *Node) Output() *project.Output { return n.out }

// Leads reports what DVC tracks, and directories that lead to it.
func (n *Node) Leads() bool {
	_, leads := n.part.dirs[n.Path]
	return n.Tracked || leads
}

func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Node describes what is at a path, which is clean and relative to the top. The
// error wraps fs.ErrNotExist if there is nothing.
func (r *Repo) Node(name string) (*Node, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrInvalid}
	}
	p, err := r.partOf(name)
	if err != nil {
		return nil, err
	}
	n := &Node{Path: name, Size: -1, part: p}
	fi, err := fs.Stat(r.files, name)
	switch {
	case err == nil && p.hidden(name, fi.IsDir()):
	case err == nil:
		n.fromGit(fi)
		if n.Dir {
			n.Size = r.dirSize(name, n.Size)
		}
	case !errors.Is(err, fs.ErrNotExist) && !isNotDir(err):
		return nil, err
	}
	// A directory that DVC has nothing to say about is what git has.
	tracked, err := r.tracked(n)
	if err != nil {
		return nil, err
	}
	if !tracked && !n.Git {
		return nil, notExist("stat", name)
	}
	return n, nil
}

func (n *Node) fromGit(fi fs.FileInfo) {
	n.Git, n.Dir, n.ModTime = true, fi.IsDir(), fi.ModTime()
	n.Size = fi.Size()
	n.Exec = !n.Dir && fi.Mode()&0o100 != 0
	n.Broken = !n.Dir && !fi.Mode().IsRegular()
}

// tracked fills in what DVC has at the path, and reports whether it has anything.
func (r *Repo) tracked(n *Node) (bool, error) {
	p := n.part
	if err := p.collect(); err != nil {
		return false, err
	}
	out, at, rest := p.owner(n.Path)
	if out == nil {
		_, leads := p.dirs[n.Path]
		if leads && !n.Git && r.under(n.Path) != nil {
			leads = false
		}
		if leads && !n.Git {
			n.Dir = true
		}
		return leads, nil
	}
	// A path below a file of git's does not exist.
	if !n.Git && r.under(n.Path) != nil {
		return false, nil
	}
	h, size, exec, dir, err := r.recorded(p, out, rest)
	if err != nil {
		if n.Git && errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		// The files of a directory cannot be told; git's are still there.
		if n.Git {
			n.out, n.rest = out, rest
			n.Tracked = at == n.Path
			return true, nil
		}
		return false, err
	}
	// What is a file for one and a directory for the other is git's.
	if n.Git && n.Dir != dir {
		return false, nil
	}
	n.Tracked, n.out, n.rest, n.Hash = true, out, rest, h
	if !n.Git {
		n.Dir, n.Size, n.Exec = dir, size, exec
	}
	return true, nil
}

// under is the error of a path that leads through a file of git's, or nil.
func (r *Repo) under(name string) error {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if fi, err := fs.Stat(r.files, dir); err == nil {
			if fi.IsDir() {
				return nil
			}
			return notExist("stat", name)
		}
	}
	return nil
}

func isNotDir(err error) bool { return strings.Contains(err.Error(), "not a directory") }

// List returns what is in a directory, sorted by name. Repositories within the
// repository are left out, as DVC does; their files can be asked for by name.
func (r *Repo) List(name string) ([]*Node, error) {
	n, err := r.Node(name)
	if err != nil {
		return nil, err
	}
	if !n.Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return r.list(n)
}

func (r *Repo) list(n *Node) ([]*Node, error) {
	found := map[string]*Node{}
	if n.Git {
		entries, err := fs.ReadDir(r.files, n.Path)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			at := path.Join(n.Path, e.Name())
			fi, err := e.Info()
			if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
				fi, err = fs.Stat(r.files, at)
			}
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) { // gone meanwhile, or a link to nowhere
				if e.Type()&fs.ModeSymlink != 0 && !n.part.hidden(at, false) {
					found[e.Name()] = &Node{Path: at, part: n.part, Git: true, Broken: true}
				}
				continue
			}
			if err != nil {
				return nil, err
			}
			if n.part.hidden(at, fi.IsDir()) {
				continue
			}
			child := &Node{Path: at, part: n.part}
			child.fromGit(fi)
			if child.Dir {
				child.Size = r.dirSize(at, child.Size)
			}
			found[e.Name()] = child
		}
	}
	names, err := r.trackedNames(n)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		child := found[name]
		if child == nil {
			child = &Node{Path: path.Join(n.Path, name), Size: -1, part: n.part}
		}
		if child.Broken {
			continue
		}
		ok, err := r.tracked(child)
		if err != nil {
			return nil, err
		}
		if ok {
			found[name] = child
		}
	}
	list := make([]*Node, 0, len(found))
	for _, child := range found {
		list = append(list, child)
	}
	slices.SortFunc(list, func(a, b *Node) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// dirSize is what DVC shows as the size of a directory: the system's or, of a
// commit, that of git's object.
func (r *Repo) dirSize(name string, size int64) int64 {
	if r.rev == "" {
		return size
	}
	t, ok := r.commit.(*git.TreeFS)
	if !ok {
		return size
	}
	e, err := t.Entry(path.Join(r.prefix, name))
	if err != nil {
		return size
	}
	if _, n, err := r.git.Size(r.ctx, e.ID); err == nil {
		return n
	}
	return size
}

// IsDVCFile reports files that DVC leaves out when it copies a directory.
func IsDVCFile(name string) bool {
	base := path.Base(name)
	return dvcfile.IsStageFile(base) || base == ".dvcignore"
}

// trackedNames are the names that DVC has in a directory.
func (r *Repo) trackedNames(n *Node) ([]string, error) {
	if err := n.part.collect(); err != nil {
		return nil, err
	}
	out, _, rest := n.part.owner(n.Path)
	if out == nil {
		return n.part.dirs[n.Path], nil
	}
	t, err := r.tree(n.part, out)
	if err != nil {
		if n.Git {
			return nil, nil
		}
		return nil, err
	}
	return t.names[rest], nil
}
