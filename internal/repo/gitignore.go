package repo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/ignore"
)

// AddGitignore makes git ignore the file or directory at an absolute path, by a
// line in the .gitignore beside it, unless git ignores it already. git is the
// root of the git work tree. It returns the file it changed, or "". opts say how it is written.
func AddGitignore(git *ignore.Tree, path string, opts *atomicfile.Options) (string, error) {
	if git.IgnoredPath(path, false) {
		return "", nil
	}
	file := filepath.Join(filepath.Dir(path), ".gitignore")
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	// The slash ties the pattern to this directory.
	line := "/" + ignore.Quote(filepath.Base(path))
	if hasLine(string(data), line) {
		return "", nil
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	data = append(data, line+"\n"...)
	if err := atomicfile.WriteFile(file, data, opts); err != nil {
		return "", err
	}
	// The tree keeps the patterns it has read.
	git.Forget(filepath.Dir(path))
	return file, nil
}

// RemoveGitignore takes the line for an absolute path out of the .gitignore
// beside it, and deletes the file if nothing is left. It returns the file it
// changed, or "".
//
// DVC looks for the name as it is, and so never finds the line of a name with
// characters it had escaped; here both spellings are removed.
func RemoveGitignore(git *ignore.Tree, path string, opts *atomicfile.Options) (string, error) {
	file := filepath.Join(filepath.Dir(path), ".gitignore")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	name := filepath.Base(path)
	plain, quoted := strings.TrimSpace("/"+name), strings.TrimSpace("/"+ignore.Quote(name))
	var kept strings.Builder
	changed := false
	for line := range strings.SplitAfterSeq(string(data), "\n") {
		if t := strings.TrimSpace(line); t == plain || t == quoted {
			changed = true
			continue
		}
		kept.WriteString(line)
	}
	if !changed && len(data) > 0 {
		return "", nil
	}
	git.Forget(filepath.Dir(path))
	if kept.Len() == 0 {
		return file, os.Remove(file)
	}
	return file, atomicfile.WriteFile(file, []byte(kept.String()), opts)
}

// hasLine reports a line that is exactly this, blanks included.
func hasLine(text, line string) bool {
	for l := range strings.SplitSeq(text, "\n") {
		if l == line {
			return true
		}
	}
	return false
}
