package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/params"
)

// edit is what -S asks for in one file.
type edit struct {
	File      string // as given, relative to the working directory
	Overrides []string
}

// parseSet groups overrides by file, in order of appearance. A colon left of
// the first '=' ends the name of a file.
func parseSet(set []string) []edit {
	var list []edit
	for _, s := range set {
		file, override := params.SplitFile(s)
		file = filepath.ToSlash(filepath.Clean(file))
		found := false
		for i := range list {
			if list[i].File == file {
				list[i].Overrides = append(list[i].Overrides, override)
				found = true
			}
		}
		if !found {
			list = append(list, edit{file, []string{override}})
		}
	}
	return list
}

// edited is a parameter file with its new content.
type edited struct {
	abs  string
	data []byte
}

// write leaves the file alone if it has that content, so that its time does not
// change without reason.
func (e edited) write() error {
	_, err := atomicfile.WriteFileIfChanged(e.abs, e.data, nil)
	return err
}

// prepareEdits works out the new content of parameter files without writing
// them, and notes them in the journal, if there is one.
func (r *Repo) prepareEdits(root, dir string, edits []edit, j *journal) ([]edited, error) {
	var list []edited
	for _, e := range edits {
		abs := filepath.Join(dir, filepath.FromSlash(e.File))
		rel, err := filepath.Rel(root, abs)
		// An experiment could not hold a file that lies elsewhere.
		if err != nil || !filepath.IsLocal(rel) {
			return nil, fmt.Errorf("'%s' is outside of the repository", e.File)
		}
		// Nothing is written before all files were found to be right.
		data, err := overridden(abs, e)
		if err != nil {
			return nil, err
		}
		list = append(list, edited{abs, data})
		if j == nil {
			continue
		}
		top, err := filepath.Rel(r.git.Root(), abs)
		if err != nil {
			return nil, err
		}
		n, err := r.note(filepath.ToSlash(top))
		if err != nil {
			return nil, err
		}
		// With it, undo can tell the run's content from the user's.
		n.New = r.git.HashObject(git.Blob, data)
		j.Files = append(j.Files, n)
	}
	return list, nil
}

// overridden returns the content that a file has after the overrides.
func overridden(abs string, e edit) ([]byte, error) {
	data, err := os.ReadFile(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("'%s' does not exist", e.File)
	}
	if err != nil {
		return nil, err
	}
	out, err := params.Apply(e.File, data, e.Overrides...)
	return out, setError(err)
}

// setError introduces a refused override as DVC does.
func setError(err error) error {
	switch {
	case errors.Is(err, params.ErrSweep):
		return &messageError{"Sweep overrides can't be used without `--queue`", err}
	case errors.Is(err, params.ErrOverride):
		return fmt.Errorf("Invalid `--set-param` value: %w", err)
	}
	return err
}
