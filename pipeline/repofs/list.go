package repofs

import (
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/external"
)

// Entry is what git and DVC know of a file or directory. The FileInfo of a file of
// an FS has one as its Sys.
type Entry struct {
	Path    string // in the repository; "." is its top
	Dir     bool
	Exec    bool   // executable
	Git     bool   // git's commit, or the working tree, has it
	Tracked bool   // by DVC: an output, or in one
	MD5     string // that is recorded of tracked data, with ".dir" for a directory; empty = none
	Size    int64  // bytes; -1 = not known without asking the remote
}

func entryOf(n *external.Node) Entry {
	return Entry{n.Path, n.Dir, n.Exec, n.Git, n.Tracked, n.Hash.String(), n.Size}
}

// ListOptions change what List returns; nil means the zero ListOptions.
type ListOptions struct {
	Recursive bool // files of all directories below, in place of these directories
	// Depth ends the recursion: directories so many levels down are listed as
	// such; 0 = no end.
	Depth       int
	TrackedOnly bool // only what DVC tracks, with the directories that lead there
}

// List returns what is in a directory, or a file itself, by path, without asking the
// remote for more than manifests of directories.
func (f *FS) List(name string, opts *ListOptions) ([]Entry, error) {
	if opts == nil {
		opts = new(ListOptions)
	}
	n, err := f.node("stat", name)
	if err != nil {
		return nil, err
	}
	if !n.Dir {
		return []Entry{entryOf(n)}, nil
	}
	var out []Entry
	var list func(n *external.Node, depth int) error
	list = func(n *external.Node, depth int) error {
		nodes, err := f.r.List(n.Path)
		if err != nil {
			return pathError("readdir", n.Path, err)
		}
		for _, n := range nodes {
			if opts.TrackedOnly && !n.Leads() {
				continue
			}
			if n.Dir && opts.Recursive && (opts.Depth <= 0 || depth < opts.Depth) {
				if err := list(n, depth+1); err != nil {
					return err
				}
				continue
			}
			out = append(out, entryOf(n))
		}
		return f.ctx.Err()
	}
	err = list(n, 1)
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return out, err
}

// Entry is what is known of one path.
func (f *FS) Entry(name string) (Entry, error) {
	n, err := f.node("stat", name)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(n), nil
}

// Usage is the number of bytes of a file, or of all files in a directory, as far
// as their sizes are recorded or are those of files here. Stage files are left
// out, as in Get.
func (f *FS) Usage(name string) (int64, error) {
	n, err := f.node("stat", name)
	if err != nil {
		return 0, err
	}
	var sum func(n *external.Node) (int64, error)
	sum = func(n *external.Node) (int64, error) {
		// The size of a directory of DVC is recorded with it.
		if !n.Dir || !n.Git && n.Size >= 0 {
			return max(0, n.Size), nil
		}
		nodes, err := f.r.List(n.Path)
		if err != nil {
			return 0, pathError("readdir", n.Path, err)
		}
		total := int64(0)
		for _, n := range nodes {
			if external.IsDVCFile(n.Path) {
				continue
			}
			size, err := sum(n)
			if err != nil {
				return 0, err
			}
			total += size
		}
		return total, f.ctx.Err()
	}
	return sum(n)
}

// Address is where the data of a tracked file or directory is kept: a URL in the
// remote or, without one, a path in the repository's cache.
func (f *FS) Address(name string) (string, error) {
	n, err := f.node("stat", name)
	if err != nil {
		return "", err
	}
	text, err := f.r.Address(n)
	return text, publicError(err)
}
