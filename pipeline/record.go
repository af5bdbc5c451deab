package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
)

// recorder notes what stages read and wrote. Several workers may use one.
type recorder struct {
	repo *Repo
	// noCommit leaves outputs out of the cache, and runs out of the run cache.
	noCommit bool
	// everyRun keeps runs whose outputs are kept nowhere, as DVC does in commit.
	everyRun bool
	place    map[*stage]int // in the plan: the order of new entries in a lock

	mu      sync.Mutex                 // guards what follows, and the locks of the index
	fresh   map[*dvcfile.Lock][]*stage // stages that got their first entry, in the order of the file
	tracked map[string]bool            // files for git, as shown
	// lockDirs are the directories of the lock files written so far.
	lockDirs map[string]bool
}

func newRecorder(r *Repo, noCommit bool) *recorder {
	return &recorder{
		repo: r, noCommit: noCommit, place: map[*stage]int{},
		fresh: map[*dvcfile.Lock][]*stage{}, tracked: map[string]bool{}, lockDirs: map[string]bool{},
	}
}

// recorded calls f while no entry is being written.
func (p *recorder) recorded(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// record notes what a stage read and wrote: outputs are stored in the cache,
// and the entry goes to the run cache and, last, to the lock.
func (p *recorder) record(ctx context.Context, s *stage) error {
	in, err := s.readInputs(ctx)
	if err != nil {
		return err
	}
	ignored := &ignoreLines{repo: p.repo}
	if err := p.checkResults(s, ignored); err != nil {
		ignored.undo()
		return err
	}
	metas, err := p.store(ctx, s)
	if err != nil {
		ignored.undo()
		return err
	}
	p.track(ignored.files()...)
	if s.isDVC() {
		return p.writeData(s, metas)
	}
	entry := s.entry(in, metas)
	if !p.noCommit && (p.everyRun || s.keepsRuns()) {
		if err := s.saveRun(ctx, in, entry); err != nil {
			return err
		}
	}
	return p.writeLock(s, entry)
}

// keepsRuns reports whether the outputs allow a run-cache entry: not when one
// is kept nowhere.
func (s *stage) keepsRuns() bool {
	return !slices.ContainsFunc(s.outs, func(o *output) bool {
		return !o.cached() && !o.isMetric() && !o.isPlot()
	})
}

// MissingOutputError says that a stage did not make what it declares.
type MissingOutputError struct{ Path string }

func (e *MissingOutputError) Error() string {
	return fmt.Sprintf("output '%s' does not exist", e.Path)
}

// checkResults requires that all outputs are there and may be recorded, and
// hides those from git that the cache keeps.
func (p *recorder) checkResults(s *stage, ignored *ignoreLines) error {
	for _, d := range s.deps {
		p.warnEmpty(d.declared)
	}
	for _, o := range s.outs {
		if o.cached() && !o.inRepo {
			return fmt.Errorf("Saving cached external output %s is not supported since DVC 3.0. "+
				"See <https://dvc.org/doc/user-guide/upgrade> for more info.", o.show)
		}
		fi, err := os.Stat(o.abs)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return &MissingOutputError{o.show}
		case err != nil:
			return err
		case !fi.Mode().IsRegular() && !fi.IsDir():
			return fmt.Errorf("output '%s' is not a file or directory", o.show)
		}
		p.warnEmpty(o.declared)
		if o.gitIgnored() {
			if err := ignored.add(o); err != nil {
				return err
			}
		}
		if o.isMetric() && fi.Mode().IsRegular() {
			if text, err := isTextFile(o.abs); err != nil {
				return err
			} else if !text {
				return fmt.Errorf("binary file '%s' cannot be used as metrics.", o.abs)
			}
		}
	}
	return nil
}

func (p *recorder) warnEmpty(d declared) {
	fi, err := os.Stat(d.abs)
	if err != nil {
		return
	}
	empty := fi.Size() == 0
	if fi.IsDir() {
		dir, err := os.Open(d.abs)
		if err != nil {
			return
		}
		names, _ := dir.Readdirnames(1)
		dir.Close()
		empty = len(names) == 0
	}
	if empty {
		p.repo.log.Warn(fmt.Sprintf("'%s' is empty.", d.show))
	}
}

// isTextFile judges by the first bytes, as DVC does.
func isTextFile(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	buf := make([]byte, 512)
	n, err := f.Read(buf)
	if n == 0 && err != nil && err != io.EOF {
		return false, err
	}
	if n == 0 {
		return true, nil
	}
	other := 0
	for _, c := range buf[:n] {
		switch {
		case c == 0:
			return false, nil
		case c >= 0x20 && c <= 0x7e, c == '\n', c == '\r', c == '\t', c == '\f', c == '\b':
		default:
			other++
		}
	}
	return float64(other)/float64(n) <= 0.3, nil
}

// store hashes the outputs and puts them into the cache, unless that is not
// wanted; in the workspace they become what a checkout would have made of them.
func (p *recorder) store(ctx context.Context, s *stage) ([]object.Meta, error) {
	metas := make([]object.Meta, len(s.outs))
	for i, o := range s.outs {
		legacy := false
		if o.rec.Hash.IsLegacy() {
			same, err := p.repo.Hasher().Matches(ctx, o.abs, o.rec.Hash)
			if err != nil {
				return nil, err
			}
			legacy = same
		}
		var err error
		if o.cached() && !p.noCommit {
			metas[i], err = p.repo.Cache().Add(ctx, p.repo.Hasher(), o.abs, &object.AddOptions{Legacy: legacy, Relink: true})
		} else {
			metas[i], err = p.repo.measure(ctx, o.abs, o.rec.Hash)
		}
		if err != nil {
			return nil, err
		}
	}
	return metas, nil
}

// writeData updates a .dvc file.
func (p *recorder) writeData(s *stage, metas []object.Meta) error {
	for i := range s.dot.Outs {
		s.dot.Outs[i].Entry.Meta = metas[i]
		s.dot.Outs[i].Entry.NoSize = false
		s.outs[i].rec = metas[i]
	}
	data, err := s.dot.Bytes()
	if err != nil {
		return err
	}
	if _, err := atomicfile.WriteFileIfChanged(p.repo.abs(s.file), data, p.repo.viaTemp(true)); err != nil {
		return err
	}
	p.track(p.repo.rel(p.repo.abs(s.file)))
	return nil
}

// writeLock puts the entry of a finished stage into its dvc.lock. Whatever the
// order in which parallel stages finish, new entries are in that of the plan.
func (p *recorder) writeLock(s *stage, entry *dvcfile.LockStage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	lock := s.project.Lock
	path := p.repo.abs(lock.Path)
	old := lock.Bytes()
	if old == nil {
		p.repo.log.Info(fmt.Sprintf("Generating lock file '%s'", p.repo.rel(path)))
	}
	isNew := lock.Stage(s.name) == nil
	if err := lock.Set(s.name, entry); err != nil {
		return err
	}
	if isNew {
		if err := p.placeNew(lock, s); err != nil {
			return err
		}
	}
	s.setRecorded(lock.Stage(s.name))
	data := lock.Bytes()
	if string(data) == string(old) {
		return nil
	}
	p.repo.log.Info(fmt.Sprintf("Updating lock file '%s'", p.repo.rel(path)))
	p.tracked[p.repo.rel(path)] = true
	opts := p.repo.viaTemp(true)
	opts.Later = true
	if err := atomicfile.WriteFile(path, data, opts); err != nil {
		return err
	}
	p.lockDirs[filepath.Dir(path)] = true
	return nil
}

// syncLocks makes the last renames of lock files durable. Once in a run is
// enough: what a power failure could bring back is the lock of an earlier
// stage, and the run cache has the entries since.
func (p *recorder) syncLocks() {
	for dir := range p.lockDirs {
		if err := atomicfile.SyncDir(dir); err != nil {
			p.repo.log.Warn(fmt.Sprintf("'%s' could not be synced: %v", p.repo.rel(dir), err))
		}
	}
}

// placeNew moves the new entries of later stages of the plan behind that of s.
func (p *recorder) placeNew(lock *dvcfile.Lock, s *stage) error {
	list := p.fresh[lock]
	at, _ := slices.BinarySearchFunc(list, s, func(a, b *stage) int { return p.place[a] - p.place[b] })
	for _, later := range list[at:] {
		entry := lock.Stage(later.name)
		if _, err := lock.Delete(later.name); err != nil {
			return err
		}
		if err := lock.Set(later.name, entry); err != nil {
			return err
		}
	}
	p.fresh[lock] = slices.Insert(list, at, s)
	return nil
}

// hintGit hands over what a run changed.
func (p *recorder) hintGit(ctx context.Context) {
	var files []string
	for f := range p.tracked {
		files = append(files, f)
	}
	if err := p.repo.track(ctx, files); err != nil {
		p.repo.log.Warn(err.Error())
	}
}

// track notes files that git should know of.
func (p *recorder) track(files ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range files {
		p.tracked[f] = true
	}
}
