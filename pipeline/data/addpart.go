package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// addPart refreshes one path inside a tracked directory.
func (r *Repo) addPart(ctx context.Context, job *addJob, entry *dvcfile.LockEntry, opts *AddOptions) error {
	rel, err := filepath.Rel(job.out.Abs, job.abs)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	var old []object.Entry
	if !entry.Hash.IsZero() {
		if listed, ok := entry.Listed(); ok {
			old = listed
		} else if old, err = r.manifest(ctx, job.out, entry.Hash); err != nil {
			return fmt.Errorf("could not read '%s': %w", entry.Hash, err)
		}
	}
	// The entries at and below the path are replaced; all others stay, whether
	// their files are in the workspace or not: that is the use of adding a part.
	kept := slices.DeleteFunc(slices.Clone(old), func(e object.Entry) bool {
		return e.Path == rel || strings.HasPrefix(e.Path, rel+"/")
	})
	replaced := len(kept) != len(old)
	m, err := r.storeOut(ctx, job.abs, object.Hash{}, opts.NoCommit, !opts.NoRelink)
	switch {
	case errors.Is(err, fs.ErrNotExist) && replaced: // the path was deleted
	case errors.Is(err, fs.ErrNotExist):
		return &missingAddError{abs: job.abs}
	case err != nil:
		return err
	default:
		job.hash = m.Hash
		part, err := r.entriesOf(ctx, job.abs, rel, m)
		if err != nil {
			return err
		}
		kept = append(kept, part...)
	}
	_, h, err := object.HashManifest(kept)
	if err != nil {
		return err
	}
	if !opts.NoCommit {
		// The manifest goes last, after the objects that it names.
		if _, err := r.p.Cache().PutManifest(ctx, kept); err != nil {
			return err
		}
	}
	// dvc-data knows the size of what it added, not of what it replaced. It then
	// leaves the size out of the .dvc file, and so do we, until all is added again.
	if _, listed := entry.Listed(); listed {
		return r.notePart(entry, job.out.Abs, object.Meta{Hash: h, Files: len(kept)}, kept)
	}
	switch {
	case !replaced && !entry.NoSize && entry.Size > 0:
		entry.Size += m.Size
	case h == entry.Hash:
	default:
		entry.Size, entry.NoSize = 0, true
	}
	entry.Hash, entry.Files = h, len(kept)
	return nil
}

// notePart enters a part into an entry that lists its files.
func (r *Repo) notePart(entry *dvcfile.LockEntry, abs string, m object.Meta, kept []object.Entry) error {
	return entry.Record(m, func() ([]dvcfile.ListedFile, error) {
		files := make([]dvcfile.ListedFile, len(kept))
		for i, e := range kept {
			files[i].Entry = e
			// The size of what is not here is in the list already.
			if fi, err := os.Stat(filepath.Join(abs, filepath.FromSlash(e.Path))); err == nil {
				files[i].Size = fi.Size()
			}
		}
		return files, nil
	})
}

// manifest reads what a tracked directory holds. A manifest that is not in the cache,
// as in a fresh clone, is fetched.
func (r *Repo) manifest(ctx context.Context, o *project.Output, h object.Hash) ([]object.Entry, error) {
	entries, err := r.p.Cache().Tree(h)
	if !errors.Is(err, object.ErrMissing) {
		return entries, err
	}
	store, rerr := transfer.Open(ctx, r.p, o.Remote, nil)
	if rerr != nil {
		return nil, err
	}
	return store.FetchTree(ctx, h)
}

// entriesOf lists what was added at rel: a file, or the files of a directory.
func (r *Repo) entriesOf(ctx context.Context, abs, rel string, m object.Meta) ([]object.Entry, error) {
	if !m.Hash.IsDir() {
		return []object.Entry{{Path: rel, Hash: m.Hash}}, nil
	}
	list, _, err := r.p.Hasher().Tree(ctx, abs, false)
	for i := range list {
		list[i].Path = rel + "/" + list[i].Path
	}
	return list, err
}
