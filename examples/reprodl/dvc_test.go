//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/examples/internal/dvctest"
)

// session is what both tools do, one after the other, in a repository of their
// own. Lines that begin with "$" are for the shell.
const session = `
init -q
$ git add -A; git commit -qm init; mkdir -p d/s; echo 1 > d/a; echo 2 > d/s/b; echo hello > f.txt; printf x > 'we ird é.txt'
add d f.txt
$ echo 3 > d/c
add d/c
$ echo 4 > d/a; rm d/c; mkdir d/n; echo 9 > d/n/x
add d/a d/c d/n
add nothing
add d/none
$ echo x > tracked; git add tracked; git commit -qm t
add tracked
move f.txt g.txt
$ mkdir sub
move g.txt sub
remove d.dvc
checkout
add d
$ echo 5 > d/new; rm d/s/b
data status --json --granular
data status --json --granular --unchanged
data status
commit d.dvc
commit -f d.dvc
gc -w -f
gc -f
$ echo '*.tmp' >> .dvcignore; echo y > y.tmp
check-ignore -d a.tmp b
add y.tmp
remote add -d r1 ../rem
remote add r1 ../rem
remote list
push
status -c
$ rm -rf .dvc/cache d
status -c
checkout
pull
$ echo changed > d/new
checkout
checkout -f
$ git add -A; git commit -qm two; git rm -q --cached d.dvc; rm d.dvc
checkout
remote modify r1 nope 3
config core.nope x
config core.remote nothere
push
config -l
`

// TestSessionLikeDVC runs the session with dvc and with this program, and
// compares what they print and what they leave behind.
func TestSessionLikeDVC(t *testing.T) {
	dvc := dvctest.Find(t)
	theirs := runSession(t, func(dir string, env, args []string) (int, string) {
		cmd := exec.Command(dvc, args...)
		cmd.Dir, cmd.Env = dir, env
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	})
	ours := runSession(t, func(dir string, env, args []string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), args, &world{Dir: dir, Env: env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
		return code, out.String()
	})
	require.Len(t, ours, len(theirs))
	for i := range theirs {
		assert.Equal(t, theirs[i], ours[i])
	}
}

// moment is one step of a session: what it printed and what was there then.
type moment struct {
	Command string
	Exit    int
	Out     string
	Tree    string
}

func runSession(t *testing.T, tool func(dir string, env, args []string) (int, string)) []moment {
	t.Helper()
	base := t.TempDir()
	dir := filepath.Join(base, "repo")
	require.NoError(t, os.Mkdir(dir, 0o777))
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + base, "SHELL=/bin/sh", "LC_ALL=C.UTF-8", "TZ=UTC", "DVC_NO_ANALYTICS=1",
		"DVC_SITE_CACHE_DIR=" + filepath.Join(base, "site"), "DVC_GLOBAL_CONFIG_DIR=" + filepath.Join(base, "g"),
		"DVC_SYSTEM_CONFIG_DIR=" + filepath.Join(base, "s"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com",
	}
	shell := func(script string) {
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", script, out)
	}
	shell("git init -q -b main")
	var moments []moment
	for line := range strings.Lines(strings.TrimSpace(session)) {
		line = strings.TrimSpace(line)
		if script, ok := strings.CutPrefix(line, "$ "); ok {
			shell(script)
			continue
		}
		code, out := tool(dir, env, strings.Fields(line))
		out = strings.ReplaceAll(out, base, "<BASE>")
		moments = append(moments, moment{line, code, tidy(out), listing(t, dir)})
	}
	return moments
}

var noise = regexp.MustCompile(`(?m)^.*(Adding\.\.\.|Having any troubles).*\n?|\x1b\[[0-9;]*[A-Za-z]|\r`)

// tidy removes progress bars and blank lines, and puts words into order whose
// order is random in dvc.
func tidy(out string) string {
	var lines []string
	for line := range strings.Lines(noise.ReplaceAllString(out, "")) {
		line = strings.TrimRight(line, " \n")
		switch {
		case line == "" || strings.Contains(line, "is empty"):
			continue
		case strings.HasPrefix(line, "\tgit add "):
			words := strings.Fields(line)
			sort.Strings(words)
			line = strings.Join(words, " ")
		case strings.HasPrefix(line, "{"):
			chars := strings.Split(line, `"`)
			sort.Strings(chars)
			line = strings.Join(chars, `"`)
		}
		lines = append(lines, line)
	}
	// States are listed in the order of a set.
	if strings.Contains(out, "deleted:  ") || strings.Contains(out, "Missing cache files") {
		sort.Strings(lines)
	}
	return strings.Join(lines, "\n")
}

// listing is the tree, with modes, and the text of small files.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case rel == ".git", rel == ".dvc/tmp":
			return filepath.SkipDir
		case e.IsDir(), rel == ".dvc/config.local":
			return nil
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b.WriteString(fi.Mode().String() + " " + rel + ": " + string(data) + "\n")
		return nil
	})
	require.NoError(t, err)
	return b.String()
}
