// Package experiment runs and keeps experiments as DVC 3.67.1 does: each is a
// commit on a reference refs/exps/xx/yyyy/NAME, where xxyyyy is the baseline,
// the commit that was checked out. DVC lists, compares, applies, pushes and
// removes what this package saves, and the other way round.
//
//	repo, err := experiment.Open(".", nil)
//	…
//	exp, err := repo.Run(ctx, &experiment.RunOptions{Name: "bigger", Set: []string{"train.lr=0.2"}})
//
// # The user's work
//
// The index, HEAD, the branches and the stash are never written. A commit is
// made of what lies in the working tree, object by object, and becomes visible
// in one step, when its reference is created; until then nothing has happened.
// Where a run edits files of the user (parameters set for it) it first notes
// what they were: after a failure they are put back at once, after a kill by
// the next call that looks at experiments. Runs in a temporary directory and
// planned ones work in a linked tree that shares objects and cache.
//
// # Planned and done
//
// [Repo.Plan] marks an experiment in git that is to be run, [Repo.Execute] runs
// it and replaces the mark by the experiment, in one step. That is all a queue
// needs: package [github.com/reprodl/reprodl/experiment/queue] has workers, and
// its doc comment says what is guaranteed.
//
// # Below
//
// Packages compare (tables, pages, differences), search (spaces of parameters)
// and queue stand on this one; package provenance, which this one records,
// stands alone. A program compiles those that it imports.
package experiment

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/pipeline"
)

// Options change how a [Repo] talks to the outside. Nil means the zero Options.
type Options struct {
	Stdin          io.Reader    // of stage commands; nil is an empty one
	Stdout, Stderr io.Writer    // receive what stage commands print; nil discards it
	Env            []string     // of stage commands; nil is os.Environ()
	Logger         *slog.Logger // receives DVC's messages; nil discards them
}

// Experiment is one saved experiment.
type Experiment struct {
	Name     string
	Rev      string // id of its commit
	Baseline string // id of the commit it was started from
	Time     time.Time
	Message  string
}

// Repo is the experiments of one DVC repository. It is safe for concurrent
// use, by several processes too.
type Repo struct {
	git  *git.Repo
	root string // of the DVC repository
	dir  string // that targets are relative to
	sub  string // slash path of root below the top of the working tree; "."
	opts Options
	log  *slog.Logger

	now func() time.Time
}

// Open finds the DVC repository around dir, which must lie in a git
// repository.
func Open(dir string, opts *Options) (*Repo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, err
	}
	g, err := git.Open(abs)
	if err != nil {
		return nil, err
	}
	if g.Root() == "" {
		return nil, fmt.Errorf("%s is a bare git repository; experiments need a working tree", g.Dir())
	}
	root, err := findRoot(abs, g.Root())
	if err != nil {
		return nil, err
	}
	sub, err := filepath.Rel(g.Root(), root)
	if err != nil {
		return nil, err
	}
	r := &Repo{git: g, root: root, dir: abs, sub: filepath.ToSlash(sub), now: time.Now}
	if opts != nil {
		r.opts = *opts
	}
	if r.opts.Env == nil {
		r.opts.Env = os.Environ()
	}
	g.Env = r.opts.Env
	if r.log = r.opts.Logger; r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

func findRoot(dir, top string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		if fi, err := os.Stat(filepath.Join(d, ".dvc")); err == nil && fi.IsDir() {
			return d, nil
		}
		if d == top || d == filepath.Dir(d) {
			return "", notRepoError(dir, top)
		}
	}
}

// Close ends the helper process that reads git objects, if one runs.
func (r *Repo) Close() error { return r.git.Close() }

// Root is the absolute path of the DVC repository.
func (r *Repo) Root() string { return r.root }

// tmpDir is where this package keeps what it can lose.
func (r *Repo) tmpDir(elem ...string) string {
	return filepath.Join(append([]string{r.root, ".dvc", "tmp", "exps"}, elem...)...)
}

// Pipeline opens the pipeline of this repository, with the same environment,
// streams and logger.
func (r *Repo) Pipeline() (*pipeline.Repo, error) {
	return pipeline.Open(r.root, &pipeline.Options{Stdin: r.opts.Stdin, Stdout: r.opts.Stdout, Stderr: r.opts.Stderr, Env: r.opts.Env, Logger: r.log})
}

// Head returns the id of the commit that is checked out. Before the first
// commit there are no experiments, and the error is [ErrNoCommits].
func (r *Repo) Head(ctx context.Context) (string, error) {
	id, _, err := r.head(ctx)
	return string(id), err
}

// head returns the commit that is checked out. Everything begins here, and so
// does putting right what a killed run left behind.
func (r *Repo) head(ctx context.Context) (git.ID, string, error) {
	if err := r.Recover(ctx); err != nil {
		return "", "", err
	}
	id, branch, err := r.git.Head(ctx)
	if err != nil {
		return "", branch, ErrNoCommits
	}
	return id, branch, nil
}
