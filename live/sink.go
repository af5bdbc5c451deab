package live

import (
	"context"
	"image"
	"math"
	"math/big"
	"path/filepath"
	"time"

	"github.com/reprodl/reprodl/params/ordered"
)

// Kind tells what a [Record] holds.
type Kind int

// The kinds of records.
const (
	ScalarRecord   Kind = iota // Name, Value
	TextRecord                 // Name, Text: a metric that is no number
	ImageRecord                // Name, Image, Encoded
	ParamsRecord               // Params
	ArtifactRecord             // Name, Path
)

// Record is something that was logged.
type Record struct {
	Kind    Kind
	Step    int
	Time    time.Time
	Name    string
	Value   float64
	Text    string
	Image   image.Image
	Encoded []byte       // the image as written, in the format of the name's suffix
	Path    string       // of the file or directory of an artifact
	Params  *ordered.Map // the parameters of this call; shared, not to be changed
}

// Sink receives what is logged, besides the files. Write gets the records of a
// logger in order, from one goroutine at a time, up to Options.Lag after they
// were logged; the slice is the sink's only until Write returns. An error of a
// sink doesn't stop the run: Logger.Close returns it. Close is called once,
// when the logger closes.
type Sink interface {
	Write(records []Record) error
	Close() error
}

// Shutdowner is a [Sink] whose Close may take long, because it sends what it got
// somewhere else. [Logger.Shutdown] calls Shutdown in place of Close: the sink
// stops waiting when ctx is done, and its error tells what is left to send.
type Shutdowner interface {
	Shutdown(ctx context.Context) error
}

// record passes a metric on to the sinks, the report and the progress line. It
// requires l.mu.
func (l *Logger) record(s *series, v value) {
	f, number := v.number()
	s.last = f
	if s.curve != nil && number {
		s.curve.add(l.step, f)
	}
	if len(l.opts.Sinks) == 0 {
		return
	}
	r := Record{Kind: ScalarRecord, Step: l.step, Time: l.opts.now(), Name: s.name, Value: f}
	if !number {
		r.Kind, r.Text = TextRecord, v.str
	}
	l.records = append(l.records, r)
}

// number returns v as a float64, if it is a number.
func (v value) number() (float64, bool) {
	switch v.kind {
	case kindFloat64, kindFloat32, kindFloat16:
		return v.float(), true
	case kindInt:
		return float64(int64(v.bits)), true
	case kindUint, kindBool:
		return float64(v.bits), true
	case kindBig:
		f, _ := new(big.Float).SetInt(v.any.(*big.Int)).Float64()
		return f, true
	case kindString:
		switch v.str {
		case "nan":
			return math.NaN(), true
		case "inf":
			return math.Inf(1), true
		case "-inf":
			return math.Inf(-1), true
		}
	}
	return math.NaN(), false
}

// sinkParams passes parameters on. It requires l.io.
func (l *Logger) sinkParams(m *ordered.Map) {
	l.sink(Record{Kind: ParamsRecord, Params: m})
}

// sinkImage passes an image on. It requires l.io.
func (l *Logger) sinkImage(name string, img image.Image, encoded []byte) {
	l.sink(Record{Kind: ImageRecord, Name: name, Image: img, Encoded: encoded})
}

// sinkArtifact passes an artifact on, at once: a sink that keeps it must read it
// before the program changes it. It requires l.io.
func (l *Logger) sinkArtifact(path string) {
	l.sink(Record{Kind: ArtifactRecord, Name: filepath.Base(filepath.Clean(path)), Path: path})
	l.mu.Lock()
	l.files.records = append(l.files.records, l.records...)
	l.records = l.records[:0]
	l.mu.Unlock()
	l.flushSinks()
}

// sink adds a record to what the next flush hands over.
func (l *Logger) sink(r Record) {
	if len(l.opts.Sinks) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Step, r.Time = l.step, l.opts.now()
	l.records = append(l.records, r)
	l.arm()
}

// flushSinks hands the records over. It requires l.io.
func (l *Logger) flushSinks() {
	f := &l.files
	if len(f.records) == 0 {
		return
	}
	for _, s := range l.opts.Sinks {
		f.note(l, s.Write(f.records))
	}
	// Images and texts are let go, though the array is used again.
	clear(f.records)
	f.records = f.records[:0]
}
