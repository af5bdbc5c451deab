package pipeline

import (
	"bytes"
	"io"
	"sync"
)

// prefixer writes whole lines with the address of a stage in front, so that
// what parallel stages print can be told apart.
type prefixer struct {
	out    io.Writer
	lock   *sync.Mutex // held while a line is written: stages share the writer
	prefix string
	mu     sync.Mutex
	line   []byte // begun, not ended
}

func newPrefixer(lock *sync.Mutex, out io.Writer, addr string) *prefixer {
	return &prefixer{out: out, lock: lock, prefix: addr + " | "}
}

func (w *prefixer) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, data...)
	// Only whole lines are written: parts of two stages' lines would mix.
	for {
		i := bytes.IndexByte(w.line, '\n')
		if i < 0 {
			return len(data), nil
		}
		if err := w.print(w.line[:i+1]); err != nil {
			return 0, err
		}
		w.line = w.line[i+1:]
	}
}

func (w *prefixer) print(line []byte) error {
	if w.out == nil {
		return nil
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	_, err := w.out.Write(append([]byte(w.prefix), line...))
	return err
}

// flush ends a line that the command left open.
func (w *prefixer) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.line) > 0 {
		_ = w.print(append(w.line, '\n'))
		w.line = nil
	}
}
