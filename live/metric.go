package live

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxPending bounds the rows, in bytes, that wait for the writer. Only when
// the disk is slower than the training by this much does Log wait for it.
const maxPending = 8 << 20

// MetricOptions change how [Logger.LogValue] logs one value.
type MetricOptions struct {
	Timestamp bool // put the time in milliseconds since 1970 into the row
	NoPlot    bool // summary only: no row in the history
}

// series is one metric.
type series struct {
	name string
	metricName
	pending []byte // rows that the writer has not taken
	stamped bool   // whether the first of them has a timestamp
	queued  bool   // in Logger.dirty
	plotted bool   // has had a row
	leaf    *node  // its place in the summary, valid while gen is Logger.gen
	gen     int
	last    float64
	curve   *curve // for the report, nil without one
	crlf    bool   // lines end as the classic layouts end them
	file    historyFile
}

// Log logs a value of a metric at the current step. Slashes in the name make
// groups: train/loss. It does no I/O and, once a metric is known, allocates
// nothing. A name it has to refuse is reported by the next [Logger.NextStep].
func (l *Logger) Log(name string, v float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.log(name, floatValue(v), false, true); err != nil && l.misuse == nil {
		l.misuse = err
	}
}

// LogValue is Log for whatever DVCLive takes as a metric: integers, booleans,
// strings, *big.Int, and float32 and [Float16], whose history shows the
// shortest digits of their own width. Nil options mean a row without
// timestamp.
func (l *Logger) LogValue(name string, v any, opts *MetricOptions) error {
	if opts == nil {
		opts = new(MetricOptions)
	}
	val, err := scalarValue(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log(name, val, opts.Timestamp, !opts.NoPlot)
}

// log requires l.mu.
func (l *Logger) log(name string, v value, timestamp, plot bool) error {
	// The one place where training waits for the disk, and only while the disk
	// takes rows at all: a stalled one would make it wait for ever.
	for l.pending > maxPending && !l.closed && !l.stalled {
		l.drained.Wait()
	}
	if l.closed {
		return ErrClosed
	}
	s := l.series[name]
	if s == nil {
		var err error
		if s, err = l.newSeries(name); err != nil {
			return err
		}
	}
	if l.classic != nil {
		return l.classic.log(s, v)
	}
	if plot {
		l.appendRow(s, v, timestamp)
	}
	l.record(s, v)
	l.ended = false
	l.arm()
	return l.summarise(s, v)
}

// newSeries makes a metric known. It requires l.mu. A name that cannot be parsed is
// not remembered and is refused each time.
func (l *Logger) newSeries(name string) (*series, error) {
	parsed, err := l.parse(name)
	if err != nil {
		return nil, err
	}
	s := &series{name: name, metricName: parsed, gen: -1, crlf: l.classic != nil}
	s.file.path = l.historyPath(s)
	s.file.resumed, s.file.from = l.opts.Resume && !l.opts.Exact, l.from
	if l.opts.Report != NoReport || l.progress != nil {
		s.curve = l.newCurve(s)
	}
	l.series[name] = s
	l.order = append(l.order, s)
	return s, nil
}

// parse splits a name by the rules of the layout.
func (l *Logger) parse(name string) (metricName, error) {
	if l.classic != nil {
		return l.classic.parse(name)
	}
	return parseName(name)
}

// historyPath is where the rows of a metric go.
func (l *Logger) historyPath(s *series) string {
	if l.classic != nil {
		return joinRaw(l.path, s.metricName.file) + ".tsv"
	}
	return joinRaw(joinRaw(l.path, "plots/metrics"), s.metricName.file) + ".tsv"
}

// appendRow adds a row to what the writer will append to the history.
func (l *Logger) appendRow(s *series, v value, timestamp bool) {
	if !s.queued {
		s.queued, s.stamped = true, timestamp
		l.dirty = append(l.dirty, s)
	}
	// pending counts bytes of all series together, for maxPending.
	n := len(s.pending)
	s.pending = s.appendLine(s.pending, row{l.now(timestamp), l.step, v})
	s.plotted = true
	l.pending += len(s.pending) - n
}

// now is the time of a row, zero if it has none.
func (l *Logger) now(wanted bool) time.Time {
	if !wanted {
		return time.Time{}
	}
	return l.opts.now()
}

// row is one line of a history; the zero time means a line without timestamp.
type row struct {
	time time.Time
	step int
	val  value
}

// appendLine appends the cells of r. A metric called step replaces the step's
// column, and one called timestamp the timestamp's, as they do in DVCLive.
func (s *series) appendLine(dst []byte, r row) []byte {
	stamped := !r.time.IsZero()
	if stamped {
		if s.header == "timestamp" {
			dst = r.val.appendCell(dst)
		} else {
			dst = strconv.AppendInt(dst, r.time.UnixMilli(), 10)
		}
		dst = append(dst, '\t')
	}
	if s.header == "step" {
		n := len(dst)
		if dst = r.val.appendCell(dst); !stamped && len(dst) == n {
			dst = append(dst, `""`...) // a row of one empty cell
		}
		return s.endLine(dst)
	}
	dst = strconv.AppendInt(dst, int64(r.step), 10)
	if !stamped || s.header != "timestamp" {
		dst = append(dst, '\t')
		dst = r.val.appendCell(dst)
	}
	return s.endLine(dst)
}

// endLine ends a row, in the classic layouts with CR LF, as Python's csv module
// does by default.
func (s *series) endLine(dst []byte) []byte {
	if s.crlf {
		return append(dst, "\r\n"...)
	}
	return append(dst, '\n')
}

// appendHeader appends the names of the columns.
func (s *series) appendHeader(dst []byte, stamped bool) []byte {
	if stamped {
		dst = append(dst, "timestamp\t"...)
	}
	dst = append(dst, "step"...)
	if s.header != "step" && (!stamped || s.header != "timestamp") {
		dst = append(dst, '\t')
		dst = appendQuoted(dst, s.header)
	}
	return s.endLine(dst)
}

var errBelowScalar = errors.New("the summary has a value where the name needs a group")

// summarise puts v into the summary.
func (l *Logger) summarise(s *series, v value) error {
	// The leaf may be gone since: a value or a summary set by hand has taken
	// the place of a group.
	if s.gen != l.gen {
		leaf, err := l.leaf(s.keys)
		if err != nil {
			return fmt.Errorf("live: %s: %w", s.name, err)
		}
		if leaf.val.kind == kindTree {
			l.gen++ // a value replaces a group, and with it the leaves below
		}
		s.leaf, s.gen = leaf, l.gen
	}
	s.leaf.val = v
	return nil
}

// leaf finds the place of a metric in the summary and makes the groups above.
func (l *Logger) leaf(keys []string) (*node, error) {
	g := l.summary
	for i, key := range keys[:len(keys)-1] {
		n := g.find(key)
		if n == nil {
			n = g.put(key)
			n.val = treeOf(new(group))
		}
		next := n.val.group()
		if next == nil {
			return nil, fmt.Errorf("%w: %s", errBelowScalar, strings.Join(keys[:i+1], "/"))
		}
		g = next
	}
	return g.put(keys[len(keys)-1]), nil
}

// setStepKey puts the step into the summary.
func (l *Logger) setStepKey() {
	n := l.summary.put("step")
	if n.val.kind == kindTree {
		l.gen++
	}
	n.val = intValue(int64(l.step))
}

// SetSummary sets a key of the summary by hand. The value may be nested, as an
// [ordered.Map]; the key is taken as it is. "step" is overwritten at the next sync
// once the step counts.
func (l *Logger) SetSummary(key string, v any) error {
	x, err := plain(v)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.summary.put(key).val = valueOf(x)
	l.gen++
	l.ended = false
	return nil
}

// stepBack returns to the step that the summary names.
func (l *Logger) stepBack() {
	n := l.summary.find("step")
	if n == nil {
		return
	}
	switch n.val.kind {
	case kindInt:
		l.step, l.stepSet = int(int64(n.val.bits)), true
	case kindFloat64:
		l.step, l.stepSet = int(n.val.float()), true
	}
}
