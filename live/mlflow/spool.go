package mlflow

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dirlock"
)

// The files of a spool.
const (
	infoFile  = "run.json"   // what the run is, written once
	logFile   = "log.jsonl"  // the entries, appended
	stateFile = "state.json" // how far they have been sent, replaced
	filesDir  = "files"      // copies of images and artifacts
)

// runInfo is what the server has to know to begin a run.
type runInfo struct {
	URI          string     `json:"uri"` // without user and password
	Experiment   string     `json:"experiment,omitempty"`
	ExperimentID string     `json:"experiment_id,omitempty"`
	Name         string     `json:"run_name,omitempty"`
	RunID        string     `json:"run_id,omitempty"` // to be continued
	Tags         []keyValue `json:"tags,omitempty"`
	Start        int64      `json:"start_time"`
}

// sendState is how far a run has been sent. It is written after the server has
// answered, so what it says is true, and what it does not say may be, too.
type sendState struct {
	RunID       string `json:"run_id,omitempty"`
	ArtifactURI string `json:"artifact_uri,omitempty"`
	Creating    bool   `json:"creating,omitempty"` // a run has been asked for
	Sent        int64  `json:"sent"`               // bytes of the log
	Rejected    string `json:"rejected,omitempty"` // why the server will never take this run
}

// spool is the directory of one run. One process at a time has it, the one that
// holds its lock: its own, or a later one's after that has died.
type spool struct {
	dir    string
	info   runInfo
	unlock func() error

	mu    sync.Mutex // guards what follows
	log   *os.File   // nil in a spool that is only sent
	size  int64      // of the log, whole lines
	kept  int        // number of copies
	state sendState
}

// createSpool makes a spool below root. Its name begins with the time, so that
// runs are sent in the order in which they were started. The run's file comes
// after the lock: whoever looks for spools leaves directories without it alone.
func createSpool(root string, info runInfo) (*spool, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(root, fmt.Sprintf("%d-", info.Start))
	if err != nil {
		return nil, err
	}
	unlock, err := dirlock.Lock(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &spool{dir: dir, info: info, unlock: unlock}
	s.log, err = os.OpenFile(filepath.Join(dir, logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	var text []byte
	if err == nil {
		text, err = json.Marshal(info)
	}
	if err == nil {
		err = atomicfile.WriteFile(filepath.Join(dir, infoFile), text, nil)
	}
	if err != nil {
		return nil, errors.Join(err, s.remove(), s.close())
	}
	return s, nil
}

// openSpool takes a spool over, unless its process lives: dirlock.ErrLocked.
func openSpool(dir string) (*spool, error) {
	unlock, err := dirlock.Lock(dir)
	if err != nil {
		return nil, err
	}
	s := &spool{dir: dir, unlock: unlock}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return s, nil
}

func (s *spool) load() error {
	if err := readJSON(filepath.Join(s.dir, infoFile), &s.info); err != nil {
		return err
	}
	err := readJSON(filepath.Join(s.dir, stateFile), &s.state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fi, err := os.Stat(filepath.Join(s.dir, logFile))
	if err == nil {
		s.size = fi.Size()
	}
	return nil
}

func readJSON(file string, v any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// append adds entries in one write. A write that fails is taken back, so that
// no half line comes before whole ones.
func (s *spool) append(entries []entry) error {
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log == nil {
		return fs.ErrClosed
	}
	n, err := s.log.Write(lines.Bytes())
	if err != nil {
		return errors.Join(err, s.log.Truncate(s.size))
	}
	s.size += int64(n)
	return nil
}

// next reads the entries from offset on, as many as one request may hold, or a
// single one that needs a request of its own. It returns the offset behind
// them. A last line without end, of a process that died, is not read.
func (s *spool) next(offset int64) ([]entry, int64, error) {
	f, err := os.Open(filepath.Join(s.dir, logFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, offset, nil
	}
	if err != nil {
		return nil, offset, err
	}
	defer f.Close()
	r := bufio.NewReader(io.NewSectionReader(f, offset, 1<<62))
	var batch []entry
	var size batchSize
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return batch, offset, nil
		}
		if err != nil {
			return nil, offset, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, offset, fmt.Errorf("%s at byte %d: %w", f.Name(), offset, err)
		}
		single := e.File != nil || e.End != nil
		if len(batch) > 0 && (single || !size.fits(e, len(line))) {
			return batch, offset, nil
		}
		batch, offset = append(batch, e), offset+int64(len(line))
		if single {
			return batch, offset, nil
		}
		size.add(e, len(line))
	}
}

// batchSize counts what log-batch of MLflow limits.
type batchSize struct{ bytes, total, params, tags int }

func (b *batchSize) add(e entry, n int) {
	b.bytes += n
	b.total++
	if e.Param != nil {
		b.params++
	}
	if e.Tag != nil {
		b.tags++
	}
}

func (b batchSize) fits(e entry, n int) bool {
	const maxBytes, maxTotal, maxEach = 900_000, 1000, 100 // of a million bytes
	b.add(e, n)
	return b.bytes <= maxBytes && b.total <= maxTotal && b.params <= maxEach && b.tags <= maxEach
}

// update changes the state and writes it.
func (s *spool) update(change func(*sendState)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
	text, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(filepath.Join(s.dir, stateFile), text, nil)
}

func (s *spool) current() sendState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *spool) runID() string { return s.current().RunID }

// left reports whether the log holds what the server has not got.
func (s *spool) left() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Sent < s.size
}

// remove deletes a spool that has been sent.
func (s *spool) remove() error {
	s.mu.Lock()
	if s.log != nil {
		s.log.Close()
		s.log = nil
	}
	s.mu.Unlock()
	return os.RemoveAll(s.dir)
}

// close gives the spool up.
func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.log != nil {
		err = s.log.Close()
		s.log = nil
	}
	return errors.Join(err, s.unlock())
}
