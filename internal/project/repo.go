// Package project is what the packages below pipeline share: a DVC repository
// that was opened, the stages, outputs and dependencies that its files declare,
// what Targets mean, how inputs and outputs are measured and compared with what
// is recorded, and how they are recorded.
//
// Nothing of it stands in an exported signature of a public package. They hold
// a [Repo] in a handle of their own, and [Of] gives it to their siblings.
package project

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/pipeline/config"
)

// Options are what a repository needs of its surroundings.
type Options struct {
	Env     []string       // nil is os.Environ()
	Logger  *slog.Logger   // nil discards
	Program string         // what others are told about who holds a lock; empty is os.Args
	Config  []config.Value // over those of all files

	// Uninitialized takes the git repository of a directory, or the directory, that is
	// in no DVC repository.
	Uninitialized bool
}

// Repo is an opened repository: where it is, and its services. It is safe for
// use by several goroutines.
type Repo struct {
	Root string // absolute path of the repository's directory
	Dir  string // absolute path that Targets and addresses are relative to
	Env  []string
	Log  *slog.Logger

	program string
	values  []config.Value
	source  *Source // nil: the disk
	services
	gitLines  sync.Mutex // held while a .gitignore is changed
	ownIgnore string     // the .gitignore that HideOwn wrote, if it did
	params    paramsFiles
	places    places

	// Overlay are files that stand in for those on disk, by absolute path. Set
	// it before the Repo is used.
	Overlay map[string][]byte
}

// Open finds the repository that dir is in: the nearest directory upwards that
// has a .dvc directory. Targets and addresses are relative to dir. The error
// wraps [ErrNotRepo] when there is none. Nothing is read before it is needed.
func Open(dir string, opts Options) (*Repo, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if fi, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !fi.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	root, err := findRoot(dir)
	switch {
	case err != nil && opts.Uninitialized:
		root = dir
		if g, err := git.Open(dir); err == nil {
			root = g.Root()
			g.Close()
		}
	case err != nil:
		return nil, err
	}
	return newRepo(root, dir, opts), nil
}

func newRepo(root, dir string, opts Options) *Repo {
	r := &Repo{Root: root, Dir: dir, Env: opts.Env, Log: opts.Logger, program: opts.Program, values: opts.Config}
	if r.Env == nil {
		r.Env = os.Environ()
	}
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	return r
}

// findRoot goes upwards to the first directory with a .dvc directory in it; a file
// of that name is none.
func findRoot(dir string) (string, error) {
	for d := dir; ; {
		if fi, err := os.Stat(filepath.Join(d, ".dvc")); err == nil && fi.IsDir() {
			return d, nil
		}
		up := filepath.Dir(d)
		if up == d {
			return "", &notRepoError{top: up}
		}
		d = up
	}
}

// Rel is an absolute path as messages show it: relative to the working
// directory, with the separators of the system.
func (r *Repo) Rel(path string) string {
	if rel, err := filepath.Rel(r.Dir, path); err == nil {
		return rel
	}
	return path
}

// Of returns the repository behind a handle of package data, which sets it: a
// public package can't say in its signatures that it wants a Repo.
var Of func(handle any) *Repo
