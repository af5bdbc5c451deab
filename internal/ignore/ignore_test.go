package ignore_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/ignore"
)

// matches asks git's rules about a path, given that its directories are not ignored.
func matches(t *testing.T, patterns, path string, isDir bool) bool {
	root := t.TempDir()
	write(t, root, ".gitignore", patterns)
	return ignore.Git(root, "").Ignored(path, isDir)
}

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		dir, want     bool
	}{
		{"a", "x/a", false, true},
		{"/a", "x/a", false, false},
		{"a/", "a", false, false},
		{"a/", "a", true, true},
		{"x/*.go", "x/y/a.go", false, false},
		{"x/**/a", "x/a", false, true},
		{"x/**/a", "x/y/z/a", false, true},
		{"**/a", "a", false, true},
		{"a/**", "a", true, false},
		{"a/**", "a/b/c", false, true},
		{"*.t?t", "d/x.txt", false, true},
		{"[a-c]x", "bx", false, true},
		{"[!a-c]x", "bx", false, false},
		{"[[:digit:]]", "7", false, true},
		{`\!x`, "!x", false, true},
		{`\#x`, "#x", false, true},
		{"x  ", "x", false, true},
		{`x\ `, "x ", false, true},
		{"[", "[", false, false},
		{`x\`, `x\`, false, false},
	} {
		assert.Equal(t, tt.want, matches(t, tt.pattern, tt.path, tt.dir), "%q %q", tt.pattern, tt.path)
	}
}

func write(t *testing.T, root, name, content string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o666))
}

func TestDVC(t *testing.T) {
	root := t.TempDir()
	write(t, root, ".dvcignore", "# comment\n  *.tmp  \n/build\n!keep.tmp\n")
	write(t, root, "sub/.dvcignore", "!x.tmp\nx.log\n")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "other", ".dvc"), 0o777))
	tree := ignore.DVC(root)
	for path, want := range map[string]bool{
		"a.tmp": true, "keep.tmp": false, "sub/a.tmp": true, "sub/x.tmp": false, "sub/x.log": true, "x.log": false,
		"build/x": true, "sub/build": false, ".git/x": true, "sub/.dvc/config": true, "other/file": true,
	} {
		assert.Equal(t, want, tree.Ignored(path, false), path)
	}
	p := tree.Match("sub/x.log", false)
	require.NotNil(t, p)
	assert.Equal(t, "sub/.dvcignore:2:x.log", fmt.Sprintf("%s:%d:%s", p.Source, p.Line, p.Text))
}

// TestAgainstGit compares random patterns and paths with git check-ignore.
func TestAgainstGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here:", err)
	}
	root := t.TempDir()
	git := func(in string, args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+root, "XDG_CONFIG_HOME="+root)
		cmd.Stdin = strings.NewReader(in)
		var out, msg bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &msg
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 1 {
			require.NoError(t, err, msg.String())
		}
		return out.String()
	}
	git("", "init", "-q")
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "ab", "a b", "x.txt", "[a]", "!n", "#h", `b\s`, "é", "*", "a-b", "]"}
	var paths []string
	for _, d := range []string{"b/a/ab/", "a/b/", "a/", "b/", "ab/", "é/", ""} {
		for _, n := range names {
			write(t, root, d+"dir"+n+"/f", "")
			if _, err := os.Stat(filepath.Join(root, d+n)); err != nil {
				write(t, root, d+n, "")
			}
		}
	}
	require.NoError(t, filepath.WalkDir(root, func(p string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == ".git" {
			return filepath.SkipDir
		}
		if rel, _ := filepath.Rel(root, p); rel != "." {
			paths = append(paths, filepath.ToSlash(rel))
		}
		return err
	}))
	pieces := []string{"a", "b", "ab", "*", "**", "?", "/", "/", "[a-c]", "[!a]", "[^]b]", "[[:alpha:]]", "[[:x:]]", "[a", "]", `\*`, `\a`, `\`, "!", "#", " ", "dir", ".txt", "é", "-", "[]-a]", "[--0]", `[\]a]`, "[[:alpha]"}
	for round := range 60 {
		for _, dir := range []string{"", "a/", "b/"} {
			var file strings.Builder
			for range 4 {
				if rng.IntN(4) == 0 {
					file.WriteByte('!')
				}
				for range 1 + rng.IntN(5) {
					file.WriteString(pieces[rng.IntN(len(pieces))])
				}
				file.WriteByte('\n')
			}
			write(t, root, dir+".gitignore", file.String())
		}
		want := map[string]bool{}
		for p := range strings.SplitSeq(git(strings.Join(paths, "\x00"), "check-ignore", "--no-index", "-z", "--stdin"), "\x00") {
			want[p] = true
		}
		tree := ignore.Git(root, "")
		for _, p := range paths {
			fi, err := os.Stat(filepath.Join(root, p))
			require.NoError(t, err)
			if !assert.Equal(t, want[p], tree.Ignored(p, fi.IsDir()), "round %d: %q by %+v", round, p, tree.Match(p, fi.IsDir())) {
				for _, dir := range []string{"", "a/", "b/"} {
					data, _ := os.ReadFile(filepath.Join(root, dir+".gitignore"))
					t.Logf("%s.gitignore: %q", dir, data)
				}
				t.FailNow()
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a/**/b[!x-z]*", "a/c/bd")
	f.Add(`\ [[:alpha:]]`, " x")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 64 || len(path) > 64 {
			t.Skip()
		}
		root := t.TempDir()
		write(t, root, ".dvcignore", pattern)
		ignore.DVC(root).Ignored(path, false)
		matches(t, pattern, path, false)
		name := ignore.Quote(strings.TrimSpace(path))
		if strings.ContainsAny(path, "\n\r\x00/") || name == "" || name == "." || name == ".." || strings.TrimRight(path, " ") != path {
			return
		}
		if !matches(t, "/"+name, strings.TrimSpace(path), false) {
			t.Errorf("%q does not match %q", "/"+name, path)
		}
	})
}
