package live

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// environment applies what DVCLive takes from the environment.
func (l *Logger) environment() {
	if l.envBool("DVCLIVE_RESUME") {
		l.opts.Resume = true
	}
	if l.opts.ExpName == "" {
		l.opts.ExpName = os.Getenv("DVC_EXP_NAME")
	}
	if l.envBool("DVCLIVE_TEST") {
		l.testMode()
	}
}

// testMode sends everything to a new temporary folder, for tests of programs
// that log.
func (l *Logger) testMode() {
	dir, err := os.MkdirTemp("", "dvclive-test-")
	if err != nil {
		dir = os.TempDir()
	}
	l.slog.Warn("live: DVCLIVE_TEST is set: the files go to a temporary folder", "dir", dir)
	l.opts.DVCYAML = filepath.Join(dir, "dvc.yaml")
	l.opts.Save = nil
	l.dir = filepath.Join(dir, filepath.Base(l.dir))
}

// envBool reads a switch. DVCLive takes any text that holds 1, y, yes or true
// for a yes; that is copied only on request.
func (l *Logger) envBool(name string) bool {
	text := strings.ToLower(os.Getenv(name))
	if l.opts.Exact {
		// "y" covers yes, and much else.
		return strings.ContainsAny(text, "1y") || strings.Contains(text, "true")
	}
	switch text {
	case "1", "y", "yes", "true", "on":
		return true
	}
	return false
}

// envLogger writes to standard error from the level on that DVCLIVE_LOGLEVEL
// names; without that variable it is nil.
func envLogger() *slog.Logger {
	var level slog.Level
	switch strings.ToUpper(os.Getenv("DVCLIVE_LOGLEVEL")) {
	case "":
		return nil
	case "DEBUG":
		level = slog.LevelDebug
	case "INFO":
		level = slog.LevelInfo
	case "ERROR", "CRITICAL", "FATAL":
		level = slog.LevelError
	default:
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
