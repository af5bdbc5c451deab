package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/repo"
)

// Git opens the git repository around this one; nil without git.
func (r *Repo) Git() (*git.Repo, error) {
	r.openIgnores()
	if r.GitRoot == "" {
		return nil, nil
	}
	return git.Open(r.GitRoot)
}

// gitTracks reports whether git tracks a path or something below it.
func (r *Repo) gitTracks(abs string) (bool, error) {
	g, err := r.Git()
	if g == nil || err != nil {
		return false, err
	}
	rel, err := filepath.Rel(r.GitRoot, abs)
	if err != nil {
		return false, err
	}
	tracked, err := g.Tracked(filepath.ToSlash(rel))
	return tracked, errors.Join(err, g.Close())
}

// GitIgnores reports whether git ignores a file that must not be ignored.
func (r *Repo) GitIgnores(abs string) bool {
	r.openIgnores()
	return r.gitIgnore != nil && r.gitIgnore.IgnoredPath(abs, false)
}

// IgnoreLines adds lines to .gitignore files, and can take them back.
type IgnoreLines struct {
	Repo    *Repo
	paths   []string // that lines were added for
	changed []string // .gitignore files, relative to the working directory
}

// Add hides an output from git.
func (l *IgnoreLines) Add(o *Output) error {
	r := l.Repo
	r.openIgnores()
	if r.GitRoot == "" {
		return nil
	}
	// git ignores no file that it tracks. DVC refuses, since both would then
	// write it.
	if tracked, err := r.gitTracks(o.Abs); err != nil {
		return err
	} else if tracked {
		return GitTracked(o.Show)
	}
	// Stages that finish side by side may write the same .gitignore.
	r.gitLines.Lock()
	defer r.gitLines.Unlock()
	// No name means that nothing was written: git ignores the path already.
	file, err := repo.AddGitignore(r.gitIgnore, o.Abs, r.ViaTemp(false))
	if file != "" {
		l.paths = append(l.paths, o.Abs)
		l.note(file)
	}
	return err
}

// Remove shows an output to git again.
func (l *IgnoreLines) Remove(abs string) error {
	r := l.Repo
	r.openIgnores()
	if r.GitRoot == "" {
		return nil
	}
	r.gitLines.Lock()
	defer r.gitLines.Unlock()
	file, err := repo.RemoveGitignore(r.gitIgnore, abs, r.ViaTemp(false))
	if file != "" && Exists(file) {
		l.note(file)
	}
	return err
}

// note remembers a file once, as it is shown to git.
func (l *IgnoreLines) note(file string) {
	if rel := l.Repo.Rel(file); !slices.Contains(l.changed, rel) {
		l.changed = append(l.changed, rel)
	}
}

// Undo takes the lines back.
func (l *IgnoreLines) Undo() {
	r := l.Repo
	r.gitLines.Lock()
	defer r.gitLines.Unlock()
	// An error here would hide the one because of which lines are taken back.
	for _, path := range l.paths {
		if _, err := repo.RemoveGitignore(r.gitIgnore, path, r.ViaTemp(false)); err != nil {
			r.Log.Warn(err.Error())
		}
	}
}

// Files are the .gitignore files that were changed.
func (l *IgnoreLines) Files() []string { return l.changed }

// ownPaths are what DVC keeps below .dvc for this copy alone.
var ownPaths = []string{"config.local", "tmp", "cache"}

// HideOwn makes git ignore what belongs to this copy of the repository alone, as
// every command of DVC does: a project may have been committed without its
// .dvc/.gitignore, or have one of the first versions, and a commit of everything
// would take the cache in. What can't be written is left to whoever must write.
func (r *Repo) HideOwn() {
	dir := filepath.Join(r.Root, ".dvc")
	if data, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err == nil && string(data) == repo.OwnIgnored {
		return
	}
	// What the caller writes into the configuration later must still count.
	cfg, err := r.loadConfig()
	if err != nil {
		return
	}
	root := repo.FindGit(r.Root)
	if v, _ := cfg.Get("core", "no_scm"); root == "" || strings.EqualFold(v, "true") {
		return
	}
	tree := ignore.Git(root, r.excludesFile())
	for _, name := range ownPaths {
		if file, err := repo.AddGitignore(tree, filepath.Join(dir, name), nil); err == nil && file != "" {
			r.ownIgnore = file
		}
	}
}

// Track hands changed files to git, if core.autostage is set, or tells the user
// how to do it.
func (r *Repo) Track(ctx context.Context, files []string) error {
	r.openIgnores()
	if r.ownIgnore != "" {
		if own := r.Rel(r.ownIgnore); !slices.Contains(files, own) {
			files = append(slices.Clip(files), own)
		}
	}
	if len(files) == 0 || r.GitRoot == "" {
		return nil
	}
	if strings.EqualFold(r.Setting("core", "autostage"), "true") {
		g, err := r.Git()
		if err != nil {
			return err
		}
		args := []string{"-C", r.Dir, "add", "-A", "--"}
		_, err = g.Run(ctx, append(args, files...)...)
		return errors.Join(err, g.Close())
	}
	// The texts are DVC's, and scripts look for them.
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = ShellQuote(f)
	}
	slices.Sort(quoted)
	r.Log.Info("\nTo track the changes with git, run:\n\n\tgit add " + strings.Join(quoted, " "))
	r.Log.Info("\nTo enable auto staging, run:\n\n\tdvc config core.autostage true")
	return nil
}

// ShellQuote quotes a word as Python's shlex does.
func ShellQuote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// CheckIgnored is the error for an output that .dvcignore hides.
func (r *Repo) CheckIgnored(abs string) error {
	if p := r.dvcIgnoredBy(abs); p != nil {
		return &ignoredError{path: abs, by: p}
	}
	return nil
}

// dvcIgnoredBy is the pattern that hides a path as what it is: "!data/" takes back a
// directory and not a file. What is not there yet may become either.
func (r *Repo) dvcIgnoredBy(abs string) *ignore.Pattern {
	rel, err := filepath.Rel(r.Root, abs)
	if err != nil {
		return nil
	}
	rel = filepath.ToSlash(rel)
	fi, err := os.Stat(abs)
	if err == nil {
		return r.DataIgnore().Match(rel, fi.IsDir())
	}
	if p := r.DataIgnore().Match(rel, false); p != nil {
		return p
	}
	return r.DataIgnore().Match(rel, true)
}

// ignoredError is in DVC's words.
type ignoredError struct {
	path string
	by   *ignore.Pattern
}

// IgnoredPath is the path, for commands that have their own words around this.
func (e *ignoredError) IgnoredPath() string { return e.path }

func (e *ignoredError) Error() string {
	return fmt.Sprintf("Path '%s' is ignored by %s", e.path, e.by)
}
