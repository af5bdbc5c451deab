package pipeline

import (
	"context"
	"io"
	"log/slog"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/data"
)

// ErrNotRepo means that no directory upwards has a .dvc directory.
var ErrNotRepo = data.ErrNotRepo

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

// Repo is a DVC repository whose stages can be run. What it knows about data
// (Add, Checkout, Push, …) is that of package data.
type Repo struct {
	*data.Repo

	p    *project.Repo
	opts Options

	defined string          // the dvc.yaml that Define stands for, or ""
	funcs   map[string]Func // bodies of its stages, by name
}

// Open finds the repository that dir is in: the nearest directory upwards that
// has a .dvc directory. Targets and addresses are relative to dir. The error
// wraps [ErrNotRepo] when there is none. Nothing is read before it is needed.
func Open(dir string, opts *Options) (*Repo, error) {
	r := &Repo{}
	if opts != nil {
		r.opts = *opts
	}
	var err error
	r.Repo, err = data.Open(dir, &data.Options{Env: r.opts.Env, Logger: r.opts.Logger, Program: r.opts.Program})
	if err != nil {
		return nil, err
	}
	r.p = project.Of(r.Repo)
	return r, nil
}

// InitOptions change what Init does; nil means the zero InitOptions.
type InitOptions = data.InitOptions

// Init makes a directory a DVC repository, and hands its files to git.
func Init(ctx context.Context, dir string, opts *InitOptions) error { return data.Init(ctx, dir, opts) }
