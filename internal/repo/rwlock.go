package repo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/params/pyjson"
)

// RWLock is DVC's table of paths that processes are reading and writing
// (.dvc/tmp/rwlock). A process has one RWLock for a repository; it is safe for
// concurrent use, and its own holders do not exclude each other.
// reads and write count, by path, the holders within this process; the table
// has one entry for all of them. mu guards both maps, and is held while the
// file is edited.
type RWLock struct {
	dir  string // .dvc/tmp
	self holder

	mu    sync.Mutex
	reads map[string]int // how many holders of this process
	write map[string]int
}

// holder identifies a process in the table.
type holder struct {
	PID int    `json:"pid"`
	Cmd string `json:"cmd"`
}

// rwTable is the file.
type rwTable struct {
	Read  map[string][]holder `json:"read"`
	Write map[string]holder   `json:"write"`
}

// BusyError says that other processes use a path.
type BusyError struct {
	Path     string
	blockers []holder
	dir      string
}

func (e *BusyError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "'%s' is busy, it is being blocked by:\n", e.Path)
	for _, h := range e.blockers {
		fmt.Fprintf(&b, "  (PID %d): %s\n", h.PID, h.Cmd)
	}
	fmt.Fprintf(&b, "\nIf there are no processes with such PIDs, you can manually remove '%s/rwlock' and try again.", filepath.ToSlash(e.dir))
	return b.String()
}

// NewRWLock returns the table in a directory (.dvc/tmp). cmd is the command line that others
// are shown.
func NewRWLock(tmpDir, cmd string) *RWLock {
	return &RWLock{dir: tmpDir, self: holder{os.Getpid(), cmd}, reads: map[string]int{}, write: map[string]int{}}
}

// Acquire enters absolute paths into the table. It does not wait: if another
// process that is alive writes one of them (or a path above or below it), or
// reads one that is to be written, the error is a *BusyError. release takes
// the paths out again; it may be called more than once.
func (l *RWLock) Acquire(ctx context.Context, read, write []string) (release func() error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.edit(ctx, func(t *rwTable) error {
		// Readers exclude writers only, writers exclude both.
		if err := l.blocked(t.writers(), slices.Concat(read, write)); err != nil {
			return err
		}
		if err := l.blocked(t.Read, write); err != nil {
			return err
		}
		t.drop(l.self)
		for _, p := range read {
			if l.reads[p] == 0 {
				t.Read[p] = append(t.Read[p], l.self)
			}
		}
		for _, p := range write {
			t.Write[p] = l.self
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Only counted once the table is written: an error leaves both as they
	// were.
	for _, p := range read {
		l.reads[p]++
	}
	for _, p := range write {
		l.write[p]++
	}
	done := false
	return func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if done {
			return nil
		}
		done = true
		return l.release(read, write)
	}, nil
}

// release takes the paths out of the counts, and those that nobody in this
// process uses any more out of the table. l.mu is held.
func (l *RWLock) release(read, write []string) error {
	return l.edit(context.Background(), func(t *rwTable) error {
		for _, p := range read {
			if l.reads[p]--; l.reads[p] == 0 {
				delete(l.reads, p)
				t.removeReader(p, l.self)
			}
		}
		for _, p := range write {
			if l.write[p]--; l.write[p] == 0 {
				delete(l.write, p)
				// Another process may hold it by now if this one was taken for
				// dead.
				if t.Write[p] == l.self {
					delete(t.Write, p)
				}
			}
		}
		return nil
	})
}

// edit changes the table under its guard.
// The guard is a file of its own, locked for the time of one change, as DVC
// does. If change fails, nothing is written.
func (l *RWLock) edit(ctx context.Context, change func(*rwTable) error) (err error) {
	unlock, err := LockFile(ctx, filepath.Join(l.dir, "rwlock.lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	path := filepath.Join(l.dir, "rwlock")
	t, err := readTable(path)
	if err != nil {
		return err
	}
	if err := change(t); err != nil {
		return err
	}
	return overwrite(path, t.encode())
}

// overwrite gives a file a new content by one write, padded with blanks to the
// length of the old, so that a killed process leaves one or the other. A rename
// would do that too, but a file made for each stage that runs is what ext4 is
// slow at.
func overwrite(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err == nil {
		for int64(len(data)) < fi.Size() {
			data = append(data, ' ')
		}
		_, err = f.WriteAt(data, 0)
	}
	if err == nil {
		// The blanks go at last; a table with blanks at its end is valid JSON
		// meanwhile.
		err = f.Truncate(int64(len(bytes.TrimRight(data, " "))))
	}
	return errors.Join(err, f.Close())
}

// readTable reads the table; a missing file is an empty one. The texts of the
// errors are DVC's, which tells broken JSON from other content.
func readTable(path string) (*rwTable, error) {
	t := new(rwTable)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if !json.Valid(data) {
			return nil, messagef("Unable to read RWLock-file %s. JSON structure is corrupted", pyjson.Repr(path))
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(t); err != nil {
			return nil, messagef("RWLock-file %s format error.", pyjson.Repr(path))
		}
	}
	if t.Read == nil {
		t.Read = map[string][]holder{}
	}
	if t.Write == nil {
		t.Write = map[string]holder{}
	}
	return t, nil
}

// encode leaves empty parts out, as DVC does.
func (t *rwTable) encode() []byte {
	out := map[string]any{}
	if len(t.Read) > 0 {
		out["read"] = t.Read
	}
	if len(t.Write) > 0 {
		out["write"] = t.Write
	}
	data, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return data
}

// writers is t.Write in the form of t.Read.
func (t *rwTable) writers() map[string][]holder {
	out := make(map[string][]holder, len(t.Write))
	for p, h := range t.Write {
		out[p] = []holder{h}
	}
	return out
}

// removeReader takes all entries of a process out of a path's readers. A path
// without readers is no key.
func (t *rwTable) removeReader(path string, h holder) {
	left := slices.DeleteFunc(t.Read[path], func(o holder) bool { return o == h })
	if len(left) == 0 {
		delete(t.Read, path)
	} else {
		t.Read[path] = left
	}
}

// blocked finds other living processes that hold a path in conflict with one of ours.
func (l *RWLock) blocked(held map[string][]holder, ours []string) error {
	for path, holders := range held {
		i := slices.IndexFunc(ours, func(p string) bool { return overlaps(p, path) })
		if i < 0 {
			continue
		}
		var alive []holder
		for _, h := range holders {
			if h != l.self && host.Alive(h.PID) {
				alive = append(alive, h)
			}
		}
		if alive != nil {
			return &BusyError{Path: ours[i], blockers: alive, dir: l.dir}
		}
	}
	return nil
}

// drop removes the entries of processes that are gone.
func (t *rwTable) drop(self holder) {
	gone := func(h holder) bool { return h.PID != self.PID && !host.Alive(h.PID) }
	for p, holders := range t.Read {
		for _, h := range holders {
			if gone(h) {
				t.removeReader(p, h)
			}
		}
	}
	for p, h := range t.Write {
		if gone(h) {
			delete(t.Write, p)
		}
	}
}

// overlaps reports whether two paths are the same or one is inside the other.
func overlaps(a, b string) bool {
	return a == b || inside(a, b) || inside(b, a)
}

// inside reports a path below another; /ab is not inside /a.
func inside(child, parent string) bool {
	rest, ok := strings.CutPrefix(child, parent)
	return ok && rest != "" && (os.IsPathSeparator(rest[0]) || os.IsPathSeparator(parent[len(parent)-1]))
}

// Check is Acquire for reading and release at once: it tells whether others are
// writing the paths. When nobody uses anything it only reads the table.
func (l *RWLock) Check(ctx context.Context, read []string) error {
	data, err := os.ReadFile(filepath.Join(l.dir, "rwlock"))
	// Read without the guard: a writer that comes right after would not have
	// been seen with it either.
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(bytes.TrimSpace(data)) == "{}" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.edit(ctx, func(t *rwTable) error {
		t.drop(l.self)
		return l.blocked(t.writers(), read)
	})
}
