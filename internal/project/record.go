package project

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

// Recorder notes what stages read and wrote. Several workers may use one.
type Recorder struct {
	repo *Repo
	// noCommit leaves outputs out of the cache, and runs out of the run cache.
	noCommit bool
	// everyRun keeps runs whose outputs are kept nowhere, as DVC does in commit.
	EveryRun bool
	// LockOnce names each lock file once, however many of its stages are recorded.
	LockOnce bool
	Place    map[*Stage]int // in the plan: the order of new entries in a lock

	mu      sync.Mutex                 // guards what follows, and the locks of the index
	fresh   map[*dvcfile.Lock][]*Stage // stages that got their first entry, in the order of the file
	tracked map[string]bool            // files for git, as shown
	// lockDirs are the directories of the lock files written so far.
	lockDirs map[string]bool
}

// NewRecorder makes a recorder without a plan: the order of new lock entries is
// then that of the calls.
func NewRecorder(r *Repo, noCommit bool) *Recorder {
	return &Recorder{
		repo: r, noCommit: noCommit, Place: map[*Stage]int{},
		fresh: map[*dvcfile.Lock][]*Stage{}, tracked: map[string]bool{}, lockDirs: map[string]bool{},
	}
}

// Recorded calls f while no entry is being written.
func (p *Recorder) Recorded(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Record notes what a stage read and wrote: outputs are stored in the cache,
// and the entry goes to the run cache and, last, to the lock.
func (p *Recorder) Record(ctx context.Context, s *Stage) error { return p.RecordPart(ctx, s, "") }

// RecordPart is Record, but of the stage's one output the cache takes only the files
// at and below a path in it. The recorded hash is of all that the directory holds
// now: DVC does so, and warns of what is not in the cache then.
func (p *Recorder) RecordPart(ctx context.Context, s *Stage, part string) error {
	in, err := s.ReadInputs(ctx)
	if err != nil {
		return err
	}
	ignored := &IgnoreLines{Repo: p.repo}
	if err := p.checkResults(s, ignored); err != nil {
		ignored.Undo()
		return err
	}
	metas, err := p.store(ctx, s, part)
	if err != nil {
		ignored.Undo()
		return err
	}
	// From here on the outputs are safe in the cache: lines in .gitignore stay.
	p.track(ignored.Files()...)
	if s.IsDVC() {
		if err := s.recordData(ctx, in, metas); err != nil {
			return err
		}
		return p.writeData(s)
	}
	// The inputs are those from before the outputs were stored: no other stage may
	// write them meanwhile.
	entry := s.entry(in, metas)
	// The run cache before the lock: a process that is killed in between has lost
	// only the lock's entry, and the next run restores the outputs.
	if !p.noCommit && (p.EveryRun || s.keepsRuns()) {
		if err := s.saveRun(ctx, in, entry); err != nil {
			return err
		}
	}
	return p.writeLock(s, entry)
}

// keepsRuns reports whether the outputs allow a run-cache entry: not when one
// is kept nowhere.
func (s *Stage) keepsRuns() bool {
	return !slices.ContainsFunc(s.Outs, func(o *Output) bool {
		return !o.Cached() && !o.IsMetric() && !o.IsPlot()
	})
}

// checkResults requires that all outputs are there and may be recorded, and
// hides those from git that the cache keeps.
func (p *Recorder) checkResults(s *Stage, ignored *IgnoreLines) error {
	for _, d := range s.Deps {
		p.warnEmpty(d.Declared)
	}
	for _, o := range s.Outs {
		if o.Cached() && !o.InRepo {
			return fmt.Errorf("Saving cached external output %s is not supported since DVC 3.0. "+
				"See <https://dvc.org/doc/user-guide/upgrade> for more info.", o.Show)
		}
		// Links are followed, so a dangling one is a missing output.
		fi, err := os.Stat(o.Abs)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return MissingOutput(o.Show)
		case err != nil:
			return err
		case !fi.Mode().IsRegular() && !fi.IsDir():
			return fmt.Errorf("output '%s' is not a file or directory", o.Show)
		}
		p.warnEmpty(o.Declared)
		if o.GitIgnored() {
			if err := ignored.Add(o); err != nil {
				return err
			}
		}
		if o.IsMetric() && fi.IsDir() {
			p.repo.Log.Debug(fmt.Sprintf("directory '%s' cannot be used as metrics.", o.Show)) // DVC's words
		}
		if o.IsMetric() && fi.Mode().IsRegular() {
			if text, err := isTextFile(o.Abs); err != nil {
				return err
			} else if !text {
				return fmt.Errorf("binary file '%s' cannot be used as metrics.", o.Abs)
			}
		}
	}
	return nil
}

// warnEmpty says, as DVC does, that a file has no bytes or a directory no names.
func (p *Recorder) warnEmpty(d Declared) {
	fi, err := os.Stat(d.Abs)
	if err != nil {
		return
	}
	empty := fi.Size() == 0
	if fi.IsDir() {
		dir, err := os.Open(d.Abs)
		if err != nil {
			return
		}
		names, _ := dir.Readdirnames(1)
		dir.Close()
		empty = len(names) == 0
	}
	if empty {
		p.repo.Log.Warn(fmt.Sprintf("'%s' is empty.", d.Show))
	}
}

// isTextFile judges by the first bytes, as DVC does.
func isTextFile(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	// DVC's istextfile: the first 512 bytes, no NUL, and at most 30 % of bytes
	// that are neither printable ASCII nor white space.
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
func (p *Recorder) store(ctx context.Context, s *Stage, part string) ([]object.Meta, error) {
	// One entry per output, in the order of the stage.
	metas := make([]object.Meta, len(s.Outs))
	for i, o := range s.Outs {
		legacy := false
		// What DVC 2 recorded stays in its own form while the content is the same:
		// otherwise upgrading would change every lock.
		if o.Rec.Hash.IsLegacy() {
			same, err := p.repo.Hasher().Matches(ctx, o.Abs, o.Rec.Hash)
			if err != nil {
				return nil, err
			}
			legacy = same
		}
		var err error
		if part != "" && o.Cached() && IsDir(o.Abs) {
			metas[i], err = p.repo.StorePart(ctx, Piece{o, part}, true)
		} else if o.Cached() && !p.noCommit {
			metas[i], err = p.repo.Cache().Add(ctx, p.repo.Hasher(), o.Abs, &object.AddOptions{Legacy: legacy, Relink: true})
		} else {
			metas[i], err = p.repo.Measure(ctx, o.Abs, o.Rec.Hash)
		}
		if err != nil {
			return nil, err
		}
	}
	return metas, nil
}

// StorePart puts the manifest of a directory into the cache, and the files of a part.
func (r *Repo) StorePart(ctx context.Context, o Piece, relink bool) (object.Meta, error) {
	entries, m, err := r.Hasher().Tree(ctx, o.Abs, false)
	if err != nil {
		return m, err
	}
	for _, e := range o.In(entries) {
		file := filepath.Join(o.Abs, filepath.FromSlash(e.Path))
		if _, err := r.Cache().Add(ctx, r.Hasher(), file, &object.AddOptions{Relink: relink}); err != nil {
			return m, err
		}
	}
	_, err = r.Cache().PutManifest(ctx, entries)
	return m, err
}

// recordData notes in a .dvc file what its source and its outputs are.
func (s *Stage) recordData(ctx context.Context, in *Inputs, metas []object.Meta) error {
	for i := range s.Dot.Deps {
		s.Dot.Deps[i].Entry, s.Deps[i].Rec = in.deps[i], in.deps[i]
	}
	for i := range s.Dot.Outs {
		// The whole output was measured, so that its size is known again.
		if err := s.Repo.Note(ctx, s.Outs[i].Abs, &s.Dot.Outs[i].Entry, metas[i]); err != nil {
			return err
		}
		s.Outs[i].Rec = metas[i]
	}
	return s.Dot.UpdateMD5()
}

// Note enters into a .dvc file what the output at a path is.
func (r *Repo) Note(ctx context.Context, abs string, e *dvcfile.LockEntry, m object.Meta) error {
	return e.Record(m, func() ([]dvcfile.ListedFile, error) {
		entries, _, err := r.Hasher().Tree(ctx, abs, m.Hash.IsLegacy())
		if err != nil {
			return nil, err
		}
		files := make([]dvcfile.ListedFile, len(entries))
		for i, entry := range entries {
			fi, err := os.Stat(filepath.Join(abs, filepath.FromSlash(entry.Path)))
			if err != nil {
				return nil, err
			}
			files[i] = dvcfile.ListedFile{Entry: entry, Size: fi.Size()}
		}
		return files, nil
	})
}

// WriteData writes the .dvc file of an import as it is in memory, and tells git of
// it and of the lines that hide its output.
func (p *Recorder) WriteData(s *Stage, ignored *IgnoreLines) error {
	p.track(ignored.Files()...)
	return p.writeData(s)
}

// writeData writes a .dvc file.
func (p *Recorder) writeData(s *Stage) error {
	data, err := s.Dot.Bytes()
	if err != nil {
		return err
	}
	if _, err := atomicfile.WriteFileIfChanged(p.repo.Abs(s.File), data, p.repo.ViaTemp(true)); err != nil {
		return err
	}
	p.track(p.repo.Rel(p.repo.Abs(s.File)))
	return nil
}

// WriteLock replaces the entry of a stage in its dvc.lock: what is known of its
// outputs has changed, they have not.
func (p *Recorder) WriteLock(s *Stage, entry *dvcfile.LockStage) error { return p.writeLock(s, entry) }

// writeLock puts the entry of a finished stage into its dvc.lock. Whatever the
// order in which parallel stages finish, new entries are in that of the plan.
func (p *Recorder) writeLock(s *Stage, entry *dvcfile.LockStage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	lock := s.Project.Lock
	path := p.repo.Abs(lock.Path)
	old := lock.Bytes()
	if old == nil {
		p.repo.Log.Info(fmt.Sprintf("Generating lock file '%s'", p.repo.Rel(path)))
	}
	// A new entry goes to the end, one that was there stays in its place: the diff
	// of dvc.lock shows what ran.
	isNew := lock.Stage(s.Name) == nil
	if err := lock.Set(s.Name, entry); err != nil {
		return err
	}
	if isNew {
		if err := p.placeNew(lock, s); err != nil {
			return err
		}
	}
	// Stages that run later compare with what is recorded now.
	s.setRecorded(lock.Stage(s.Name))
	data := lock.Bytes()
	if string(data) == string(old) {
		return nil
	}
	show := p.repo.Rel(path)
	if !p.LockOnce || !p.tracked[show] {
		p.repo.Log.Info(fmt.Sprintf("Updating lock file '%s'", show))
	}
	p.tracked[show] = true
	opts := p.repo.ViaTemp(true)
	// The directory is synced once for all stages, see SyncLocks.
	opts.Later = true
	if err := atomicfile.WriteFile(path, data, opts); err != nil {
		return err
	}
	p.lockDirs[filepath.Dir(path)] = true
	return nil
}

// SyncLocks makes the last renames of lock files durable. Once in a run is
// enough: what a power failure could bring back is the lock of an earlier
// stage, and the run cache has the entries since.
func (p *Recorder) SyncLocks() {
	for dir := range p.lockDirs {
		if err := atomicfile.SyncDir(dir); err != nil {
			p.repo.Log.Warn(fmt.Sprintf("'%s' could not be synced: %v", p.repo.Rel(dir), err))
		}
	}
}

// placeNew moves the new entries of later stages of the plan behind that of s.
func (p *Recorder) placeNew(lock *dvcfile.Lock, s *Stage) error {
	// list is sorted by place. Deleting and setting again moves an entry to the end.
	list := p.fresh[lock]
	at, _ := slices.BinarySearchFunc(list, s, func(a, b *Stage) int { return p.Place[a] - p.Place[b] })
	for _, later := range list[at:] {
		entry := lock.Stage(later.Name)
		if _, err := lock.Delete(later.Name); err != nil {
			return err
		}
		if err := lock.Set(later.Name, entry); err != nil {
			return err
		}
	}
	p.fresh[lock] = slices.Insert(list, at, s)
	return nil
}

// HintGit hands over what a run changed.
func (p *Recorder) HintGit(ctx context.Context) {
	var files []string
	for f := range p.tracked {
		files = append(files, f)
	}
	if err := p.repo.Track(ctx, files); err != nil {
		p.repo.Log.Warn(err.Error())
	}
}

// track notes files that git should know of.
func (p *Recorder) track(files ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range files {
		p.tracked[f] = true
	}
}
