package cpu_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGoMLX runs the tests of GoMLX itself, out of the module cache, on this
// backend and on GoMLX's own in Go, and prints how many pass. It wants the module
// proxy for what those tests import, and some minutes: set REPRODL_GOMLX_TESTS=1,
// or to packages such as "./core/graph ./ml/layers/lstm".
//
// testdata/gomlx.txt lists the tests that fail with this backend, each with its
// reason. The list may only shrink: a test that fails and is not in it fails this
// one, and so does a test in it that does not fail any more.
func TestGoMLX(t *testing.T) {
	patterns := os.Getenv("REPRODL_GOMLX_TESTS")
	switch patterns {
	case "":
		t.Skip("set REPRODL_GOMLX_TESTS=1")
	case "1":
		patterns = "./core/... ./ml/... ./support/... ./ui/... ./internal/... ./cmd/..."
	}
	dir := gomlxCopy(t)
	known := knownFailures(t)
	var total tally
	total.header(t)
	list := goIn(t, dir, append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"}, strings.Fields(patterns)...)...)
	for pkg := range strings.FieldsSeq(list) {
		ours, theirs := goTest(t, dir, pkg, "reprodl"), goTest(t, dir, pkg, "go")
		pkg = strings.TrimPrefix(pkg, "github.com/gomlx/gomlx/")
		var row tally
		for _, name := range slices.Sorted(maps.Keys(ours)) {
			row.add(ours[name], theirs[name])
			reason, listed := known[pkg+" "+name]
			switch {
			case ours[name] == "fail" && !listed:
				t.Errorf("%s %s fails (with GoMLX's Go backend: %s)", pkg, name, theirs[name])
			case ours[name] == "fail":
				t.Logf("known: %s %s: %s", pkg, name, reason)
			case listed:
				t.Errorf("%s %s: %s: take it from testdata/gomlx.txt", pkg, name, ours[name])
			}
		}
		row.log(t, pkg)
		total.join(row)
	}
	total.log(t, "total")
}

// tally counts what became of tests with the two backends.
type tally struct{ ours, theirs, onlyOurs, onlyTheirs, skipped, failed int }

func (n *tally) add(ours, theirs string) {
	count := func(to *int, yes bool) {
		if yes {
			*to++
		}
	}
	count(&n.ours, ours == "pass")
	count(&n.theirs, theirs == "pass")
	count(&n.onlyOurs, ours == "pass" && theirs != "pass")
	count(&n.onlyTheirs, ours != "pass" && theirs == "pass")
	count(&n.skipped, ours == "skip")
	count(&n.failed, ours == "fail")
}

func (n *tally) join(m tally) {
	n.ours, n.theirs, n.onlyOurs = n.ours+m.ours, n.theirs+m.theirs, n.onlyOurs+m.onlyOurs
	n.onlyTheirs, n.skipped, n.failed = n.onlyTheirs+m.onlyTheirs, n.skipped+m.skipped, n.failed+m.failed
}

func (n *tally) header(t *testing.T) {
	t.Logf("%-40s %8s %8s %9s %11s %8s %7s", "tests that pass", "reprodl", "go", "not go", "not reprodl", "skipped", "failed")
}

func (n *tally) log(t *testing.T, name string) {
	t.Logf("%-40s %8d %8d %9d %11d %8d %7d", name, n.ours, n.theirs, n.onlyOurs, n.onlyTheirs, n.skipped, n.failed)
}

// knownFailures reads testdata/gomlx.txt: package, test and reason by line.
func knownFailures(t *testing.T) map[string]string {
	data, err := os.ReadFile("testdata/gomlx.txt")
	require.NoError(t, err)
	known := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		require.Len(t, fields, 3, "testdata/gomlx.txt: %q has no reason", line)
		known[fields[0]+" "+fields[1]] = fields[2]
	}
	return known
}

// gomlxCopy copies GoMLX from the module cache and patches what chooses the
// backend: testutil, the TestMain of core/graph and backends/default, which
// would load XLA.
func gomlxCopy(t *testing.T) string {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	from := strings.TrimSpace(goIn(t, root, "list", "-m", "-f", "{{.Dir}}", "github.com/gomlx/gomlx"))
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(from)))
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o644) // the cache's files are read-only
	}))
	patch := func(name string, replace ...string) {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		for i := 0; i < len(replace); i += 2 {
			old := regexp.MustCompile(replace[i])
			require.True(t, old.Match(data), "%s has no %s", name, replace[i])
			data = old.ReplaceAll(data, []byte(replace[i+1]))
		}
		require.NoError(t, os.WriteFile(path, data, 0o644))
	}
	const (
		xla     = `"github.com/gomlx/go-xla/compute/xla"`
		ours    = `_ "github.com/reprodl/reprodl/esc50/cpu"`
		install = `(?s)\terr := xla\.AutoInstall\(\)\n\s*if err != nil \{.*?\n\s*\}\n`
	)
	patch("support/testutil/testutil.go", xla, ours, install, "")
	patch("core/graph/graph_test.go", xla, ours, install, "")
	patch("backends/default/default.go", `_ "github.com/gomlx/compute/gobackend"`, "$0\n\t"+ours)
	for _, name := range []string{"support/testutil/xla.go", "backends/default/xla.go"} {
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	goIn(t, dir, "mod", "edit", "-replace=github.com/reprodl/reprodl="+root, "-require=github.com/reprodl/reprodl@v0.0.0")
	goIn(t, dir, "mod", "tidy")
	return dir
}

// goIn runs the go command and returns what it prints.
func goIn(t *testing.T, dir string, args ...string) string {
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), &stderr)
	return string(out)
}

// goTest runs the tests of a package on a backend and returns what became of
// each, of those at the top level. A test that panics ends the program: it
// fails, and those after it are run again, until none is left. Output of failures
// goes to t's with REPRODL_GOMLX_VERBOSE=1.
func goTest(t *testing.T, dir, pkg, backend string) map[string]string {
	result := make(map[string]string)
	for {
		args := []string{"test", "-json", "-short", "-timeout=10m", pkg}
		if len(result) > 0 {
			args = append(args, "-skip=^("+strings.Join(slices.Sorted(maps.Keys(result)), "|")+")$")
		}
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOMLX_BACKEND="+backend)
		events, _ := cmd.Output() // an error says only that some test failed
		before := len(result)
		running := make(map[string]bool)
		output := make(map[string]string)
		for line := range bytes.Lines(events) {
			var e struct{ Action, Test, Output string }
			if json.Unmarshal(line, &e) != nil || e.Test == "" {
				continue
			}
			top, _, sub := strings.Cut(e.Test, "/")
			output[top] += e.Output
			switch {
			case sub:
			case e.Action == "run":
				running[top] = true
			case e.Action == "pass" || e.Action == "skip" || e.Action == "fail":
				result[top] = e.Action
				delete(running, top)
			}
			if e.Action == "fail" && !sub && os.Getenv("REPRODL_GOMLX_VERBOSE") != "" {
				t.Logf("%s %s on %s:\n%s", pkg, top, backend, output[top])
			}
		}
		for name := range running {
			result[name] = "fail"
			if os.Getenv("REPRODL_GOMLX_VERBOSE") != "" {
				t.Logf("%s %s on %s ends the program:\n%s", pkg, name, backend, output[name])
			}
		}
		if len(result) == before {
			return result
		}
	}
}
