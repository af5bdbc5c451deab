package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxKept bounds the rows of one metric, in bytes, that are kept while the
// disk refuses them.
const maxKept = 16 << 20

// historyFile is the end of a TSV file that rows are appended to.
type historyFile struct {
	path    string
	out     []byte // whole rows to be written
	stamped bool   // the first of them has a timestamp
	resumed bool   // the file is an earlier run's, and has not been looked at
	from    int    // the step that the earlier run is resumed at
}

var errDropped = errors.New("the disk has refused rows for too long; rows are being dropped")

// take adds rows to those to be written.
func (h *historyFile) take(rows []byte) error {
	if len(h.out)+len(rows) > maxKept && len(h.out) > maxPending {
		return fmt.Errorf("%s: %w", h.path, errDropped)
	}
	h.out = append(h.out, rows...)
	return nil
}

// write appends the rows in one write, after a header where the file is new.
// If they can't all be written, the file is put back to its size before, so
// that no reader meets half a line.
func (h *historyFile) write(s *series) error {
	if h.resumed {
		if err := dropFrom(h.path, h.from); err != nil {
			return err
		}
		h.resumed = false
	}
	f, err := h.open()
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	rows := h.out
	// The file is new, or its header could not be written.
	if size == 0 {
		rows = append(s.appendHeader(nil, h.stamped), rows...)
	}
	if _, err := f.Write(rows); err != nil {
		// A full disk takes a part of a write. Nobody else appends (the
		// directory is locked), so cutting back to the size before is safe.
		return errors.Join(err, f.Truncate(size))
	}
	h.out = h.out[:0]
	return nil
}

// open opens the file for appending, and makes its folders if it must: also
// those that a name passes through on its way, as in "a/../b".
func (h *historyFile) open() (*os.File, error) {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
	f, err := os.OpenFile(h.path, flags, 0o666)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := makeRawDirs(h.path); err != nil {
		return nil, err
	}
	return os.OpenFile(h.path, flags, 0o666)
}

// makeRawDirs makes the parents of a path that may hold "..".
func makeRawDirs(path string) error {
	sep := string(filepath.Separator)
	dir := path[:strings.LastIndex(path, sep)]
	if !strings.Contains(dir, sep+"..") {
		return os.MkdirAll(dir, 0o777)
	}
	for i := range len(dir) {
		if dir[i] == filepath.Separator && i > 0 {
			if err := os.MkdirAll(dir[:i], 0o777); err != nil {
				return err
			}
		}
	}
	return os.MkdirAll(dir, 0o777)
}

// dropFrom cuts off the rows at the end of a history whose step is from or
// later, and a last line that isn't complete: a run that died after its last
// summary left them, and the resumed run logs these steps again.
func dropFrom(path string, from int) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	keep, err := keepUntil(f, size, from)
	if err != nil || keep == size {
		return err
	}
	return f.Truncate(keep)
}

// keepUntil returns the size that remains of a history without the rows at its
// end from the given step on. It reads backwards, so that a long history costs
// no more than a short one.
func keepUntil(f io.ReaderAt, size int64, from int) (int64, error) {
	const block = 64 << 10
	column, err := stepColumn(f, size)
	if err != nil {
		return 0, err
	}
	// Invariants: tail is the file from start on, up to keep; everything from
	// keep to the end is to be dropped; no line in it has been looked at twice.
	var tail []byte
	keep, start := size, size
	for start > 0 {
		n := min(block, start)
		buf := make([]byte, n, n+int64(len(tail)))
		if _, err := f.ReadAt(buf, start-n); err != nil && err != io.EOF {
			return 0, err
		}
		start -= n
		tail = append(buf, tail...)
		for {
			end := bytes.LastIndexByte(tail, '\n') + 1
			if end < len(tail) { // an incomplete line
				if end == 0 {
					break // its start is in an earlier block
				}
				keep, tail = start+int64(end), tail[:end]
				continue
			}
			if end == 0 {
				break
			}
			line := bytes.LastIndexByte(tail[:end-1], '\n') + 1
			if line == 0 && start > 0 {
				break
			}
			if start+int64(line) == 0 || !lineFrom(tail[line:end-1], column, from) {
				return keep, nil
			}
			keep, tail = start+int64(line), tail[:line]
		}
	}
	if len(tail) > 0 {
		return 0, nil // not even the header is complete
	}
	return keep, nil
}

// stepColumn finds the column of the steps in the header.
func stepColumn(f io.ReaderAt, size int64) (int, error) {
	buf := make([]byte, min(size, 4096))
	if _, err := f.ReadAt(buf, 0); err != nil && err != io.EOF {
		return 0, err
	}
	header, _, _ := bytes.Cut(buf, []byte("\n"))
	for i, name := range strings.Split(strings.TrimSuffix(string(header), "\r"), "\t") {
		if name == "step" {
			return i, nil
		}
	}
	return 0, nil
}

// lineFrom reports whether a row's step is from or later. A row with another
// number of columns than the header has its step before its last cell.
func lineFrom(line []byte, column, from int) bool {
	cells := bytes.Split(bytes.TrimSuffix(line, []byte("\r")), []byte("\t"))
	if n := len(cells); n > 1 {
		column = n - 2
	}
	if column >= len(cells) {
		return false
	}
	step, err := strconv.ParseFloat(string(cells[column]), 64)
	return err == nil && step >= float64(from)
}

// trimTorn cuts off an incomplete last line of every history below dir.
func trimTorn(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".tsv") {
			return err
		}
		// No step is as late as that: complete rows stay.
		return dropFrom(path, int(^uint(0)>>1))
	})
}
