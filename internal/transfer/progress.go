package transfer

import (
	"sync"
	"time"
)

// Phase is what a transfer is doing.
type Phase string

// The phases, in the order in which they come.
const (
	Querying    Phase = "querying" // what the remote has
	Uploading   Phase = "uploading"
	Downloading Phase = "downloading"
	Removing    Phase = "removing" // what nothing needs
)

// Progress is how far a transfer is.
type Progress struct {
	Phase      Phase
	Remote     string // name
	Files      int    // done
	TotalFiles int    // 0 = not known
	Bytes      int64  // moved; those of a try that failed are taken back
	TotalBytes int64  // 0 = not known
}

// meter counts and reports, not more often than people can read.
type meter struct {
	report func(Progress)

	mu   sync.Mutex
	now  Progress
	last time.Time
}

const reportEvery = 100 * time.Millisecond

// newMeter reports at once, so that a phase shows before its first object is done.
func (s *Store) newMeter(phase Phase, files int, bytes int64) *meter {
	m := &meter{report: s.opts.Progress, now: Progress{Phase: phase, Remote: s.Name, TotalFiles: files, TotalBytes: bytes}}
	m.add(0, 0)
	return m
}

// add calls report under the lock: reports never overlap, and come in order.
func (m *meter) add(files int, bytes int64) {
	if m.report == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Files += files
	m.now.Bytes += bytes
	if now := time.Now(); now.Sub(m.last) >= reportEvery {
		m.last = now
		m.report(m.now)
	}
}

// end reports the last state.
func (m *meter) end() {
	if m.report != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.report(m.now)
	}
}
