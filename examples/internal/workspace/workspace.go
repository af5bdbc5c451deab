// Package workspace makes the directories that the examples work in: git and
// DVC repositories with a dvc.yaml whose stages run the example's own binary.
package workspace

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/pipeline"
)

// Make makes dir a workspace, and completes one that is there: a git
// repository with an identity for its commits, a DVC repository, and this
// program as [Program]. It reports whether the repositories are new.
func Make(ctx context.Context, dir string) (created bool, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	if err := gitInit(ctx, dir); err != nil {
		return false, err
	}
	if !Has(dir, ".dvc") {
		if err := pipeline.Init(ctx, dir, nil); err != nil {
			return false, err
		}
		created = true
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

// Has tells whether the workspace has a file or directory of that name.
func Has(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name)))
	return err == nil
}

// Fill writes those of the files workspace/* of templates that dir lacks, and
// returns their names. What is there stays as it is: it may be the user's. A
// template named gitignore becomes .gitignore; [Text] says what templates hold.
func Fill(dir string, templates fs.FS) (created []string, err error) {
	entries, err := fs.ReadDir(templates, "workspace")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := strings.Replace(e.Name(), "gitignore", ".gitignore", 1)
		if Has(dir, name) {
			continue
		}
		if err := Write(dir, name, templates, "workspace/"+e.Name()); err != nil {
			return created, err
		}
		created = append(created, name)
	}
	return created, nil
}

// Write writes the named template as a file of the workspace.
func Write(dir, name string, templates fs.FS, from string) error {
	text, err := Text(templates, from)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o666)
}

// Text is the text of a template, in which {{.Program}} is the name of the
// program's file and {{.Command}} what starts it in the platform's shell.
func Text(templates fs.FS, name string) (string, error) {
	t, err := template.ParseFS(templates, name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]string{"Program": Program, "Command": Command})
	return b.String(), err
}

// gitInit makes dir a repository of its own, with an identity for its commits
// when the user has none.
func gitInit(ctx context.Context, dir string) error {
	if !Has(dir, ".git") {
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
