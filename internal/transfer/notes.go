package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/reprodl/reprodl/internal/object"
)

// notes are the versions that pushes to a remote have made and not yet recorded: if
// one is killed, the next makes no second version of the same content. A note is a
// line of a file; one that is cut off or lost costs a version, and nothing else.
type notes struct {
	mu   sync.Mutex
	sent map[noted]string
	file lineFile // without a name nothing is noted
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
	n.file.name = filepath.Join(dir, hex.EncodeToString(sum[:8])+".sent")
	readLines(n.file.name, func(l noteLine) { n.sent[l.noted] = l.Version })
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
	if n.file.name == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	// It is closed at once: whoever drops the notes opens them anew.
	return errors.Join(n.file.add(noteLine{noted{key, h.String()}, version}), n.file.close())
}

func (n *notes) drop() {
	if n.file.name != "" {
		_ = os.Remove(n.file.name)
	}
}
