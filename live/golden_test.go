package live_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/golden"
)

// inexpressible are cases, or calls of cases, that a Go API cannot express,
// each with the reason. A case that only holds such a call is run without it.
//
// What is expressed otherwise needs no entry: a context block is a Go defer
// (the runner ends the run at "exit" and ignores "end" inside), dropping a
// logger without end is Abandon, numpy's narrow floats are float32 and
// live.Float16, and a value of an unknown Python type is a Go channel.
var inexpressible = map[string]string{
	"step:fraction": "a step is an int: a fraction, or text, can't be one",
}

// TestGoldenLive replays what was recorded from dvclive. A case runs as the
// package behaves by default; one that records a flaw which the package
// mends runs again with Options.Exact, and the test says so.
func TestGoldenLive(t *testing.T) {
	dir := golden.Dir(t, "live")
	cases, err := filepath.Glob(filepath.Join(dir, "*", "calls.json"))
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	for _, file := range cases {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			runGolden(t, filepath.Dir(file))
		})
	}
}

// goldenCase is calls.json.
type goldenCase struct {
	API   string
	Tags  []string
	Git   bool
	Calls []json.RawMessage
}

// goldenExpect is expect.json.
type goldenExpect struct {
	Files map[string]struct {
		Size   int64
		SHA256 string
	}
	Inline    map[string][]byte
	EmptyDirs []string `json:"empty_dirs"`
	Images    map[string]goldenImage
	Not       []string `json:"not_compared"`
}

type goldenImage struct {
	Format        string
	Width, Height int
	RGBA          string `json:"rgba_sha256"`
}

func runGolden(t *testing.T, dir string) {
	var c goldenCase
	readJSON(t, filepath.Join(dir, "calls.json"), &c)
	var want goldenExpect
	readJSON(t, filepath.Join(dir, "expect.json"), &want)

	problems, skipped := replay(t, dir, c, want, false)
	if problems != nil {
		exact, _ := replay(t, dir, c, want, true)
		if exact == nil {
			t.Logf("needs Options.Exact; by default:\n%s", strings.Join(problems, "\n"))
			problems = nil
		}
	}
	for _, why := range skipped {
		t.Logf("not expressible: %s", why)
	}
	assert.Empty(t, strings.Join(problems, "\n"), "tags %v", c.Tags)
}

// replay runs a case in a fresh folder and returns what differs.
func replay(t *testing.T, dir string, c goldenCase, want goldenExpect, exact bool) (problems, skipped []string) {
	work := t.TempDir()
	if _, err := os.Stat(filepath.Join(dir, "input")); err == nil {
		require.NoError(t, os.CopyFS(work, os.DirFS(filepath.Join(dir, "input"))))
	}
	if c.Git {
		gitInit(t, work)
	}
	old, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, os.Chdir(work))
	defer func() { require.NoError(t, os.Chdir(old)) }()

	r := newReplayer(t, c.API, exact)
	defer r.restore()
	r.git = c.Git
	for i, raw := range c.Calls {
		if problem := r.call(raw); problem != "" {
			problems = append(problems, fmt.Sprintf("call %d %s: %s", i, raw, problem))
		}
	}
	r.finish()
	return append(problems, compareTree(t, work, dir, want)...), slices.Sorted(maps.Keys(r.skipped))
}

func gitInit(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "."},
		{"config", "user.email", "a@example.com"},
		{"config", "user.name", "a"},
		{"add", "-A"},
		{"commit", "-q", "--allow-empty", "-m", "base"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "git %v: %s", args, out)
	}
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v), file)
}

func gitOutput(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", args...).Output()
	require.NoError(t, err, "git %v", args)
	return string(out)
}
