package object

import (
	"context"
	"errors"
	"path/filepath"
)

// Unprotect turns what is at path into independent, writable files: links to
// the cache become copies, and modes what a new file has. Nothing but the links is read.
func (c *Cache) Unprotect(ctx context.Context, hs *Hasher, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	st, err := statPath(path, true)
	if err != nil {
		return err
	}
	if !st.isDir() {
		d, err := openDir(filepath.Dir(path))
		if err != nil {
			return err
		}
		defer d.close()
		return c.unprotect(ctx, d, filepath.Base(path))
	}
	_, err = hs.walk(ctx, path, false, func(ctx context.Context, d *dir, f *treeFile, known bool) error {
		if err := c.unprotect(ctx, d, f.name); err != nil {
			return err
		}
		// The walk is not after hashes: the file must not be remembered.
		f.st.key = statKey{ctime: now()}
		return nil
	})
	return err
}

// unprotect frees one file. A file of its own needs only its mode; a link is replaced
// by a copy, by rename, so that a kill leaves the one or the other.
func (c *Cache) unprotect(ctx context.Context, d *dir, name string) error {
	st, err := d.stat(name, false)
	if err != nil {
		return err
	}
	perm := c.newPerm()
	if !st.isSymlink() && st.nlink <= 1 {
		if st.perm() == perm {
			return nil
		}
		return d.chmod(name, perm)
	}
	s, err := c.newStage(d.path)
	if err != nil {
		return err
	}
	defer s.close()
	src, err := d.open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	tmp := tempName()
	dst, err := s.create(tmp, 0o666)
	if err != nil {
		return err
	}
	if _, err = pump(ctx, dst, src, plainSum); err != nil {
		err = s.fail("write", tmp, err)
	}
	if err = errors.Join(err, dst.Close()); err == nil {
		err = s.rename(tmp, d, name)
	}
	if err != nil {
		s.remove(tmp)
	}
	return err
}
