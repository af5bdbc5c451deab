package transfer

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"

	"github.com/reprodl/reprodl/internal/object"
)

// notes are the versions that pushes to a remote have made and not yet recorded: if
// one is killed, the next makes no second version of the same content. A note is a
// line of a file; one that is cut off or lost costs a version, and nothing else.
type notes struct {
	file string // empty = nothing is noted

	mu   sync.Mutex
	sent map[noted]string
}

type noted struct {
	Key string
	MD5 string
}

type noteLine struct {
	noted
	Version string
}

func openNotes(dir, url string) *notes {
	n := &notes{sent: map[noted]string{}}
	if dir == "" {
		return n
	}
	sum := sha256.Sum256([]byte(url))
	n.file = filepath.Join(dir, hex.EncodeToString(sum[:8])+".sent")
	f, err := os.Open(n.file)
	if err != nil {
		return n
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l noteLine
		if json.Unmarshal(lines.Bytes(), &l) == nil {
			n.sent[l.noted] = l.Version
		}
	}
	return n
}

// of is the version that was sent of a file with a content.
func (n *notes) of(key string, h object.Hash) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	version, ok := n.sent[noted{key, h.String()}]
	return version, ok
}

func (n *notes) add(key string, h object.Hash, version string) error {
	if n.file == "" {
		return nil
	}
	line, err := json.Marshal(noteLine{noted{key, h.String()}, version})
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(n.file), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(n.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (n *notes) drop() {
	if n.file != "" {
		_ = os.Remove(n.file)
	}
}
