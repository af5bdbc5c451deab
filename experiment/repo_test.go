package experiment_test

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
type project struct {
	*testing.T
	dir string
	env []string
	log *bytes.Buffer // messages of the last opened Repo
}

const stageYAML = `stages:
  train:
    cmd: cp params.yaml metrics.yaml; cat in params.yaml > model.txt
    deps: [in]
    params: [lr, model]
    outs: [model.txt]
    metrics:
    - metrics.yaml:
        cache: false
`

// newProject makes a repository whose dvc.yaml is stageYAML unless files
// says otherwise.
func newProject(t *testing.T, files map[string]string) *project {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	p := &project{T: t, dir: filepath.Join(dir, "repo"), log: new(bytes.Buffer)}
	p.env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+filepath.Join(dir, "site"),
		"DVC_GLOBAL_CONFIG_DIR="+filepath.Join(dir, "gc"), "DVC_SYSTEM_CONFIG_DIR="+filepath.Join(dir, "sc"), "SHELL=/bin/sh", "LC_ALL=C.UTF-8", "TZ=UTC")
	require.NoError(t, os.MkdirAll(p.dir, 0o777))
	p.git("init", "-q", "-b", "main")
	all := map[string]string{
		".dvc/config": "", ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n", ".dvcignore": "", "dvc.yaml": stageYAML, "in": "data\n",
		"params.yaml": "lr: 0.1\nmodel:\n  layers: [1, 2]\n  name: net\nseed: 0\n", "notes.txt": "tracked\n", "sub/ünï code.txt": "tracked\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		p.write(name, text)
	}
	p.git("add", "-A")
	p.git("commit", "-qm", "base")
	return p
}

func (p *project) git(args ...string) string { p.Helper(); return p.run("git", args...) }

func (p *project) run(name string, args ...string) string {
	p.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(p, err, "%s %v: %s%s", name, args, out, stderr.Bytes())
	return strings.TrimSpace(string(out))
}

// dvc runs the real DVC, or skips the test where there is none.
func (p *project) dvc(args ...string) string { p.Helper(); return p.run(dvcCommand(p), args...) }

func dvcCommand(t testing.TB) string {
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

func (p *project) write(name, text string) {
	p.Helper()
	file := filepath.Join(p.dir, filepath.FromSlash(name))
	require.NoError(p, os.MkdirAll(filepath.Dir(file), 0o777))
	require.NoError(p, os.WriteFile(file, []byte(text), 0o666))
}

func (p *project) read(name string) string {
	p.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name)))
	require.NoError(p, err)
	return string(data)
}

func (p *project) open() *experiment.Repo {
	p.Helper()
	p.log = new(bytes.Buffer)
	r, err := experiment.Open(p.dir, &experiment.Options{Env: p.env, Logger: slog.New(slog.NewTextHandler(p.log, nil))})
	require.NoError(p, err)
	p.Cleanup(func() { r.Close() })
	return r
}

// mustRun runs an experiment in the workspace.
func (p *project) mustRun(name string, set ...string) *experiment.Experiment {
	p.Helper()
	e, err := p.open().Run(context.Background(), &experiment.RunOptions{Name: name, Set: set})
	require.NoError(p, err)
	return e
}

// state is everything that an experiment must not change: HEAD, branches,
// stash, index and the content of every file outside of .git and .dvc.
func (p *project) state(ignore ...string) string {
	p.Helper()
	var b strings.Builder
	for _, args := range [][]string{{"rev-parse", "--symbolic-full-name", "HEAD"}, {"for-each-ref", "refs/heads", "refs/tags", "refs/stash"}, {"ls-files", "--stage"}} {
		b.WriteString(p.git(args...) + "\n")
	}
	b.WriteString(p.files(ignore...))
	return b.String()
}

// files lists names and hashes of the working tree.
func (p *project) files(ignore ...string) string {
	p.Helper()
	var b strings.Builder
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(p.dir, path)
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

func (p *project) fsck() {
	p.Helper()
	require.Empty(p, p.git("fsck", "--strict", "--no-dangling", "--no-progress"))
}
