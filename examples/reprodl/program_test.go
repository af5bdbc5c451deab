package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// program calls the program in a directory of its own.
type program struct {
	t   *testing.T
	dir string
	env []string
}

func newProgram(t *testing.T) *program {
	dir := t.TempDir()
	env := append(os.Environ(), "HOME="+dir, "DVC_NO_ANALYTICS=1", "DVC_GLOBAL_CONFIG_DIR="+dir, "DVC_SYSTEM_CONFIG_DIR="+dir,
		"DVC_SITE_CACHE_DIR="+filepath.Join(dir, "site"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	return &program{t, filepath.Join(dir, "work"), env}
}

func (p *program) call(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(p.dir, 0o777))
	var out, msg bytes.Buffer
	code = run(p.t.Context(), args, &world{Dir: p.dir, Env: p.env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &msg})
	return out.String(), msg.String(), code
}

// out is what a call prints that must succeed.
func (p *program) out(args ...string) string {
	p.t.Helper()
	out, msg, code := p.call(args...)
	require.Zero(p.t, code, "%v: %s%s", args, out, msg)
	return out
}

func (p *program) git(args ...string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(p.dir, 0o777))
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	require.NoError(p.t, err, string(out))
}
