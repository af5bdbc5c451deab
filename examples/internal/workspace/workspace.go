// Package workspace makes the directories that the examples work in: git and
// DVC repositories with a dvc.yaml whose stages run the example's own binary.
package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/pipeline"
)

// Make makes dir a workspace, and completes one that is there: a git
// repository with an identity for its commits, a DVC repository, this program
// as [Program], and those of the files workspace/* of templates that dir lacks,
// whose names it returns. What is there stays as it is: it may be the user's.
//
// A template named gitignore becomes .gitignore. In the templates {{.Program}}
// is the name of the program's file and {{.Command}} what starts
// it in the platform's shell.
func Make(ctx context.Context, dir string, templates fs.FS) (created []string, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if created, err = writeMissing(dir, templates); err != nil {
		return created, err
	}
	if err := gitInit(ctx, dir); err != nil {
		return created, err
	}
	if _, err := os.Stat(filepath.Join(dir, ".dvc")); errors.Is(err, fs.ErrNotExist) {
		if err := pipeline.Init(ctx, dir, nil); err != nil {
			return created, err
		}
	}
	return created, install(dir)
}

// Open opens the pipeline and the experiments of a workspace, which print as
// DVC does.
func Open(dir string, out io.Writer) (*pipeline.Repo, *experiment.Repo, error) {
	log := slog.New(&plainHandler{out})
	repo, err := pipeline.Open(dir, &pipeline.Options{Stdout: out, Stderr: out, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	exps, err := experiment.Open(dir, &experiment.Options{Stdout: out, Stderr: out, Logger: log})
	return repo, exps, err
}

func writeMissing(dir string, templates fs.FS) (created []string, err error) {
	parsed, err := template.ParseFS(templates, "workspace/*")
	if err != nil {
		return nil, err
	}
	files := parsed.Templates()
	slices.SortFunc(files, func(a, b *template.Template) int { return strings.Compare(a.Name(), b.Name()) })
	for _, t := range files {
		name := strings.Replace(t.Name(), "gitignore", ".gitignore", 1)
		out, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return created, err
		}
		err = t.Execute(out, map[string]string{"Program": Program, "Command": command})
		if err := errors.Join(err, out.Close()); err != nil {
			return created, err
		}
		created = append(created, name)
	}
	return created, nil
}

// gitInit makes dir a repository of its own, with an identity for its commits
// when the user has none.
func gitInit(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, ".git")); errors.Is(err, fs.ErrNotExist) {
		if _, err := Git(ctx, dir, "init", "-q", "-b", "main"); err != nil {
			return err
		}
	}
	for key, value := range map[string]string{"user.name": "reprodl", "user.email": "reprodl@localhost"} {
		if _, err := Git(ctx, dir, "config", key); err == nil {
			continue
		}
		if _, err := Git(ctx, dir, "config", key, value); err != nil {
			return err
		}
	}
	return nil
}

// Git runs a git command in dir and returns what it printed.
func Git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
