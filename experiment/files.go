package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
)

// restore gives one file its former content.
// restore may run more than once, after a second kill: what is as it was stays.
func (r *Repo) restore(ctx context.Context, f journalFile) error {
	abs := filepath.Join(r.git.Root(), filepath.FromSlash(f.Path))
	now, mode, err := r.blobAt(abs)
	if err != nil {
		return err
	}
	// Restored already, or never changed.
	if now == f.Old && mode == f.Mode {
		return nil
	}
	// Neither the old content nor the operation's: the user's, then. If it
	// is gone, the user deleted it.
	if f.New != "" && now != f.New {
		if now != "" {
			r.log.Warn(fmt.Sprintf("'%s' was edited meanwhile and is left as it is", f.Path))
		}
		return nil
	}
	// There was no such file.
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
		// A symlink cannot be replaced in place; the name has the prefix that
		// sweep looks for.
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
	// Without Perm the mode of the file that is there is kept; it is set only
	// where the executable bit has to change.
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
	// The content goes into git before the journal names it.
	id, err := r.git.WriteBlob(f, fi.Size())
	mode := git.ModeFile
	if fi.Mode()&0o100 != 0 {
		mode = git.ModeExec
	}
	return journalFile{Path: path, Mode: mode, Old: id}, err
}
