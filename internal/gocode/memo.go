package gocode

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// memo remembers packages by build context and directory. A package of a local
// module counts only while the stamp of its directory is the same; one of a
// versioned module never changes.
type memo struct {
	file    string
	pkgs    map[string]*pkg
	changed bool
}

func openMemo(file string) *memo {
	m := &memo{file: file, pkgs: map[string]*pkg{}}
	if file == "" {
		return m
	}
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &m.pkgs) != nil {
		m.pkgs = map[string]*pkg{}
	}
	return m
}

func (m *memo) get(key string) *pkg { return m.pkgs[key] }

func (m *memo) put(key string, p *pkg) {
	m.pkgs[key], m.changed = p, true
}

// save writes what was learned. A memo that cannot be written is only slower.
func (m *memo) save() {
	if m.file == "" || !m.changed {
		return
	}
	data, err := json.Marshal(m.pkgs)
	if err != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(m.file), 0o777) == nil {
		_ = atomicfile.WriteFile(m.file, data, nil)
	}
}

// settleTime is how old a file must be before its time can be trusted to change
// when it is written again.
const settleTime = 2 * time.Second

// stampDir stands for the names, sizes and times of the files that may belong
// to the package in a directory; settled means that all are old enough.
func stampDir(dir string, now time.Time) (stamp string, settled bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", false, err
	}
	settled = true
	var s []byte
	for _, e := range entries {
		if e.IsDir() || !strings.Contains(e.Name(), ".") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		fi, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // a dangling link
		}
		settled = settled && now.Sub(fi.ModTime()) > settleTime
		s = append(s, e.Name()...)
		s = strconv.AppendInt(append(s, ' '), fi.Size(), 36)
		s = strconv.AppendInt(append(s, ' '), fi.ModTime().UnixNano(), 36)
		s = append(s, '\n')
	}
	return string(s), settled, nil
}
