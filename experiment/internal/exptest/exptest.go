// Package exptest makes scratch DVC repositories for the tests of experiment
// and the packages below it.
package exptest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
)

// project is a scratch DVC repository with one stage, committed.
type Project struct {
	*testing.T
	Dir      string
	Env      []string
	Messages *bytes.Buffer // messages of the last opened Repo
}

const StageYAML = `stages:
  train:
    cmd: cp params.yaml metrics.yaml; cat in params.yaml > model.txt
    deps: [in]
    params: [lr, model]
    outs: [model.txt]
    metrics:
    - metrics.yaml:
        cache: false
`

// New makes a repository whose dvc.yaml is StageYAML unless files
// says otherwise.
func New(t *testing.T, files map[string]string) *Project {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	p := &Project{T: t, Dir: filepath.Join(dir, "repo"), Messages: new(bytes.Buffer)}
	p.Env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+filepath.Join(dir, "site"),
		"DVC_GLOBAL_CONFIG_DIR="+filepath.Join(dir, "gc"), "DVC_SYSTEM_CONFIG_DIR="+filepath.Join(dir, "sc"), "SHELL=/bin/sh", "LC_ALL=C.UTF-8", "TZ=UTC")
	require.NoError(t, os.MkdirAll(p.Dir, 0o777))
	p.Git("init", "-q", "-b", "main")
	all := map[string]string{
		".dvc/config": "", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", ".dvcignore": "", "dvc.yaml": StageYAML, "in": "data\n",
		"params.yaml": "lr: 0.1\nmodel:\n  layers: [1, 2]\n  name: net\nseed: 0\n", "notes.txt": "tracked\n", "sub/ünï code.txt": "tracked\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		p.Write(name, text)
	}
	p.Git("add", "-A")
	p.Git("commit", "-qm", "base")
	return p
}

func (p *Project) Git(args ...string) string { p.Helper(); return p.Command("git", args...) }

func (p *Project) Command(name string, args ...string) string {
	p.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = p.Dir, p.Env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(p, err, "%s %v: %s%s", name, args, out, stderr.Bytes())
	return strings.TrimSpace(string(out))
}

// DVC runs the real DVC, or skips the test where there is none.
func (p *Project) DVC(args ...string) string { p.Helper(); return p.Command(DVCCommand(p), args...) }

func DVCCommand(t testing.TB) string {
	t.Helper()
	dvc := os.Getenv("REPRODL_DVC")
	if dvc == "" {
		dvc = "dvc"
	}
	path, err := exec.LookPath(dvc)
	if err != nil {
		if os.Getenv("CI") != "" && os.Getenv("REPRODL_DVC") != "" {
			t.Fatalf("REPRODL_DVC=%s: %v", dvc, err)
		}
		t.Skip("needs the real dvc in PATH or REPRODL_DVC")
	}
	return path
}

func (p *Project) Write(name, text string) {
	p.Helper()
	file := filepath.Join(p.Dir, filepath.FromSlash(name))
	require.NoError(p, os.MkdirAll(filepath.Dir(file), 0o777))
	require.NoError(p, os.WriteFile(file, []byte(text), 0o666))
}

func (p *Project) Read(name string) string {
	p.Helper()
	data, err := os.ReadFile(filepath.Join(p.Dir, filepath.FromSlash(name)))
	require.NoError(p, err)
	return string(data)
}

func (p *Project) Open() *experiment.Repo {
	p.Helper()
	p.Messages = new(bytes.Buffer)
	r, err := experiment.Open(p.Dir, &experiment.Options{Env: p.Env, Logger: slog.New(slog.NewTextHandler(p.Messages, nil))})
	require.NoError(p, err)
	p.Cleanup(func() { r.Close() })
	return r
}

// MustRun runs an experiment in the workspace.
func (p *Project) MustRun(name string, set ...string) *experiment.Experiment {
	p.Helper()
	e, err := p.Open().Run(context.Background(), &experiment.RunOptions{Name: name, Set: set})
	require.NoError(p, err)
	return e
}

// State is everything that an experiment must not change: HEAD, branches,
// stash, index and the content of every file outside of .git and .dvc.
func (p *Project) State(ignore ...string) string {
	p.Helper()
	var b strings.Builder
	for _, args := range [][]string{{"rev-parse", "--symbolic-full-name", "HEAD"}, {"for-each-ref", "refs/heads", "refs/tags", "refs/stash"}, {"ls-files", "--stage"}} {
		b.WriteString(p.Git(args...) + "\n")
	}
	b.WriteString(p.Files(ignore...))
	return b.String()
}

// Files lists names and hashes of the working tree.
func (p *Project) Files(ignore ...string) string {
	p.Helper()
	var b strings.Builder
	err := filepath.WalkDir(p.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(p.Dir, path)
		if d.IsDir() && (rel == ".git" || rel == filepath.Join(".dvc", "tmp") || rel == filepath.Join(".dvc", "cache")) {
			return filepath.SkipDir
		}
		for _, name := range ignore {
			if filepath.ToSlash(rel) == name {
				return nil
			}
		}
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(path)
		sum := sha256.Sum256(data)
		fmt.Fprintf(&b, "%s %s\n", hex.EncodeToString(sum[:6]), rel)
		return err
	})
	require.NoError(p, err)
	return b.String()
}

func (p *Project) Fsck() {
	p.Helper()
	require.Empty(p, p.Git("fsck", "--strict", "--no-dangling", "--no-progress"))
}

// Dirty leaves the working tree in every state that git knows.
func (p *Project) Dirty() {
	p.Helper()
	p.Write("notes.txt", "edited, not staged\n")
	p.Write("staged.txt", "staged\n")
	p.Git("add", "staged.txt")
	p.Write("staged.txt", "staged and edited\n")
	p.Write("untracked.txt", "mine\n")
	p.Git("rm", "-q", "--cached", "sub/ünï code.txt")
}
