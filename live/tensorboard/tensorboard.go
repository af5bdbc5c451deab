// Package tensorboard writes what a live.Logger logs as TensorBoard event
// files: scalars, images and, for its hyper-parameter page, parameters.
//
//	sink, err := tensorboard.Open("runs/first")
//	…
//	logger, err := live.Open("", &live.Options{Sinks: []live.Sink{sink}})
package tensorboard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// Sink writes one event file. Give it to a logger by [live.Options].Sinks; the
// logger closes it.
type Sink struct {
	f      *os.File
	w      *bufio.Writer
	buf    []byte
	params ordered.Map
	wrote  bool // the parameters have been written
	err    error
}

var _ live.Sink = (*Sink)(nil)

// Open makes a new event file in dir, and dir if it must. TensorBoard shows a
// directory as one run.
func Open(dir string) (*Sink, error) { return open(dir, time.Now()) }

func open(dir string, now time.Time) (*Sink, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	f, err := create(dir, fmt.Sprintf("events.out.tfevents.%d.%s.%d", now.Unix(), host, os.Getpid()))
	if err != nil {
		return nil, err
	}
	s := &Sink{f: f, w: bufio.NewWriter(f)}
	s.write(event(now, 0).str(fieldFileVersion, "brain.Event:2"))
	return s, s.flush()
}

// create makes the file of a writer. Its name ends, as TensorFlow's do, in a
// number that tells apart the writers of a process that begin within a second.
func create(dir, name string) (*os.File, error) {
	for n := 0; ; n++ {
		file := filepath.Join(dir, fmt.Sprintf("%s.%d", name, n))
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// Write appends records to the file. After the first error it does nothing
// more and returns that error.
func (s *Sink) Write(records []live.Record) error {
	for _, r := range records {
		switch r.Kind {
		case live.ScalarRecord:
			s.hparams(r.Time)
			s.summary(r, scalarValue(r.Name, r.Value))
		case live.ImageRecord:
			if v, err := imageValue(r.Name, r.Image); err != nil {
				s.err = err
			} else {
				s.summary(r, v)
			}
		case live.ParamsRecord:
			for key, v := range r.Params.All() {
				s.params.Set(key, v)
			}
		}
	}
	return s.flush()
}

// Close ends the run and the file.
func (s *Sink) Close() error {
	now := time.Now()
	s.hparams(now)
	if s.wrote {
		s.write(event(now, 0).msg(fieldSummary, sessionEnd(now)))
	}
	err := s.flush()
	if cerr := s.f.Close(); err == nil {
		err = cerr
	}
	return err
}

// hparams writes the parameters once, before the first scalar: TensorBoard
// takes the first it finds.
func (s *Sink) hparams(now time.Time) {
	if s.wrote || s.params.Len() == 0 {
		return
	}
	s.wrote = true
	s.write(event(now, 0).msg(fieldSummary, sessionStart(now, flatten(nil, "", &s.params))))
}

func (s *Sink) summary(r live.Record, value message) {
	s.write(event(r.Time, r.Step).msg(fieldSummary, message{}.msg(1, value)))
}

func (s *Sink) write(m message) {
	if s.err != nil {
		return
	}
	s.buf = appendRecord(s.buf[:0], m.data)
	_, s.err = s.w.Write(s.buf)
}

func (s *Sink) flush() error {
	if err := s.w.Flush(); s.err == nil && err != nil {
		s.err = err
	}
	return s.err
}

const (
	fieldFileVersion = 3
	fieldSummary     = 5
)

// event begins an Event of tensorflow/core/util/event.proto.
func event(t time.Time, step int) message {
	return message{}.double(1, float64(t.UnixNano())/1e9).varint(2, uint64(step))
}

// scalarValue is a Summary.Value with a simple_value.
func scalarValue(tag string, v float64) message {
	return message{}.str(1, tag).float(2, float32(v))
}

// imageValue is a Summary.Value with a PNG.
func imageValue(tag string, img image.Image) (message, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return message{}, fmt.Errorf("image %s: %w", tag, err)
	}
	size := img.Bounds().Size()
	picture := message{}.varint(1, uint64(size.Y)).varint(2, uint64(size.X)).varint(3, 4).bytes(4, b.Bytes())
	return message{}.str(1, tag).msg(4, picture), nil
}
