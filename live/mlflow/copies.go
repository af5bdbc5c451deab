package mlflow

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// keep copies data into the spool and returns the path of the copy there.
func (s *spool) keep(data []byte) (string, error) {
	name, err := s.newFile()
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(filepath.Join(s.dir, filepath.FromSlash(name)), data, 0o600)
}

// newFile names a copy that does not exist yet.
func (s *spool) newFile() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept++
	return path.Join(filesDir, fmt.Sprint(s.kept)), os.MkdirAll(filepath.Join(s.dir, filesDir), 0o700)
}

// keepTree copies a file, or the regular files of a directory.
func (s *spool) keepTree(root, name string) ([]entry, error) {
	var out []entry
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if fi, err := os.Stat(p); err != nil || !fi.Mode().IsRegular() {
			return err // links are followed to files, not to directories
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		copied, err := s.keepFile(p)
		out = append(out, entry{File: &upload{copied, path.Join(name, filepath.ToSlash(rel))}})
		return err
	})
	return out, err
}

func (s *spool) keepFile(file string) (string, error) {
	name, err := s.newFile()
	if err != nil {
		return "", err
	}
	in, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(s.dir, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	return name, errors.Join(err, out.Close())
}
