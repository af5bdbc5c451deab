package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/pipeline/data"
)

// journal notes what files of the user were before an operation changed them.
// It exists while the operation runs; found without its owner, it is undone.
type journal struct {
	What  string // "exp run" or "exp apply", for messages
	Files []journalFile
	Outs  []journalOut // outputs that the DVC cache keeps
}

// journalOut is an output by its path from the root of the DVC repository, and
// what shows that it was written since.
type journalOut struct {
	Path  string
	Size  int64 // -1: there was none
	Mtime int64
}

// journalFile is one file, by its path from the top of the working tree.
type journalFile struct {
	Path string
	Mode git.Mode // 0: there was none
	Old  git.ID   // blob with the former content
	// New is the blob that the operation writes. If the file then holds
	// something else, the user has edited it meanwhile and it is left alone.
	// "" marks a file that only machines write, such as dvc.lock.
	New git.ID
}

// workLock is held by whatever changes the user's working tree.
type workLock struct {
	file *os.File
}

// lockPath and journalPath are in .dvc/tmp/exps: of this working tree, not of git.
func (r *Repo) lockPath() string    { return r.tmpDir("reprodl-work.lock") }
func (r *Repo) journalPath() string { return r.tmpDir("reprodl-journal.json") }

// lockWork excludes other runs and applies in this working tree, and first
// puts right what a killed one left behind.
func (r *Repo) lockWork(ctx context.Context) (*workLock, error) {
	l, err := r.tryLockWork()
	if err != nil {
		return nil, err
	}
	if l == nil {
		owner, _ := os.ReadFile(r.lockPath())
		return nil, fmt.Errorf("another experiment is running in this workspace (process %s); wait for it, or use --temp or --queue", owner)
	}
	if err := r.recoverLocked(ctx); err != nil {
		l.unlock()
		return nil, err
	}
	return l, nil
}

// tryLockWork returns nil and no error if another process has the lock. The
// system gives the lock up when its holder dies, so a kill leaves none behind.
func (r *Repo) tryLockWork() (*workLock, error) {
	if err := os.MkdirAll(r.tmpDir(), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(r.lockPath(), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	ok, err := host.TryLock(f)
	if err != nil || !ok {
		f.Close()
		return nil, err
	}
	// The id is for the message to others; the lock itself is the open file.
	f.Truncate(0)
	fmt.Fprintf(f, "%d", os.Getpid())
	return &workLock{f}, nil
}

// unlock leaves the empty file: deleting it would let two processes lock two
// files of one name.
func (l *workLock) unlock() {
	l.file.Truncate(0)
	l.file.Close()
}

// Recover ends the programs of killed runs, which would go on writing, and puts
// the working tree right after a killed run or apply. It is called by everything
// else that looks at experiments, and does nothing while the owner lives.
func (r *Repo) Recover(ctx context.Context) error {
	if err := r.endPrograms(ctx); err != nil {
		return err
	}
	if _, err := os.Lstat(r.journalPath()); err != nil {
		return nil
	}
	l, err := r.tryLockWork()
	if err != nil || l == nil {
		return err
	}
	defer l.unlock()
	return r.recoverLocked(ctx)
}

// recoverLocked undoes what the journal tells; the caller holds the lock. A
// journal that cannot be read stays, and so does the refusal to go on.
func (r *Repo) recoverLocked(ctx context.Context) error {
	// Once more: the owner may have died since.
	if err := r.endPrograms(ctx); err != nil {
		return err
	}
	data, err := os.ReadFile(r.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("%s: %w; delete it if your files are as you want them", r.journalPath(), err)
	}
	r.log.Warn(fmt.Sprintf("an interrupted '%s' has been undone", j.What))
	return r.undo(ctx, &j)
}

// begin writes the journal.
func (r *Repo) begin(j *journal) error {
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(r.journalPath(), data, nil)
}

// done forgets the journal: the operation has succeeded.
func (r *Repo) done() error {
	err := os.Remove(r.journalPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// undo gives the files their former content and forgets the journal.
func (r *Repo) undo(ctx context.Context, j *journal) error {
	var errs []error
	for _, f := range j.Files {
		if err := r.restore(ctx, f); err != nil {
			errs = append(errs, fmt.Errorf("restore %s: %w", f.Path, err))
		}
	}
	// The journal stays, so that the next call tries again.
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := r.undoOuts(ctx, j.Outs); err != nil {
		r.log.Warn("outputs were not restored: " + err.Error())
	}
	r.sweep(j)
	return r.done()
}

// sweep removes half-written files that a killed process left beside those of
// the journal.
func (r *Repo) sweep(j *journal) {
	dirs := map[string]bool{r.tmpDir(): true}
	for _, f := range j.Files {
		dirs[filepath.Dir(filepath.Join(r.git.Root(), filepath.FromSlash(f.Path)))] = true
	}
	for _, o := range j.Outs {
		dirs[filepath.Dir(filepath.Join(r.root, filepath.FromSlash(o.Path)))] = true
	}
	for dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), atomicfile.TempPrefix) && e.Type().IsRegular() {
				os.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
}

// noteOuts records the outputs of all stages.
func (r *Repo) noteOuts(j *journal) {
	w := &work{root: r.root}
	items, err := w.items()
	if err != nil {
		return // the run will say it
	}
	for _, item := range items {
		if item.File == nil {
			continue
		}
		for _, st := range item.File.Stages {
			for _, o := range st.Outs {
				if full := st.Path(o.Path); !o.NoCache && filepath.IsLocal(filepath.FromSlash(full)) {
					j.Outs = append(j.Outs, r.outNow(full))
				}
			}
		}
	}
}

// outNow is the state of an output by the size and time of the path itself; of a
// directory, that of its list of names only.
func (r *Repo) outNow(name string) journalOut {
	fi, err := os.Lstat(filepath.Join(r.root, filepath.FromSlash(name)))
	if err != nil {
		return journalOut{Path: name, Size: -1}
	}
	return journalOut{name, fi.Size(), fi.ModTime().UnixNano()}
}

// undoOuts checks out, from the cache, the outputs that were there and have
// been written or deleted since. What the cache lacks stays.
func (r *Repo) undoOuts(ctx context.Context, outs []journalOut) error {
	var changed []string
	for _, o := range outs {
		// An output that there was none of before is kept.
		if o.Size >= 0 && r.outNow(o.Path) != o {
			changed = append(changed, filepath.FromSlash(o.Path))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	w := &work{repo: r, git: r.git, root: r.root, dir: r.root}
	p, err := w.open()
	if err != nil {
		return err
	}
	_, err = p.Checkout(ctx, &data.CheckoutOptions{Force: true, AllowMissing: true, Recorded: true}, changed...)
	return err
}
