package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
)

// journal notes what files of the user were before an operation changed them.
// It exists while the operation runs; found without its owner, it is undone.
type journal struct {
	What  string // "exp run" or "exp apply", for messages
	Files []journalFile
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

func (r *Repo) tryLockWork() (*workLock, error) {
	if err := os.MkdirAll(r.tmpDir(), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(r.lockPath(), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	ok, err := flock(f)
	if err != nil || !ok {
		f.Close()
		return nil, err
	}
	f.Truncate(0)
	fmt.Fprintf(f, "%d", os.Getpid())
	return &workLock{f}, nil
}

func (l *workLock) unlock() {
	l.file.Truncate(0)
	l.file.Close()
}

// Recover puts the working tree right after a killed run or apply. It is
// called by everything else that looks at experiments, and does nothing while
// the owner lives.
func (r *Repo) Recover(ctx context.Context) error {
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

func (r *Repo) recoverLocked(ctx context.Context) error {
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
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return r.done()
}

func (r *Repo) restore(ctx context.Context, f journalFile) error {
	abs := filepath.Join(r.git.Root(), filepath.FromSlash(f.Path))
	now, mode, err := r.blobAt(abs)
	if err != nil {
		return err
	}
	if now == f.Old && mode == f.Mode {
		return nil
	}
	if f.New != "" && now != f.New {
		if now != "" {
			r.log.Warn(fmt.Sprintf("'%s' was edited meanwhile and is left as it is", f.Path))
		}
		return nil
	}
	if f.Mode == 0 {
		err := os.Remove(abs)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return r.writeBlob(ctx, abs, f.Mode, f.Old)
}

// blobAt returns the blob and mode that a file would have in git, zero if
// there is none.
func (r *Repo) blobAt(abs string) (git.ID, git.Mode, error) {
	fi, err := os.Lstat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(abs)
		return r.git.HashObject(git.Blob, []byte(target)), git.ModeSymlink, err
	}
	f, err := os.Open(abs)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	id, err := r.git.HashReader(f, fi.Size())
	mode := git.ModeFile
	if fi.Mode()&0o100 != 0 {
		mode = git.ModeExec
	}
	return id, mode, err
}

// writeBlob puts the content of a blob into place in one step.
func (r *Repo) writeBlob(ctx context.Context, abs string, mode git.Mode, id git.ID) error {
	if err := os.MkdirAll(filepath.Dir(abs), 0o777); err != nil {
		return err
	}
	if mode == git.ModeSymlink {
		_, target, err := r.git.Object(ctx, id)
		if err != nil {
			return err
		}
		tmp := filepath.Join(filepath.Dir(abs), atomicfile.TempPrefix+string(id[:12]))
		os.Remove(tmp)
		if err := os.Symlink(string(target), tmp); err != nil {
			return err
		}
		return os.Rename(tmp, abs)
	}
	if fi, err := os.Lstat(abs); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		if err := os.Remove(abs); err != nil { // atomicfile would follow it
			return err
		}
	}
	opts := &atomicfile.Options{}
	if fi, err := os.Stat(abs); mode == git.ModeExec || (err == nil && fi.Mode()&0o100 != 0) {
		opts.Perm = 0o644
		if mode == git.ModeExec {
			opts.Perm = 0o755
		}
	}
	f, err := atomicfile.Create(abs, opts)
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := r.git.Copy(ctx, f, id); err != nil {
		return err
	}
	return f.Commit()
}

// note records the present state of a file for a journal.
func (r *Repo) note(path string) (journalFile, error) {
	abs := filepath.Join(r.git.Root(), filepath.FromSlash(path))
	fi, err := os.Lstat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return journalFile{Path: path}, nil
	}
	if err != nil {
		return journalFile{}, err
	}
	if !fi.Mode().IsRegular() {
		return journalFile{}, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(abs)
	if err != nil {
		return journalFile{}, err
	}
	defer f.Close()
	id, err := r.git.WriteBlob(f, fi.Size())
	mode := git.ModeFile
	if fi.Mode()&0o100 != 0 {
		mode = git.ModeExec
	}
	return journalFile{Path: path, Mode: mode, Old: id}, err
}
