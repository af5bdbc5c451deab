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

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
)

// record notes what a stage read and wrote: outputs are stored in the cache,
// and the entry goes to the run cache and, last, to the lock.
func (p *repro) record(ctx context.Context, s *stage) error {
	in, err := s.readInputs(ctx)
	if err != nil {
		return err
	}
	ignored := &ignoreLines{repo: p.r}
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
	if !p.opts.NoCommit && (p.committing || s.keepsRuns()) {
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

// Class names the kind of error for scripts.
func (e *MissingOutputError) Class() string { return "missing_output" }

// checkResults requires that all outputs are there and may be recorded, and
// hides those from git that the cache keeps.
func (p *repro) checkResults(s *stage, ignored *ignoreLines) error {
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

func (p *repro) warnEmpty(d declared) {
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
		p.r.log.Warn(fmt.Sprintf("'%s' is empty.", d.show))
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
func (p *repro) store(ctx context.Context, s *stage) ([]object.Meta, error) {
	metas := make([]object.Meta, len(s.outs))
	for i, o := range s.outs {
		legacy := false
		if o.rec.Hash.IsLegacy() {
			same, err := p.r.Hasher().Matches(ctx, o.abs, o.rec.Hash)
			if err != nil {
				return nil, err
			}
			legacy = same
		}
		var err error
		if o.cached() && !p.opts.NoCommit {
			metas[i], err = p.r.Cache().Add(ctx, p.r.Hasher(), o.abs, &object.AddOptions{Legacy: legacy, Relink: true})
		} else {
			metas[i], err = p.r.measure(ctx, o.abs, o.rec.Hash)
		}
		if err != nil {
			return nil, err
		}
	}
	return metas, nil
}

// writeData updates a .dvc file.
func (p *repro) writeData(s *stage, metas []object.Meta) error {
	for i := range s.dot.Outs {
		s.dot.Outs[i].Entry.Meta = metas[i]
		s.dot.Outs[i].Entry.NoSize = false
		s.outs[i].rec = metas[i]
	}
	data, err := s.dot.Bytes()
	if err != nil {
		return err
	}
	if _, err := atomicfile.WriteFileIfChanged(p.r.abs(s.file), data, p.r.viaTemp(true)); err != nil {
		return err
	}
	p.track(p.r.rel(p.r.abs(s.file)))
	return nil
}

// writeLock puts the entry of a finished stage into its dvc.lock. Whatever the
// order in which parallel stages finish, new entries are in that of the plan.
func (p *repro) writeLock(s *stage, entry *dvcfile.LockStage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	lock := s.project.Lock
	path := p.r.abs(lock.Path)
	old := lock.Bytes()
	if old == nil {
		p.r.log.Info(fmt.Sprintf("Generating lock file '%s'", p.r.rel(path)))
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
	p.r.log.Info(fmt.Sprintf("Updating lock file '%s'", p.r.rel(path)))
	p.tracked[p.r.rel(path)] = true
	opts := p.r.viaTemp(true)
	opts.Later = true
	if err := atomicfile.WriteFile(path, data, opts); err != nil {
		return err
	}
	if p.lockDirs == nil {
		p.lockDirs = map[string]bool{}
	}
	p.lockDirs[filepath.Dir(path)] = true
	return nil
}

// syncLocks makes the last renames of lock files durable. Once in a run is
// enough: what a power failure could bring back is the lock of an earlier
// stage, and the run cache has the entries since.
func (p *repro) syncLocks() {
	for dir := range p.lockDirs {
		if err := atomicfile.SyncDir(dir); err != nil {
			p.r.log.Warn(fmt.Sprintf("'%s' could not be synced: %v", p.r.rel(dir), err))
		}
	}
}

// placeNew moves the new entries of later stages of the plan behind that of s.
func (p *repro) placeNew(lock *dvcfile.Lock, s *stage) error {
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

// track notes files that git should know of.
func (p *repro) track(files ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range files {
		p.tracked[f] = true
	}
}
