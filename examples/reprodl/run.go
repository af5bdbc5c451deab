package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/data"
)

// world is what a process has from its surroundings; tests make their own.
type world struct {
	Dir            string // absolute; the working directory
	Env            []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// app is one call of the program: its surroundings and the global options.
type app struct {
	world
	out     *output // for results; Stdout is for the commands of stages
	msg     *output // for errors and warnings
	args    []string
	cd      string
	quiet   int
	verbose int
	why     bool // tell the reasons on stderr
	started bool // the command line was understood
	warned  bool // of unsupported options
}

// run is the program: it parses args, runs the command and returns the exit
// code. It reads and changes nothing of the process, so calls may be parallel.
func run(ctx context.Context, args []string, w *world) int {
	// A closed terminal and Ctrl-\ end a run as kill does: stages are stopped,
	// and the user's files are as they were.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	a := &app{world: *w, args: args, out: newOutput(w.Stdout), msg: newOutput(w.Stderr)}
	root := a.root()
	if isCompletion(args) {
		a.completeNames(root)
	} else {
		args = expandLists(root, expand(root, args))
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	// Whatever the error was, the signal is its cause.
	if err != nil && ctx.Err() != nil {
		err = &exitError{code: exitInterrupted, err: errors.New("interrupted by the user")}
	}
	code := a.report(err)
	// A command that failed by itself keeps its own code.
	if err := a.out.failure(); err != nil && code == 0 {
		code = a.report(err)
	}
	return code
}

// root is the command itself, with all others below it. Errors and usage are
// printed by report and usageError, not by cobra.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:              "reprodl",
		Short:            "Data version control in Go: the command dvc on the packages of reprodl",
		SilenceErrors:    true,
		SilenceUsage:     true,
		TraverseChildren: true,
		Version:          dvcVersion,
		RunE: func(cmd *cobra.Command, args []string) error {
			a.started = false
			if len(args) > 0 {
				return a.usageError(cmd, fmt.Errorf("argument command: invalid choice: '%s'", args[0]))
			}
			return a.usageError(cmd, errors.New("the following arguments are required: command"))
		},
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.start() },
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.out)
	root.SetErr(a.msg)
	root.SetFlagErrorFunc(a.usageError)
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().StringVarP(&a.cd, "cd", "C", "", "change to `directory` before executing")
	root.Flags().BoolP("version", "V", false, "print the version")
	root.Flags().Bool("wait-for-lock", false, "wait for the lock (it is always waited for, as long as dvc does)")
	root.AddCommand(a.commands()...)
	a.volume(root)
	a.strict(root)
	root.InitDefaultHelpCmd()
	document(root)
	return root
}

// volume gives each command -q and -v. They count only behind the last word of a
// command: argparse, DVC's parser, forgets those before it.
func (a *app) volume(cmd *cobra.Command) {
	quiet, verbose := &a.quiet, &a.verbose
	if cmd.HasSubCommands() {
		quiet, verbose = new(int), new(int)
	}
	cmd.Flags().CountVarP(quiet, "quiet", "q", "be quiet")
	cmd.Flags().CountVarP(verbose, "verbose", "v", "be verbose; also tell why each stage runs")
	for _, sub := range cmd.Commands() {
		a.volume(sub)
	}
}

// start runs when the command line was understood, before the command.
func (a *app) start() error {
	a.started = true
	if a.cd == "" {
		return nil
	}
	if a.Dir = a.path(a.cd); !isDir(a.Dir) {
		return &exitError{code: exitOther, err: fmt.Errorf("[Errno 2] No such file or directory: '%s'", a.cd)}
	}
	return nil
}

// path is a path of the command line as an absolute one.
func (a *app) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(a.Dir, p)
}

// rel is an absolute path as messages show it: relative to the working directory.
func (a *app) rel(p string) string {
	if rel, err := filepath.Rel(a.Dir, p); err == nil {
		return rel
	}
	return p
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// open finds the repository that the command works on.
func (a *app) open() (*pipeline.Repo, error) {
	if err := a.checkConfig(); err != nil {
		return nil, err
	}
	return pipeline.Open(a.Dir, &pipeline.Options{
		Stdin: a.Stdin, Stdout: a.Stdout, Stderr: a.Stderr, Env: a.Env,
		Logger:  a.logger(),
		Program: strings.Join(append([]string{"reprodl"}, a.args...), " "),
	})
}

// openValues is open for the commands that show values: they read a directory that
// is in no DVC repository, too.
func (a *app) openValues() (*data.Repo, error) {
	if err := a.checkConfig(); err != nil {
		return nil, err
	}
	return data.Open(a.Dir, &data.Options{Env: a.Env, Logger: a.logger(), Uninitialized: true})
}

// checkConfig is the error of every command about a broken configuration, but of
// those that may mend it. Without a repository there is nothing to say here.
func (a *app) checkConfig() error {
	c, err := a.config()
	if c != nil && c.File(config.Project) == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	a.warnUnsupported(c)
	return nil
}

// warnUnsupported names, once, options that DVC knew and does not any more.
func (a *app) warnUnsupported(c *config.Config) {
	names := c.Unsupported()
	if len(names) == 0 || a.warned {
		return
	}
	a.warned = true
	verb := " is"
	if len(names) > 1 {
		verb = "s are"
	}
	a.warnf("'%s' config option%s unsupported", strings.Join(names, "', '"), verb)
}

// getenv is the value of a variable of the program's environment, or "".
func (a *app) getenv(name string) string {
	for i := len(a.Env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(a.Env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// printf writes a result, unless -q was given.
func (a *app) printf(format string, args ...any) {
	if a.quiet == 0 {
		fmt.Fprintf(a.out, format, args...)
	}
}

// table writes a table of results: as in DVC, also with -q.
func (a *app) table(text string) { fmt.Fprint(a.out, text) }

// warnf prints a warning as DVC does.
func (a *app) warnf(format string, args ...any) {
	if a.quiet == 0 {
		fmt.Fprintf(a.msg, "WARNING: "+format+"\n", args...)
	}
}

// confirm asks the user; without an answer it is no.
func (a *app) confirm(question string) bool {
	fmt.Fprintf(a.msg, "%s [y/n]: ", question)
	answer, _ := bufio.NewReader(a.Stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	return false
}

// confirmRepro is asked before each stage with --interactive.
func (a *app) confirmRepro(address string) bool {
	return a.confirm(fmt.Sprintf("Going to reproduce stage: '%s'. Are you sure you want to continue?", address))
}
