package live

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/object"
	dvcrepo "github.com/reprodl/reprodl/internal/repo"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline/config"
)

// repo is what surrounds the working directory, and what DVC said about it in
// the environment.
type repo struct {
	root     string   // directory with .dvc, "" if there is none
	signals  string   // directory of the editor's signal files, "" if there is none
	git      string   // directory with .git, "" if there is none
	pipeline bool     // a DVC pipeline runs this program
	exp      bool     // and saves an experiment itself
	marked   bool     // the editor knows of this run
	include  []string // files that the experiment holds besides the directory
}

// initRepo looks for a repository, from the working directory upwards.
func (l *Logger) initRepo() error {
	// With the variable DVCLive does not look for a repository either.
	if l.envBool("DVCLIVE_TEST") {
		return nil
	}
	r := &l.repo
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	r.root, r.git = findUp(wd, ".dvc"), findUp(wd, ".git")
	r.pipeline = os.Getenv("DVC_ROOT") != ""
	// DVC sets both variables for the stages of an experiment.
	r.exp = r.pipeline && os.Getenv("DVC_EXP_BASELINE_REV") != ""
	r.signals = r.root
	if r.pipeline {
		r.signals = os.Getenv("DVC_ROOT")
	}
	if l.opts.Save == nil {
		return nil
	}
	switch {
	case r.exp:
		l.slog.Info("live: dvc exp run saves the experiment; Options.Save is not used")
		l.opts.Save = nil
	case r.pipeline:
		l.slog.Warn("live: dvc repro is running: no experiment is saved; use dvc exp run")
		l.opts.Save = nil
	case r.git == "":
		l.files.refuse(l, errors.New("no experiment is saved outside of a git repository; use git init and commit"))
		l.opts.Save = nil
	default:
		r.markStarted(l.opts.ExpName)
	}
	return nil
}

// findUp returns the nearest directory, from dir upwards, that holds name.
func findUp(dir, name string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// init sets DVC up in a git repository that has no .dvc yet, as dvc init does:
// git tracks the new files then.
func (r *repo) init(ctx context.Context) error {
	if r.root != "" {
		return nil
	}
	files, err := dvcrepo.Init(r.git, nil)
	if err != nil {
		return err
	}
	if _, err := gitOutput(ctx, append([]string{"add", "--"}, files...)...); err != nil {
		return err
	}
	r.root = r.git
	if r.signals == "" {
		r.signals = r.root
	}
	return nil
}

// cache opens the cache that the repository's configuration names.
func (r *repo) cache() (*object.Cache, error) {
	dvc := filepath.Join(r.root, ".dvc")
	c, err := config.Load(dvc, os.Getenv)
	if err != nil {
		return nil, err
	}
	dir, ok := c.Get("cache", "dir")
	if !ok {
		dir = filepath.Join(dvc, "cache")
	}
	return object.OpenCache(dir, nil), nil
}

// ignore makes git ignore a path.
func (r *repo) ignore(path string) error {
	if r.git == "" {
		return nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := dvcrepo.AddGitignore(ignore.Git(r.git, ""), abs, nil); err != nil {
		return err
	}
	file := filepath.Join(filepath.Dir(path), ".gitignore")
	if _, err := os.Stat(file); err == nil {
		r.include = append(r.include, file)
	}
	return nil
}

// The signal files tell DVC's extension for an editor what goes on. They are
// not worth an error.
const (
	signalDir  = ".dvc/tmp/exps/run"
	signalOnly = "DVCLIVE_ONLY"
	signalStep = "DVCLIVE_STEP_COMPLETED"
)

// signal writes one of the files; root is "" where there is nobody to tell.
func (r *repo) signal(root, name string, content *pyjson.Map) {
	if root == "" {
		return
	}
	dir := filepath.Join(root, filepath.FromSlash(signalDir))
	text, err := pyjson.Marshal(content, pyjson.Style{SortKeys: true})
	if err != nil || os.MkdirAll(dir, 0o777) != nil {
		return
	}
	_ = os.WriteFile(filepath.Join(dir, name), text, 0o666)
}

func (r *repo) unsignal(root, name string) {
	if root != "" {
		_ = os.Remove(filepath.Join(root, filepath.FromSlash(signalDir), name))
	}
}

// markStarted tells the editor that this process saves an experiment by itself.
func (r *repo) markStarted(expName string) {
	r.marked = true
	r.signal(r.root, signalOnly, pyjson.NewMap("exp_name", expName, "pid", int64(os.Getpid())))
}

func (r *repo) stepCompleted(step int) {
	r.signal(r.signals, signalStep, pyjson.NewMap("pid", int64(os.Getpid()), "step", int64(step)))
}
