package queue

import (
	"context"
	"errors"
	"io"
	"os"
)

// logReader reads the output of a task bit by bit: from its file, or from where the
// task is.
type logReader struct {
	q    *Queue
	id   string
	name string // of the file; "" is elsewhere
	f    *os.File
	off  int64
}

func (q *Queue) readLog(t *Task) *logReader { return &logReader{q: q, id: t.ID, name: t.Log} }

// copyTo writes what is new.
func (r *logReader) copyTo(ctx context.Context, w io.Writer) error {
	if far, ok := r.q.store.(Remote); ok && r.name == "" {
		for {
			data, err := far.ReadLog(ctx, r.id, r.off)
			if err != nil || len(data) == 0 {
				return err
			}
			if _, err := w.Write(data); err != nil {
				return err
			}
			r.off += int64(len(data))
		}
	}
	if r.f == nil {
		f, err := os.Open(r.name)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		r.f = f
	}
	_, err := io.Copy(w, r.f)
	return err
}

func (r *logReader) Close() {
	if r.f != nil {
		r.f.Close()
	}
}
