package pipeline

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// Options change how a [Repo] talks to the outside. Nil means the zero Options.
type Options struct {
	// Stdin is the standard input of stage commands; nil is an empty one.
	Stdin io.Reader
	// Stdout and Stderr receive what stage commands print; nil discards it.
	// With parallel stages they are written to while the Logger is: a writer
	// that both share must be safe for that, as an *os.File is.
	Stdout, Stderr io.Writer
	// Env is the environment of stage commands, and what settings such as
	// SHELL and DVC_GLOBAL_CONFIG_DIR are read from; nil is os.Environ().
	Env []string
	// Logger receives one record for each thing done. The messages are the
	// lines DVC prints, at Info, and its warnings, at Warn; nil discards them.
	Logger *slog.Logger
	// Program is the command line that other processes are told when they find
	// this one holding a lock; empty is os.Args.
	Program string
}

// Repo is a DVC repository: a directory with a .dvc directory in it, and all
// below. It is safe for use by several goroutines, except that operations that
// change the repository exclude each other by its lock.
type Repo struct {
	root string
	dir  string
	opts Options
	log  *slog.Logger

	services
	gitLines sync.Mutex // held while a .gitignore is changed
	params   paramsFiles

	defined string            // the dvc.yaml that Define stands for, or ""
	funcs   map[string]Func   // bodies of its stages, by name
	overlay map[string][]byte // files that stand in for those on disk, by absolute path
}

// Open finds the repository that dir is in: the nearest directory upwards that
// has a .dvc directory. Targets and addresses are relative to dir. The error
// wraps [ErrNotRepo] when there is none. Nothing is read before it is needed.
func Open(dir string, opts *Options) (*Repo, error) {
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
	if err != nil {
		return nil, err
	}
	r := &Repo{root: root, dir: dir}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.Env == nil {
		r.opts.Env = os.Environ()
	}
	if r.log = r.opts.Logger; r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

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

// rel is an absolute path as messages show it: relative to the working
// directory, with the separators of the system.
func (r *Repo) rel(path string) string {
	if rel, err := filepath.Rel(r.dir, path); err == nil {
		return rel
	}
	return path
}
