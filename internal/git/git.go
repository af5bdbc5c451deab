// Package git reads and writes git repositories for the packages above it.
//
// Whatever is hot and simple is done here, without a process: finding the
// repository, listing references, reading loose objects, reading the index,
// writing objects and trees. Everything else is left to the git command, which
// runs with a clean environment and reports its standard error: packed objects
// come from one long-lived `git cat-file --batch` per [Repo], references are
// updated by `git update-ref --stdin`.
//
// Nothing here touches the user's index, HEAD or working tree.
package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ErrNotRepo says that no git repository surrounds a directory.
var ErrNotRepo = errors.New("not inside a git repository")

// ErrNotFound says that a revision, reference or object does not exist.
var ErrNotFound = errors.New("not found in the git repository")

// Repo is an open repository. It is safe for concurrent use; Close ends its
// helper process, if one was started.
type Repo struct {
	// Env is the environment of git commands, less what would mislead them;
	// nil is os.Environ(). It must be set before the first use.
	Env []string

	root   string // top of the working tree; "" in a bare repository
	gitDir string // of this working tree: holds HEAD and index
	common string // shared by all working trees: objects, refs, config
	plain  bool   // references are files: not reftable
	noExec bool   // core.fileMode is false: the executable bit means nothing
	hexLen int    // 40, or 64 with sha256

	alternates []string // further object directories

	batch batch
	trees treeCache

	mu     sync.Mutex
	config Config
	index  *Index
	stamp  indexStamp
}

// Open finds the repository that contains dir, as git does: the nearest
// ancestor with a .git directory or file (a linked working tree or submodule),
// or a bare repository. It starts no process.
func Open(dir string) (*Repo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for d := abs; ; d = filepath.Dir(d) {
		gitDir, err := gitDirAt(d)
		if err != nil {
			return nil, err
		}
		if gitDir != "" {
			return open(d, gitDir)
		}
		// Only a directory without a .git in it may be a repository itself, as in
		// git.
		if isGitDir(d) {
			return open("", d)
		}
		if filepath.Dir(d) == d {
			return nil, fmt.Errorf("%s: %w; run 'git init' first", abs, ErrNotRepo)
		}
	}
}

// gitDirAt returns the git directory that d/.git is or names, or "".
//
// A directory called .git that is no repository is passed over, and the search
// goes on above; a file that does not name one is an error.
func gitDirAt(d string) (string, error) {
	dot := filepath.Join(d, ".git")
	fi, err := os.Stat(dot)
	if err != nil {
		return "", nil
	}
	if fi.IsDir() {
		if isGitDir(dot) {
			return dot, nil
		}
		return "", nil
	}
	data, err := os.ReadFile(dot)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(data), "\r\n"), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s: neither a git directory nor a 'gitdir: PATH' file", dot)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(d, target)
	}
	if !isGitDir(target) {
		return "", fmt.Errorf("%s names %s, which is not a git directory; run 'git worktree repair' or 'git submodule update --init'", dot, target)
	}
	return filepath.Clean(target), nil
}

// isGitDir applies git's own test: HEAD, objects and refs exist, the latter
// two in the common directory of a linked working tree.
func isGitDir(d string) bool {
	if _, err := os.Lstat(filepath.Join(d, "HEAD")); err != nil {
		return false
	}
	common, err := commonDir(d)
	if err != nil {
		return false
	}
	for _, name := range []string{"objects", "refs"} {
		if fi, err := os.Stat(filepath.Join(common, name)); err != nil || !fi.IsDir() {
			return false
		}
	}
	return true
}

// commonDir is the git directory that a linked working tree shares with the
// others, or gitDir itself if it is no such.
func commonDir(gitDir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return gitDir, nil
	}
	if err != nil {
		return "", err
	}
	dir := strings.TrimSpace(string(data))
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(gitDir, dir)
	}
	return filepath.Clean(dir), nil
}

// open makes the Repo of a git directory; root is empty for a bare one.
func open(root, gitDir string) (*Repo, error) {
	common, err := commonDir(gitDir)
	if err != nil {
		return nil, err
	}
	r := &Repo{root: root, gitDir: gitDir, common: common, plain: true, hexLen: 40}
	if err := r.readExtensions(); err != nil {
		return nil, err
	}
	r.alternates = alternates(filepath.Join(common, "objects"), 0)
	r.batch.repo = r
	return r, nil
}

// readExtensions looks in the repository's own config for the few settings
// that change its layout; everything else is asked of git (see [Repo.Config]).
func (r *Repo) readExtensions() error {
	data, err := os.ReadFile(filepath.Join(r.common, "config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Enough for these keys, which git writes itself, one to a line and without
	// quotes.
	section := ""
	for line := range strings.Lines(string(data)) {
		line = strings.ToLower(strings.TrimSpace(line))
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[] ")
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch section + "." + strings.TrimSpace(key) {
		case "extensions.objectformat":
			if value == "sha256" {
				r.hexLen = 64
			}
		case "extensions.refstorage":
			r.plain = value == "files"
		case "core.filemode":
			r.noExec = value == "false"
		case "core.bare":
			// core.bare is that of the main repository; a linked working tree
			// of a bare one has its files.
			if value == "true" && r.gitDir == r.common {
				r.root = ""
			}
		}
	}
	return nil
}

// alternates lists the object directories that dir borrows from.
func alternates(dir string, depth int) []string {
	data, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	// Git follows alternates five levels deep as well.
	if err != nil || depth > 5 {
		return nil
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, `"`) {
			continue // a quoted path is left to cat-file
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		all = append(all, line)
		all = append(all, alternates(line, depth+1)...)
	}
	return all
}

// Root returns the top of the working tree, or "" in a bare repository.
func (r *Repo) Root() string { return r.root }

// Dir returns the git directory of this working tree.
func (r *Repo) Dir() string { return r.gitDir }

// CommonDir returns the git directory that all working trees share.
func (r *Repo) CommonDir() string { return r.common }

// Close ends the helper process. The Repo may still be used: a later read of a
// packed object starts a new one.
func (r *Repo) Close() error { return r.batch.close() }
