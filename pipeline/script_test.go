package pipeline_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline"
)

// TestScript runs testdata/script, trees of files with commands: repro and
// status call this package; dvc, where it is installed, is the real one.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			dir := env.WorkDir
			path := os.Getenv("PATH")
			if dvc := dvcCommand(); dvc != "" {
				path = filepath.Dir(dvc) + string(filepath.ListSeparator) + path
			}
			for _, kv := range repotest.Env(filepath.Join(dir, ".home")) {
				name, value, _ := strings.Cut(kv, "=")
				env.Setenv(name, value)
			}
			env.Setenv("PATH", path)
			env.Setenv("GOCACHE", os.Getenv("GOCACHE"))
			return os.MkdirAll(filepath.Join(dir, ".home"), 0o777)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"repro": scriptRepro, "status": scriptStatus, "init": scriptInit,
		},
	})
}

// dvcCommand is the real program to compare with, or "".
func dvcCommand() string {
	if dvc := os.Getenv("REPRODL_DVC"); dvc != "" {
		return dvc
	}
	dvc, _ := exec.LookPath("dvc")
	return dvc
}

func scriptInit(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Exec("git", "init", "-q", "-b", "main"))
	for name, text := range map[string]string{"config": "", ".gitignore": "/config.local\n/tmp\n/cache\n"} {
		ts.Check(os.MkdirAll(ts.MkAbs(".dvc"), 0o777))
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(".dvc"), name), []byte(text), 0o666))
	}
}

// lines writes the records of a logger as the program prints them.
func lines(out, err io.Writer, why bool) *slog.Logger {
	level := slog.LevelInfo
	if why {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(io.MultiWriter(lineWriter{out, err}), &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// lineWriter takes level and message out of what a text handler writes.
type lineWriter struct{ out, err io.Writer }

func (w lineWriter) Write(rec []byte) (int, error) {
	level, rest, _ := strings.Cut(strings.TrimPrefix(string(rec), "level="), " ")
	msg := strings.TrimPrefix(strings.TrimSuffix(rest, "\n"), "msg=")
	if i := strings.Index(msg, " stage="); level == "DEBUG" && i >= 0 {
		msg = msg[:i]
	}
	if strings.HasPrefix(msg, `"`) {
		fmt.Sscanf(msg, "%q", &msg)
	}
	if level == "INFO" {
		fmt.Fprintln(w.out, msg)
	} else {
		fmt.Fprintln(w.err, strings.Replace(level, "WARN", "WARNING", 1)+": "+msg)
	}
	return len(rec), nil
}

// lockedWriter is for what the logger and the stages both write to.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(data)
}

func open(ts *testscript.TestScript, why bool) *pipeline.Repo {
	var env []string
	for _, kv := range repotest.Env(ts.Getenv("HOME")) {
		name, _, _ := strings.Cut(kv, "=")
		env = append(env, name+"="+ts.Getenv(name))
	}
	env = append(env, "GOFLAGS=-mod=mod", "LIVE="+ts.Getenv("LIVE"))
	out, stderr := &lockedWriter{w: ts.Stdout()}, &lockedWriter{w: ts.Stderr()}
	repo, err := pipeline.Open(ts.MkAbs("."), &pipeline.Options{
		Env: env, Stdout: out, Stderr: stderr, Logger: lines(out, stderr, why),
	})
	ts.Check(err)
	return repo
}

func scriptRepro(ts *testscript.TestScript, neg bool, args []string) {
	var opts pipeline.ReproOptions
	flags := flag.NewFlagSet("repro", flag.ContinueOnError)
	for name, p := range map[string]*bool{
		"f": &opts.Force, "s": &opts.Single, "p": &opts.Pipeline, "P": &opts.AllPipelines, "R": &opts.Recursive,
		"downstream": &opts.Downstream, "force-downstream": &opts.ForceDownstream, "glob": &opts.Glob,
		"dry": &opts.Dry, "no-run-cache": &opts.NoRunCache, "no-commit": &opts.NoCommit,
		"allow-missing": &opts.AllowMissing, "pull": &opts.Pull,
	} {
		flags.BoolVar(p, name, false, "")
	}
	why := flags.Bool("why", false, "")
	keep := flags.Bool("k", false, "")
	ignore := flags.Bool("ignore-errors", false, "")
	flags.IntVar(&opts.Jobs, "j", 1, "")
	ts.Check(flags.Parse(args))
	if *keep {
		opts.OnError = pipeline.KeepGoing
	}
	if *ignore {
		opts.OnError = pipeline.Ignore
	}
	results, err := open(ts, *why).Repro(context.Background(), &opts, flags.Args()...)
	for _, r := range results {
		fmt.Fprintf(ts.Stdout(), "= %s %s %s\n", r.Address, r.Action, strings.Join(texts(r.Reasons), ", "))
	}
	finish(ts, neg, err)
}

func texts(changes []pipeline.Change) []string {
	var list []string
	for _, c := range changes {
		list = append(list, c.String())
	}
	return list
}

func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	list, err := open(ts, false).Status(context.Background(), nil, args...)
	for _, s := range list {
		for _, c := range s.Changes {
			fmt.Fprintf(ts.Stdout(), "%s: %s\n", s.Address, c)
		}
	}
	if err == nil && len(list) == 0 {
		fmt.Fprintln(ts.Stdout(), "clean")
	}
	finish(ts, neg, err)
}

func finish(ts *testscript.TestScript, neg bool, err error) {
	if err != nil {
		fmt.Fprintln(ts.Stderr(), "ERROR: "+err.Error())
		if !neg {
			ts.Fatalf("failed: %v", err)
		}
		return
	}
	if neg {
		ts.Fatalf("succeeded, which it should not")
	}
}
