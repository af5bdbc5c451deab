package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/repo"
)

// GitTrackedError says that an output is already kept by git.
type GitTrackedError struct{ Path string }

func (e *GitTrackedError) Error() string {
	return fmt.Sprintf(" output '%[1]s' is already tracked by SCM (e.g. Git).\n"+
		"    You can remove it from Git, then add to DVC.\n"+
		"        To stop tracking from Git:\n"+
		"            git rm -r --cached '%[1]s'\n"+
		"            git commit -m \"stop tracking %[1]s\" ", e.Path)
}

// git opens the git repository around this one; nil without git.
func (r *Repo) git() (*git.Repo, error) {
	r.openIgnores()
	if r.gitRoot == "" {
		return nil, nil
	}
	return git.Open(r.gitRoot)
}

// gitTracks reports whether git tracks a path or something below it.
func (r *Repo) gitTracks(abs string) (bool, error) {
	g, err := r.git()
	if g == nil || err != nil {
		return false, err
	}
	rel, err := filepath.Rel(r.gitRoot, abs)
	if err != nil {
		return false, err
	}
	tracked, err := g.Tracked(filepath.ToSlash(rel))
	return tracked, errors.Join(err, g.Close())
}

// gitIgnores reports whether git ignores a file that must not be ignored.
func (r *Repo) gitIgnores(abs string) bool {
	r.openIgnores()
	return r.gitIgnore != nil && r.gitIgnore.IgnoredPath(abs, false)
}

// ignoreLines adds lines to .gitignore files, and can take them back.
type ignoreLines struct {
	repo    *Repo
	paths   []string // that lines were added for
	changed []string // .gitignore files, relative to the working directory
}

// add hides an output from git.
func (l *ignoreLines) add(o *output) error {
	r := l.repo
	r.openIgnores()
	if r.gitRoot == "" {
		return nil
	}
	if tracked, err := r.gitTracks(o.abs); err != nil {
		return err
	} else if tracked {
		return &GitTrackedError{o.show}
	}
	r.gitLines.Lock()
	defer r.gitLines.Unlock()
	file, err := repo.AddGitignore(r.gitIgnore, o.abs, r.viaTemp(false))
	if file != "" {
		l.paths = append(l.paths, o.abs)
		l.note(file)
	}
	return err
}

// remove shows an output to git again.
func (l *ignoreLines) remove(abs string) error {
	r := l.repo
	r.openIgnores()
	if r.gitRoot == "" {
		return nil
	}
	r.gitLines.Lock()
	defer r.gitLines.Unlock()
	file, err := repo.RemoveGitignore(r.gitIgnore, abs, r.viaTemp(false))
	if file != "" && exists(file) {
		l.note(file)
	}
	return err
}

func (l *ignoreLines) note(file string) {
	if rel := l.repo.rel(file); !slices.Contains(l.changed, rel) {
		l.changed = append(l.changed, rel)
	}
}

// undo takes the lines back.
func (l *ignoreLines) undo() {
	r := l.repo
	r.gitLines.Lock()
	defer r.gitLines.Unlock()
	for _, path := range l.paths {
		if _, err := repo.RemoveGitignore(r.gitIgnore, path, r.viaTemp(false)); err != nil {
			r.log.Warn(err.Error())
		}
	}
}

// files are the .gitignore files that were changed.
func (l *ignoreLines) files() []string { return l.changed }

// track hands changed files to git, if core.autostage is set, or tells the user
// how to do it.
func (r *Repo) track(ctx context.Context, files []string) error {
	r.openIgnores()
	if len(files) == 0 || r.gitRoot == "" {
		return nil
	}
	if strings.EqualFold(r.setting("core", "autostage"), "true") {
		g, err := r.git()
		if err != nil {
			return err
		}
		args := []string{"-C", r.dir, "add", "-A", "--"}
		_, err = g.Run(ctx, append(args, files...)...)
		return errors.Join(err, g.Close())
	}
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = shellQuote(f)
	}
	slices.Sort(quoted)
	r.log.Info("\nTo track the changes with git, run:\n\n\tgit add " + strings.Join(quoted, " "))
	r.log.Info("\nTo enable auto staging, run:\n\n\tdvc config core.autostage true")
	return nil
}

// shellQuote quotes a word as Python's shlex does.
func shellQuote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// checkIgnored is the error for an output that .dvcignore hides.
func (r *Repo) checkIgnored(abs string) error {
	if p := r.dvcIgnoredBy(abs); p != nil {
		return &ignoredError{path: abs, by: p}
	}
	return nil
}

// dvcIgnoredBy is the pattern that hides a path, as a file or as a directory.
func (r *Repo) dvcIgnoredBy(abs string) *ignore.Pattern {
	rel, err := filepath.Rel(r.root, abs)
	if err != nil {
		return nil
	}
	rel = filepath.ToSlash(rel)
	if p := r.dataIgnore().Match(rel, false); p != nil {
		return p
	}
	return r.dataIgnore().Match(rel, true)
}

type ignoredError struct {
	path string
	by   *ignore.Pattern
}

func (e *ignoredError) Error() string {
	return fmt.Sprintf("Path '%s' is ignored by %s:%d:%s", e.path, e.by.Source, e.by.Line, e.by.Text)
}
