package transfer

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
)

// lineFile is a file of values, one a line as JSON. It is made with the first one. A
// line that was cut off when its writer died is passed over, and spoils no other.
type lineFile struct {
	name string
	f    *os.File // nil: nothing has been added yet
}

// readLines calls each with what a file has; one that can't be read has nothing.
func readLines[T any](name string, each func(T)) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v T
		if json.Unmarshal(lines.Bytes(), &v) == nil {
			each(v)
		}
	}
}

// add appends a value. The file stays open until close.
func (l *lineFile) add(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if l.f == nil {
		if err := os.MkdirAll(filepath.Dir(l.name), 0o777); err != nil {
			return err
		}
		if l.f, err = os.OpenFile(l.name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666); err != nil {
			l.f = nil
			return err
		}
		line = append([]byte("\n"), line...) // after one that was cut off
	}
	_, err = l.f.Write(append(line, '\n'))
	return err
}

func (l *lineFile) close() error {
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close()
}
