package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/config"
)

// Exit codes of dvc.
const (
	exitSoft        = 1   // what a command lists as refused: a target of add, say
	exitConfig      = 251 // the configuration is wrong
	exitInterrupted = 252
	exitNotRepo     = 253
	exitUsage       = 254
	exitOther       = 255
)

// exitError is an error for which a command wants a certain exit code. With
// err nil nothing is printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// soft makes err exit with 1, which dvc does for refusals by some commands.
// Problems with the configuration keep their own code, and so does an error of the
// system such as a link that leads nowhere or a socket, for which DVC has no words.
func soft(err error) error {
	var system *fs.PathError
	if err == nil || exitCode(err) != exitOther || !isBroken(err) && errors.As(err, &system) && (system.Op == "stat" || system.Op == "hash") {
		return err
	}
	return &exitError{code: exitSoft, err: err}
}

// isConfig reports an error about the configuration, also one that is the fault of the
// call: a remote that is not there.
func isConfig(err error) bool {
	return errors.As(err, new(*config.Error)) || errors.Is(err, config.ErrNoRemote)
}

// exitCode maps an error to dvc's exit code.
func exitCode(err error) int {
	var exit *exitError
	var mistake interface{ ConfigError() bool }
	switch {
	case err == nil:
		return 0
	// What a command wanted comes before all that its error wraps.
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &mistake) && mistake.ConfigError():
		return exitConfig
	case errors.Is(err, pipeline.ErrNotRepo):
		return exitNotRepo
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitOther
}

// report prints err as dvc prints it and returns the exit code. An error with
// a method Pretty is printed as that says, without "ERROR: ". With -q only an error
// of the command line is.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	code := exitCode(err)
	var exit *exitError
	if errors.As(err, &exit) && exit.err == nil {
		return code
	}
	// The command line was not understood.
	if !a.started && !errors.As(err, &exit) {
		code = exitUsage
	}
	if a.quiet > 0 && code != exitUsage {
		return code // as in DVC
	}
	var pretty interface{ Pretty() string }
	switch {
	case errors.As(err, &pretty):
		fmt.Fprintln(a.msg, pretty.Pretty())
	case code == exitConfig:
		fmt.Fprintf(a.msg, "ERROR: configuration error - %v\n", err)
	default:
		fmt.Fprintf(a.msg, "ERROR: %v\n", err)
	}
	return code
}

// logger turns records into lines: Info to stdout as they are, Warn to stderr.
func (a *app) logger() *slog.Logger {
	return slog.New(&lineHandler{a: a})
}

type lineHandler struct{ a *app }

func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	switch {
	case h.a.quiet > 0:
		return level > slog.LevelError
	case h.a.verbose > 0 || h.a.why:
		return true
	}
	return level >= slog.LevelInfo
}

func (h *lineHandler) Handle(_ context.Context, rec slog.Record) error {
	var err error
	switch {
	case rec.Level >= slog.LevelError:
		_, err = fmt.Fprintf(h.a.msg, "ERROR: %s\n", rec.Message)
	case rec.Level >= slog.LevelWarn:
		_, err = fmt.Fprintf(h.a.msg, "WARNING: %s\n", rec.Message)
	case rec.Level >= slog.LevelInfo:
		_, err = fmt.Fprintln(h.a.out, rec.Message)
	case isReason(rec):
		_, err = fmt.Fprintf(h.a.msg, "WHY: %s\n", rec.Message)
	case h.a.verbose > 0:
		_, err = fmt.Fprintf(h.a.msg, "DEBUG: %s\n", rec.Message)
	}
	return err
}

// isReason tells the records that say why a stage runs: they carry its address.
func isReason(rec slog.Record) bool {
	found := false
	rec.Attrs(func(a slog.Attr) bool {
		found = a.Key == "stage"
		return !found
	})
	return found
}

func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *lineHandler) WithGroup(string) slog.Handler      { return h }
