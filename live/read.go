package live

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Point is one row of a metric's history.
type Point struct {
	Step  int
	Value float64   // NaN if the cell is no number
	Text  string    // the cell as it stands
	Time  time.Time // zero in a row without timestamp
}

// Points iterates over the history of a metric in a directory that a logger,
// or DVCLive, wrote: plots/metrics/NAME.tsv, or NAME.tsv in the classic
// layout. A last line that is still being written is left out. The iteration
// ends with the first error, which is one wrapping fs.ErrNotExist if there is
// no such metric.
func Points(fsys fs.FS, name string) iter.Seq2[Point, error] {
	return func(yield func(Point, error) bool) {
		f, file, err := openHistory(fsys, name)
		if err != nil {
			yield(Point{}, err)
			return
		}
		defer f.Close()
		r := csv.NewReader(&wholeLines{r: bufio.NewReaderSize(f, 64<<10)})
		// Rows may differ in length, and a quote inside a cell is a character.
		r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = '\t', true, -1, true
		if _, err := r.Read(); err != nil {
			if err != io.EOF {
				yield(Point{}, fmt.Errorf("%s: %w", file, err))
			}
			return
		}
		for {
			cells, err := r.Read()
			if err == io.EOF {
				return
			}
			var p Point
			if err == nil {
				p, err = parseRow(cells)
			}
			if err != nil {
				line, _ := r.FieldPos(0)
				yield(Point{}, fmt.Errorf("%s:%d: %w", file, line, err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// openHistory opens the file of a metric in either layout. If neither is there,
// the error is that of the present layout.
func openHistory(fsys fs.FS, name string) (fs.File, string, error) {
	parsed, err := parseName(name)
	if err != nil {
		return nil, "", err
	}
	var first error
	for _, file := range []string{"plots/metrics/" + parsed.file + ".tsv", parsed.file + ".tsv"} {
		f, err := fsys.Open(file)
		if err == nil {
			return f, file, nil
		}
		if first == nil {
			first = err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, "", first
}

var errRow = errors.New("a row has a step and a value, with a timestamp in front or without one")

// parseRow reads a row. Rows with and without timestamp may follow one
// another; a metric named step has a value only, in the step's place.
func parseRow(cells []string) (Point, error) {
	n := len(cells)
	if n < 1 || n > 3 {
		return Point{}, errRow
	}
	p := Point{Text: cells[n-1]}
	p.Value = parseCell(p.Text)
	if n == 3 {
		ms, err := strconv.ParseInt(cells[0], 10, 64)
		if err != nil {
			return Point{}, err
		}
		p.Time = time.UnixMilli(ms)
	}
	// The step stands before the value; alone in a row it is the value.
	step := parseCell(cells[max(0, n-2)])
	if n > 1 && (math.IsNaN(step) || math.Abs(step) > math.MaxInt64/2) {
		return Point{}, fmt.Errorf("step %q is not a number", cells[n-2])
	}
	if !math.IsNaN(step) {
		p.Step = int(step)
	}
	return p, nil
}

// parseCell reads a number as it stands in a history.
func parseCell(text string) float64 {
	switch text {
	case "True":
		return 1
	case "False":
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	// Out of range is an infinity, which is what Python reads too.
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return math.NaN()
	}
	return f
}

// wholeLines reads no further than the last line feed.
type wholeLines struct {
	r    *bufio.Reader
	line []byte
}

func (w *wholeLines) Read(p []byte) (int, error) {
	if len(w.line) == 0 {
		line, err := w.r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			var rest []byte
			line = bytes.Clone(line)
			rest, err = w.r.ReadBytes('\n')
			line = append(line, rest...)
		}
		if err != nil {
			return 0, err // what precedes io.EOF is an incomplete line
		}
		w.line = line
	}
	n := copy(p, w.line)
	w.line = w.line[n:]
	return n, nil
}

// Summary reads metrics.json of a directory that a logger, or DVCLive, wrote.
// Values are int64, *big.Int, float64, string, bool, nil, []any and
// map[string]any.
func Summary(fsys fs.FS) (map[string]any, error) {
	data, err := fs.ReadFile(fsys, "metrics.json")
	if err != nil {
		return nil, err
	}
	x, err := pyjson.Decode("metrics.json", data)
	if err != nil {
		return nil, err
	}
	m, ok := unordered(x).(map[string]any)
	if !ok {
		return nil, errors.New("metrics.json: not a mapping")
	}
	return m, nil
}

// Latest returns what metrics.json of a directory says of a metric, under the
// name by which it was logged, train/loss say: there it is loss in a mapping
// train, while [Points] finds it in a file of the whole name. Step is the
// summary's, 0 if it has none. A metric that is not there, and a name that
// stands for a group, is an error wrapping fs.ErrNotExist.
func Latest(fsys fs.FS, name string) (Point, error) {
	parsed, err := parseName(name)
	if err != nil {
		return Point{}, err
	}
	summary, err := Summary(fsys)
	if err != nil {
		return Point{}, err
	}
	var v any = summary
	for _, key := range parsed.keys {
		group, _ := v.(map[string]any)
		v = group[key]
	}
	switch v.(type) {
	case nil, map[string]any, []any:
		return Point{}, fmt.Errorf("metrics.json: metric %q: %w", name, fs.ErrNotExist)
	}
	step, _ := summary["step"].(int64)
	text := pyjson.Str(v)
	return Point{Step: int(step), Value: parseCell(text), Text: text}, nil
}

// Names lists the metrics whose histories a directory holds, sorted: the names
// that [Points] takes. In the classic layout they lie in the directory itself.
func Names(fsys fs.FS) ([]string, error) {
	root := "plots/metrics"
	if _, err := fs.Stat(fsys, root); errors.Is(err, fs.ErrNotExist) {
		root = "."
	}
	var names []string
	err := fs.WalkDir(fsys, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name, ok := strings.CutSuffix(p, ".tsv"); ok && !d.IsDir() {
			names = append(names, strings.TrimPrefix(name, root+"/"))
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// unordered turns mappings into Go maps.
func unordered(x any) any {
	switch x := x.(type) {
	case []any:
		for i := range x {
			x[i] = unordered(x[i])
		}
	case *pyjson.Map:
		m := make(map[string]any, x.Len())
		for key, v := range x.All() {
			m[pyjson.Str(key)] = unordered(v)
		}
		return m
	}
	return x
}
