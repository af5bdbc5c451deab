package data

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params"
)

// Options change how a [Repo] talks to the outside. Nil means the zero Options.
type Options struct {
	// Env is what settings such as DVC_GLOBAL_CONFIG_DIR are read from; nil is
	// os.Environ().
	Env []string
	// Logger receives one record for each thing done. The messages are the
	// lines DVC prints, at Info, and its warnings, at Warn; nil discards them.
	Logger *slog.Logger
	// Program is the command line that other processes are told when they find
	// this one holding a lock; empty is os.Args.
	Program string
	// Uninitialized opens the git repository that a directory is in, or the
	// directory itself, if it is in no DVC repository. Only what reads declarations
	// and values, as package values does, has a meaning there.
	Uninitialized bool
}

// Repo is a DVC repository: a directory with a .dvc directory in it, and all
// below. It is safe for use by several goroutines, except that operations that
// change the repository exclude each other by its lock.
type Repo struct{ p *project.Repo }

// Package project, below this one, makes values of types that it can't name.
func init() {
	project.Of = func(handle any) *project.Repo { return handle.(*Repo).p }
	project.MissingInput = func(path, text string, params []*params.Error) error {
		return &MissingInputError{path, params, text}
	}
	project.MissingOutput = func(path string) error { return &MissingOutputError{path} }
	project.GitTracked = func(path string) error { return &GitTrackedError{path} }
}

// Open finds the repository that dir is in: the nearest directory upwards that
// has a .dvc directory. Targets and addresses are relative to dir. The error
// wraps [ErrNotRepo] when there is none. Nothing is read before it is needed, but
// a .dvc/.gitignore that lacks a line is completed, as every command of DVC does:
// cache and temporary files never get into a commit.
func Open(dir string, opts *Options) (*Repo, error) {
	if opts == nil {
		opts = new(Options)
	}
	p, err := project.Open(dir, project.Options{Env: opts.Env, Logger: opts.Logger, Program: opts.Program, Uninitialized: opts.Uninitialized})
	if err != nil {
		return nil, err
	}
	// HideOwn is for repositories only.
	if fi, err := os.Stat(filepath.Join(p.Root, ".dvc")); err == nil && fi.IsDir() {
		p.HideOwn()
	}
	return &Repo{p}, nil
}

// Root is the absolute path of the repository's directory.
func (r *Repo) Root() string { return r.p.Root }

// Dir is the absolute path that targets and addresses are relative to.
func (r *Repo) Dir() string { return r.p.Dir }

// CacheDir is the absolute path of the directory that keeps the content of
// outputs.
func (r *Repo) CacheDir() string { return r.p.Cache().Dir() }
