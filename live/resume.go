package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// writeParams requires Logger.io.
func (l *Logger) writeParams() error {
	return l.writeFile("params.yaml", dvcyaml.Marshal(&l.files.content.params))
}

// resume takes up the parameters, the summary and the step of an earlier run.
func (l *Logger) resume() error {
	l.removeTemps()
	if l.classic != nil {
		return l.classic.resume()
	}
	if err := l.readParams(); err != nil {
		return err
	}
	if err := l.readSummary(); err != nil {
		return err
	}
	l.stepSet = true
	l.stepBack()
	// DVCLive has "if self._step != 0: self._step += 1", so that a run that was
	// ended after its first step repeats step 0.
	if known := l.summary.find("step") != nil; known && (l.step != 0 || !l.opts.Exact) {
		l.step++
	}
	// Rows at from and later are of steps that are repeated.
	l.from = l.step
	if l.opts.Exact {
		return nil
	}
	return trimTorn(l.abs("plots/metrics"))
}

// readParams takes up params.yaml; no file, and an empty one, mean no parameters.
func (l *Logger) readParams() error {
	data, err := os.ReadFile(l.abs("params.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	x, err := dvcyaml.Decode(l.ParamsFile(), data)
	if err != nil {
		return err
	}
	m, ok := x.(*pyjson.Map)
	if !ok && (x != nil || l.opts.Exact) {
		return fmt.Errorf("%s: not a mapping; remove the file to resume without it", l.ParamsFile())
	}
	if m != nil {
		l.files.content.params = *m
	}
	return nil
}

// readSummary takes up metrics.json, if there is one. It is not in use by another
// goroutine yet.
func (l *Logger) readSummary() error {
	m, err := readJSONMap(l.abs("metrics.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; remove the file to start anew", err)
	}
	l.summary = valueOf(m).group()
	return nil
}

// readJSONMap reads a JSON file that holds a mapping.
func readJSONMap(path string) (*pyjson.Map, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	x, err := pyjson.Decode(path, data)
	if err != nil {
		return nil, err
	}
	m, ok := x.(*pyjson.Map)
	if !ok {
		return nil, fmt.Errorf("%s: not a mapping", path)
	}
	return m, nil
}
