package exptest

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

// Scratch makes a DVC repository for an example, with a params.yaml and a first
// commit. The caller deletes it.
func Scratch() (dir string, env []string) {
	dir, err := os.MkdirTemp("", "experiment-example-")
	if err != nil {
		log.Fatal(err)
	}
	env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	for name, text := range map[string]string{"params.yaml": "lr: 0.1\n", ".dvc/config": "", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777)
		os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666)
	}
	if err := run(dir, env, "init", "-q"); err != nil {
		log.Fatal(err)
	}
	if err := Commit(dir, env); err != nil {
		log.Fatal(err)
	}
	return dir, env
}

// Commit commits everything that lies in dir.
func Commit(dir string, env []string) error {
	return errors.Join(run(dir, env, "add", "-A"), run(dir, env, "commit", "-qm", "all"))
}

func run(dir string, env []string, args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %v: %w: %s", args, err, out)
	}
	return nil
}
