// Package repo is the .dvc directory: finding and making one, its
// configuration, the locks that exclude other processes (DVC's among them),
// and the lines that DVC keeps in .gitignore files.
package repo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/ignore"
)

// ErrNotFound says that no directory upwards is a repository.
var ErrNotFound = errors.New("not inside of a DVC repository")

// Find returns the nearest directory upwards from dir, an absolute path, that
// has a .dvc directory.
func Find(dir string) (string, error) { return findUp(dir, ".dvc", true) }

// FindGit returns the nearest directory upwards that has a .git (a directory, or
// the file of a linked work tree), or "".
func FindGit(dir string) string {
	root, err := findUp(dir, ".git", false)
	if err != nil {
		return ""
	}
	return root
}

// findUp goes from dir towards the root of the file system to the first
// directory that has name. What cannot be looked at counts as missing.
func findUp(dir, name string, mustBeDir bool) (string, error) {
	for {
		if fi, err := os.Stat(filepath.Join(dir, name)); err == nil && (fi.IsDir() || !mustBeDir) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", ErrNotFound
		}
		dir = up
	}
}

// InitOptions: nil means none.
type InitOptions struct {
	NoSCM  bool // outside of git; nothing is added to .gitignore then
	Subdir bool // dir may be below the root of a git repository
	Force  bool // replace a repository that is there, its cache included
}

const ignoreText = `# Add patterns of files dvc should ignore, which could improve
# the performance. Learn more at
# https://dvc.org/doc/user-guide/dvcignore
`

// Init makes dir, an absolute path, a DVC repository. It returns the
// files that git is to track.
func Init(dir string, opts *InitOptions) ([]string, error) {
	if opts == nil {
		opts = new(InitOptions)
	}
	if opts.NoSCM && opts.Subdir {
		return nil, message("Cannot initialize repo with `--no-scm` and `--subdir`")
	}
	dvc := filepath.Join(dir, ".dvc")
	if err := checkInit(dir, dvc, opts); err != nil {
		return nil, err
	}
	// checkInit let a repository that is there pass only with Force.
	if err := os.RemoveAll(dvc); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dvc, "tmp"), 0o777); err != nil {
		return nil, err
	}
	// btime is empty: its modification time is what counts, the time when this
	// repository was made.
	files := map[string]string{filepath.Join(dvc, "config"): "", filepath.Join(dvc, "tmp", "btime"): ""}
	// tracked[1] is the .dvcignore, which is kept if it is there.
	tracked := []string{filepath.Join(dvc, "config"), filepath.Join(dir, ".dvcignore")}
	if opts.NoSCM {
		files[filepath.Join(dvc, "config")] = "[core]\n    no_scm = True\n"
	} else {
		files[filepath.Join(dvc, ".gitignore")] = OwnIgnored
		tracked = append(tracked, filepath.Join(dvc, ".gitignore"))
	}
	if _, err := os.Stat(tracked[1]); err != nil {
		files[tracked[1]] = ignoreText
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return nil, err
		}
	}
	return tracked, nil
}

// OwnIgnored is the .gitignore in .dvc: what belongs to one copy of a repository alone.
const OwnIgnored = "/config.local\n/tmp\n/cache\n"

// checkInit refuses, in DVC's words, a directory that is not the top of a git
// work tree, one whose .dvc git would ignore, and one that is a repository
// already.
func checkInit(dir, dvc string, opts *InitOptions) error {
	if !opts.NoSCM {
		git := FindGit(dir)
		if git == "" || git != dir && !opts.Subdir {
			return messagef("%s is not tracked by any supported SCM tool (e.g. Git). Use `--no-scm` if you don't want to use any SCM or "+
				"`--subdir` if initializing inside a subdirectory of a parent SCM repository.", dir)
		}
		if ignore.Git(git, "").IgnoredPath(dvc, true) {
			return messagef("%s is ignored by your SCM tool. \nMake sure that it's tracked, for example, by adding '!.dvc' to .gitignore.", dvc)
		}
	}
	if _, err := os.Stat(dvc); err == nil && !opts.Force {
		return message("'.dvc' exists. Use `-f` to force.")
	}
	return nil
}

// message is an error with a text of DVC's.
type message string

func (m message) Error() string { return string(m) }

func messagef(format string, args ...any) error { return message(fmt.Sprintf(format, args...)) }
