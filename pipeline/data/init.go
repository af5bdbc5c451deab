package data

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/repo"
)

// InitOptions change what Init does; nil means the zero InitOptions.
type InitOptions struct {
	NoSCM  bool // outside of git; nothing is added to .gitignore files then
	Subdir bool // the directory may be below the root of a git repository
	Force  bool // replace a repository that is there, its cache included
}

// Init makes a directory a DVC repository, and hands its files to git.
func Init(ctx context.Context, dir string, opts *InitOptions) error {
	if opts == nil {
		opts = new(InitOptions)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	o := repo.InitOptions(*opts)
	files, err := repo.Init(dir, &o)
	if err != nil || opts.NoSCM {
		return err
	}
	// git add runs in dir, since the repository of git may begin above it.
	g, err := git.Open(repo.FindGit(dir))
	if err != nil {
		return err
	}
	_, err = g.Run(ctx, append([]string{"-C", dir, "add", "--"}, files...)...)
	return errors.Join(err, g.Close())
}

// Ignored is what .dvcignore files say about a path.
type Ignored struct {
	Match   bool   // the path is ignored
	Pattern string // "file:line:pattern" that decided; empty if none did
}

// CheckIgnore tells what .dvcignore files say about a path, relative to Dir.
func (r *Repo) CheckIgnore(path string) (Ignored, error) {
	abs := r.p.UserPath(path)
	if !r.p.InRepo(abs) {
		return Ignored{}, nil // as in DVC
	}
	rel := filepath.ToSlash(relTo(r.p.Root, abs))
	tree := r.p.DataIgnore()
	out := Ignored{Match: tree.Ignored(rel, project.IsDir(abs))}
	if p := tree.Explain(rel, project.IsDir(abs)); p != nil {
		out.Pattern = p.String()
	}
	return out, nil
}
