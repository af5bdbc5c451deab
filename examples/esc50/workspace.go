package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

//go:embed workspace
var templates embed.FS

// writeMissing writes the templates that dir lacks, and returns their names.
// What is there stays as it is: it may be the user's.
func writeMissing(dir string) (created []string, err error) {
	for _, f := range []struct{ template, name string }{
		{"params.yaml", paramsFile},
		{"dvc.yaml", "dvc.yaml"},
		{"gitignore", ".gitignore"},
	} {
		text, err := templates.ReadFile("workspace/" + f.template)
		if err != nil {
			return created, err
		}
		if runtime.GOOS == "windows" { // where the shell is cmd.exe
			text = bytes.ReplaceAll(text, []byte("cmd: ./train"), []byte(`cmd: .\train.exe`))
			text = bytes.ReplaceAll(text, []byte("    - train\n    params"), []byte("    - train.exe\n    params"))
		}
		out, err := os.OpenFile(filepath.Join(dir, f.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return created, err
		}
		_, err = out.Write(text)
		if err := errors.Join(err, out.Close()); err != nil {
			return created, err
		}
		created = append(created, f.name)
	}
	return created, nil
}

// installProgram puts this program into the workspace as ./train, the command
// of the stage and a dependency of it: when its code changes, the stage runs
// again. Equal content is left alone.
func installProgram(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, programName())
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, program) {
		return nil
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, program, 0o777); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}

func programName() string {
	if runtime.GOOS == "windows" {
		return "train.exe"
	}
	return "train"
}

// gitInit makes dir a repository of its own, with an identity for its commits
// when the user has none.
func gitInit(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, ".git")); errors.Is(err, fs.ErrNotExist) {
		if _, err := git(ctx, dir, "init", "-q", "-b", "main"); err != nil {
			return err
		}
	}
	for key, value := range map[string]string{"user.name": "reprodl", "user.email": "reprodl@localhost"} {
		if _, err := git(ctx, dir, "config", key); err == nil {
			continue
		}
		if _, err := git(ctx, dir, "config", key, value); err != nil {
			return err
		}
	}
	return nil
}

// git runs a git command in dir and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
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

func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
