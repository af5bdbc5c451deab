package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// content is what dvc.yaml has to know about the files of a run. Logger.io
// guards it.
type content struct {
	params    pyjson.Map
	badParams bool // Exact only: a value that can't be written has been logged
	images    bool
	plots     []*plot
	byName    map[string]bool // of folder and name
	artifacts pyjson.Map
}

// abs returns the path of a slash-separated name below the directory.
func (l *Logger) abs(name string) string { return joinRaw(l.path, name) }

// initFiles looks at what an earlier run left.
func (l *Logger) initFiles() error {
	switch {
	case l.opts.Resume:
		l.files.ready = true
		return l.resume()
	case l.opts.Exact:
		return l.prepare()
	}
	if old := l.Replaces(); len(old) > 0 {
		l.slog.Info("live: an earlier run will be replaced when something is logged",
			"dir", l.dir, "files", strings.Join(old, ", "))
	}
	return nil
}

// Replaces lists the files and folders of an earlier run, relative to the
// directory, that go when this run logs its first value. It is empty from then
// on, and when the run is resumed.
func (l *Logger) Replaces() []string {
	if l.files.ready {
		return nil
	}
	names := []string{"plots/metrics", "plots/images", "plots/custom", "plots/sklearn",
		"metrics.json", "params.yaml", "report.html", "report.md"}
	if l.classic != nil {
		names = nil
	}
	var found []string
	for _, name := range names {
		if _, err := os.Lstat(l.abs(name)); err == nil {
			found = append(found, name)
		}
	}
	entries, err := os.ReadDir(l.path)
	if err != nil {
		return found
	}
	for _, e := range entries {
		if l.classic == nil && strings.HasSuffix(e.Name(), "dvc.yaml") && !strings.HasPrefix(e.Name(), ".") {
			found = append(found, e.Name())
		}
	}
	if l.classic != nil {
		return l.classic.replaces()
	}
	return found
}

// prepare makes the directory this run's: it removes what an earlier run left.
// It requires l.io.
func (l *Logger) prepare() error {
	if l.files.ready {
		return nil
	}
	old := l.Replaces()
	l.files.ready = true
	var errs []error
	for _, name := range old {
		errs = append(errs, os.RemoveAll(l.abs(name)))
	}
	l.removeTemps()
	return errors.Join(errs...)
}

// removeTemps removes what a killed process left half-written.
func (l *Logger) removeTemps() {
	entries, err := os.ReadDir(l.path)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), atomicfile.TempPrefix) {
			os.Remove(filepath.Join(l.path, e.Name()))
		}
	}
}

// nothingLogged reports whether the run would only replace an earlier one by
// nothing.
func (l *Logger) nothingLogged() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// An earlier run stays until there is something to put in its place.
	return len(l.files.batch) == 0 && len(l.summary.nodes) == 0 && len(l.Replaces()) > 0
}

// touch begins a change made outside the writer: it takes l.io, makes sure
// that the logger is open, that the directory is this run's, and that earlier
// syncs see what was before the change. Unless it fails, the caller unlocks
// l.io.
func (l *Logger) touch() error {
	l.mu.Lock()
	// A summary that was asked for before this change must not show it: write it
	// first. The classic layouts know no such changes.
	behind := l.todo.summary && l.classic == nil
	l.mu.Unlock()
	if behind {
		l.flush()
	}
	l.io.Lock()
	l.mu.Lock()
	closed := l.closed
	l.ended = false
	l.mu.Unlock()
	err := error(ErrClosed)
	if !closed {
		err = l.prepare()
	}
	if err != nil {
		l.io.Unlock()
	}
	return err
}

// writeFile writes a file below the directory, and the folders above it.
func (l *Logger) writeFile(name string, data []byte) error {
	path := l.abs(name)
	err := atomicfile.WriteFile(path, data, nil)
	// The folder is there but for the first file in it.
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeRawDirs(path); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, data, nil)
}

// LogParam logs a parameter: its place in params.yaml, which is written before
// LogParam returns. See [Logger.LogParams] for the values.
func (l *Logger) LogParam(name string, v any) error {
	return l.LogParams(ordered.New(name, v))
}

// LogParams logs parameters. They come as an [ordered.Map], a map with string
// keys, or a struct with yaml tags; values are numbers, strings, booleans, times, nil,
// lists, and nested ones. A parameter logged before is replaced as a whole.
// A value of another type is refused before anything is written.
func (l *Logger) LogParams(params any) error {
	x, err := plain(params)
	m, ok := x.(*pyjson.Map)
	if err == nil && !ok {
		err = fmt.Errorf("%w %T: log a mapping or a struct", ErrType, params)
	}
	if err != nil && !l.opts.Exact {
		return fmt.Errorf("parameter %w", err)
	}
	if err := l.touch(); err != nil {
		return err
	}
	defer l.io.Unlock()
	c := &l.files.content
	if err != nil || c.badParams { // as DVCLive: the file is left empty
		c.badParams = true
		return errors.Join(fmt.Errorf("%w: params.yaml is empty now", ErrType), l.writeFile("params.yaml", nil))
	}
	for key, v := range m.All() {
		c.params.Set(key, v)
	}
	l.sinkParams(m)
	return l.writeParams()
}
