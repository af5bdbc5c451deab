package live

import (
	"cmp"
	"log/slog"
	"os"
	"sync"
)

var defaultLogger struct {
	sync.Mutex
	l *Logger
}

// Default returns the logger of the package-level functions. Unless SetDefault
// gave one, it is opened on first use: in the classic layout that DVCLIVE_PATH,
// DVCLIVE_SUMMARY and DVCLIVE_HTML ask for, as the runner of a stage with a
// `live` section sets them, else in the folder dvclive. Because a program that
// only calls [Log] and [NextStep] never says that it is done, NextStep of this
// logger returns when the files are written, see [Options].Lag.
//
// A logger that can't be opened discards everything, after having said so
// once through slog.
func Default() *Logger {
	d := &defaultLogger
	d.Lock()
	defer d.Unlock()
	if d.l == nil {
		l, err := openDefault()
		if err != nil {
			defaultLog().Error("live: nothing will be logged", "err", err)
			l = &Logger{closed: true}
		}
		d.l = l
	}
	return d.l
}

// defaultLog is where the package-level functions complain. They have no
// options to name a logger by and no error that a caller would look at, so it
// is slog's default one.
func defaultLog() *slog.Logger { return cmp.Or(envLogger(), slog.Default()) }

func openDefault() (*Logger, error) {
	opts := &Options{Lag: -1, Logger: defaultLog()}
	dir, classic := os.LookupEnv("DVCLIVE_PATH")
	if classic {
		opts.Layout = Classic
		opts.NoSummary = cmp.Or(os.Getenv("DVCLIVE_SUMMARY"), "0") == "0"
		if cmp.Or(os.Getenv("DVCLIVE_HTML"), "0") != "0" {
			opts.Report = HTMLReport
		}
	}
	return Open(dir, opts)
}

// SetDefault makes l the logger of the package-level functions and returns the
// one before, which the caller closes; nil if there was none. SetDefault(nil)
// lets the next use open a new one.
func SetDefault(l *Logger) (old *Logger) {
	d := &defaultLogger
	d.Lock()
	defer d.Unlock()
	old, d.l = d.l, l
	return old
}

// Log calls [Logger.Log] on the default logger.
func Log(name string, v float64) { Default().Log(name, v) }

// NextStep calls [Logger.NextStep] on the default logger.
func NextStep() error { return Default().NextStep() }

// Close closes the default logger, if it was used. A program needs it only for
// what [Logger.End] does beyond NextStep.
func Close() error {
	if l := SetDefault(nil); l != nil {
		return l.Close()
	}
	return nil
}
