//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/golden"
)

func TestMain(m *testing.M) {
	if os.Getenv("REPRODL_TEST_MAIN") != "" {
		main() // for TestCases
	}
	syscall.Umask(0o022) // the cases were recorded so
	os.Exit(m.Run())
}

// TestGoldenDVC runs every case that was recorded from dvc, whatever cases the
// directory holds, through the program's entry point, and compares exit codes,
// printed actions and JSON, and the whole tree after each step.
func TestGoldenDVC(t *testing.T) {
	dir := golden.Dir(t, "dvc")
	files, err := filepath.Glob(filepath.Join(dir, "*", "case.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no cases in %s", dir)
	for _, file := range files {
		c := loadCase(t, file)
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			if why, ok := notRunnable[c.ID]; ok {
				t.Skip(why)
			}
			c.run(t)
		})
	}
}

// goldenCase is a case.json; the README beside the cases describes the fields.
type goldenCase struct {
	ID      string
	Config  any
	Remote  bool
	Compare map[string]string
	Inline  []goldenEntry `json:"inline_inputs"`
	Steps   []goldenStep

	dir string
}

type goldenStep struct {
	Op      string
	Args    []string
	Cwd     string
	Message string
	Expect  string
	Edits   []goldenEdit
}

func loadCase(t *testing.T, file string) *goldenCase {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	c := &goldenCase{dir: filepath.Dir(file)}
	require.NoError(t, json.Unmarshal(data, c), file)
	if c.ID == "" {
		c.ID = filepath.Base(c.dir)
	}
	return c
}

func (c *goldenCase) run(t *testing.T) {
	tree := newTree(t, c)
	for i, step := range c.Steps {
		name := stepName(i, step)
		for _, edit := range step.Edits {
			edit.apply(t, tree)
		}
		switch step.Op {
		case "edit":
		case "git-commit":
			tree.git(t, "add", "-A")
			tree.git(t, "commit", "-q", "-m", step.Message)
		default:
			tree.before = tree.texts(t)
			got := tree.reprodl(t, step.Cwd, commandLine(step)...)
			if got.unknown {
				t.Skipf("step %s: this program has no command for it", name)
			}
			if step.Expect == "" {
				continue
			}
			want := loadExpect(t, filepath.Join(c.dir, step.Expect))
			cmp := &comparison{t: t, c: c, step: step, name: name, tree: tree}
			cmp.compare(want, got)
			if t.Failed() {
				t.Logf("step %s printed:\n%s%s", name, got.stdout, got.stderr)
				return
			}
		}
	}
}

func stepName(i int, s goldenStep) string {
	return strings.TrimSpace(strings.Join([]string{itoa2(i + 1), s.Op, strings.Join(s.Args, " ")}, " "))
}

func itoa2(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }

// commandLine is the command of a step: most are the op with its first dash as
// a blank.
func commandLine(s goldenStep) []string {
	var args []string
	switch s.Op {
	case "status", "metrics-show", "metrics-diff", "params-diff", "exp-show", "exp-diff", "plots-show", "plots-diff", "data-status":
		args = append(strings.Split(s.Op, "-"), "--json")
	case "status-cloud":
		args = []string{"status", "-c", "--json"}
	case "dag-dot", "dag-mermaid":
		args = strings.SplitN(s.Op, "-", 2)
		args[1] = "--" + args[1]
	case "exp-show-csv":
		args = []string{"exp", "show", "--csv"}
	default:
		args = strings.SplitN(s.Op, "-", 2)
	}
	return append(args, s.Args...)
}

// result is what one call of the program left behind.
type result struct {
	exit           int
	stdout, stderr string
	unknown        bool // there is no such command (yet)
}

// reprodl calls the program in the directory cwd of the tree.
func (tr *goldenTree) reprodl(t *testing.T, cwd string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &world{
		Dir: filepath.Join(tr.root, cwd), Env: tr.env,
		Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
	})
	return result{exit: code, stdout: stdout.String(), stderr: stderr.String(), unknown: !hasCommand(args)}
}

// hasCommand reports whether the words that args begin with name a command.
func hasCommand(args []string) bool {
	cmd := new(app).root()
	for _, word := range args {
		i := slices.IndexFunc(cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == word })
		if i < 0 {
			break
		}
		cmd = cmd.Commands()[i]
	}
	return cmd.Runnable() && cmd.HasParent()
}
