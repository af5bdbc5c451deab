package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/object"
)

// Came notes what plain files turned out to be, so that of a directory whose transfer
// died the next process asks only for the files that had not come. A note is a line of
// a file; one that is cut off or lost costs a download, and nothing else. Nil notes
// nothing. It is safe for concurrent use.
type Came struct {
	mu    sync.Mutex
	notes map[string]object.Meta // by state
	file  lineFile
}

type cameLine struct {
	State string `json:"state"`
	MD5   string `json:"md5"`
	Size  int64  `json:"size"`
}

// OpenCame reads the notes in a file, which is made when there is something to note.
func OpenCame(file string) *Came {
	c := &Came{file: lineFile{name: file}, notes: map[string]object.Meta{}}
	readLines(file, func(l cameLine) {
		if h, err := object.ParseHash(l.MD5); err == nil {
			c.notes[l.State] = object.Meta{Hash: h, Size: l.Size}
		}
	})
	return c
}

// CameFrom are the notes of what comes from an address to the cache, below a directory
// for notes. Those that nobody has gone on with for a week are removed.
func CameFrom(dir string, address ...string) *Came {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > 7*24*time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return OpenCame(filepath.Join(dir, sumName(address)))
}

func sumName(v any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", v))
	return hex.EncodeToString(sum[:16])
}

func (c *Came) of(state string) (object.Meta, bool) {
	if c == nil || state == "" {
		return object.Meta{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.notes[state]
	return m, ok
}

func (c *Came) add(state string, m object.Meta) {
	if c == nil || state == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes[state] = m
	_ = c.file.add(cameLine{state, m.Hash.String(), m.Size})
}

// Close ends the use of the notes, and removes them unless there is more to come.
func (c *Came) Close(more bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.file.close()
	if !more {
		_ = os.Remove(c.file.name)
	}
}

// settled is how old a file must be for its time to tell one state of it from another:
// servers tell whole seconds.
const settled = 2 * time.Second

// State names the bytes of a file, as far as the server tells one state of it from
// another; empty: it does not.
func (s *Store) State(f Plain) string {
	state := f.Version
	if state == "" && !strings.HasPrefix(f.ETag, "W/") { // weak: other bytes may have it
		state = f.ETag
	}
	if state == "" && f.Size >= 0 && !f.Modified.IsZero() && time.Since(f.Modified) > settled {
		state = f.Modified.UTC().Format(time.RFC3339Nano)
	}
	if state == "" {
		return ""
	}
	return sumName([]string{s.URL, f.Key, state, fmt.Sprint(f.Size)})
}
