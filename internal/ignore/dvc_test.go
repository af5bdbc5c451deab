package ignore_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/ignore"
)

// A dvcCase is a tree with .dvcignore files, and what DVC says about its paths.
type dvcCase struct {
	Files map[string]string `json:"files"`
	Dirs  []string          `json:"dirs"`
	Ask   []string          `json:"ask"` // directories end in a slash
	Say   []string          `json:"say,omitempty"`
	Error string            `json:"error,omitempty"` // DVC fails
}

const (
	recordedCases = "testdata/dvcignore.jsonl.gz"
	peerCases     = 3000
)

// TestAgainstDVC asks the real DVC about thousands of random trees.
// REPRODL_RECORD=1 writes the first of them to testdata.
func TestAgainstDVC(t *testing.T) {
	python := filepath.Join(filepath.Dir(os.Getenv("REPRODL_DVC")), "python")
	if os.Getenv("REPRODL_DVC") == "" {
		t.Skip("needs DVC: set REPRODL_DVC to its program")
	}
	rng := rand.New(rand.NewPCG(3, 67))
	var in bytes.Buffer
	for range peerCases {
		line, err := json.Marshal(randomCase(rng))
		require.NoError(t, err)
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(python, "-W", "ignore", "testdata/dvcignore.py")
	cmd.Stdin = &in
	cmd.Env = append(os.Environ(), "DVC_NO_ANALYTICS=1")
	var msg bytes.Buffer
	cmd.Stderr = &msg
	out, err := cmd.Output()
	require.NoError(t, err, msg.String())
	compareCases(t, bytes.NewReader(out), peerCases)
	if os.Getenv("REPRODL_RECORD") != "" {
		lines := bytes.SplitAfter(out, []byte("\n"))
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(bytes.Join(lines[:300], nil))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(recordedCases, b.Bytes(), 0o666))
	}
}

// TestRecordedDVC does the same with what was recorded.
func TestRecordedDVC(t *testing.T) {
	f, err := os.Open(recordedCases)
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	compareCases(t, r, 300)
}

func compareCases(t *testing.T, r io.Reader, want int) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	n, refused, wrong := 0, 0, 0
	for ; sc.Scan(); n++ {
		var c dvcCase
		require.NoError(t, json.Unmarshal(sc.Bytes(), &c))
		if c.Error != "" {
			// Only what pathspec or re cannot translate; anything else is a fault of the script.
			require.Regexp(t, "^(GitIgnorePatternError|PatternError|error): ", c.Error)
			refused++
			continue
		}
		if !c.agrees(t) {
			if wrong++; wrong == 10 {
				break
			}
		}
	}
	require.NoError(t, sc.Err())
	assert.Equal(t, want, n)
	assert.Less(t, refused, n/4, "too many cases tell nothing")
}

func (c *dvcCase) agrees(t *testing.T) bool {
	root := t.TempDir()
	for _, d := range c.Dirs {
		require.NoError(t, os.MkdirAll(filepath.Join(root, d), 0o777))
	}
	for name, text := range c.Files {
		write(t, root, name, text)
	}
	tree := ignore.DVC(root)
	ok := true
	for i, p := range c.Ask {
		rel, isDir := strings.CutSuffix(p, "/")
		got := "- "
		if p := tree.Explain(rel, isDir); p != nil {
			got = map[bool]string{true: "-", false: "+"}[p.Negate] + " " + p.String()
		}
		if strings.HasPrefix(got, "+ in sub_repo:") {
			got = got[:1] + c.Say[i][1:] // DVC may name a line that ignores it as well
		}
		ok = assert.Equal(t, c.Say[i], got, "%q in %q, directories %q", p, c.Files, c.Dirs) && ok
		assert.Equal(t, c.Say[i][0] == '+', tree.Ignored(rel, isDir))
	}
	require.NoError(t, os.RemoveAll(root))
	return ok
}

// randomCase makes a tree out of few names, and patterns that are likely to
// match something in it.
func randomCase(rng *rand.Rand) *dvcCase {
	pick := func(of []string) string { return of[rng.IntN(len(of))] }
	names := []string{"a", "b", "data", "sub", "x.csv", "y.log", ".h", "a b", "[a]", "!n", "#h", "é", "-", "ab", ".git", ".dvc", "a\nb"}
	pieces := []string{"a", "b", "data", "sub", "*.csv", "*.log", "*", "**", "?", "/", "/", "/", "[a-c]", "[!a]", "[^b]", "[[:alpha:]]", "[]-a]",
		`[\]a]`, "[+-0]", `\*`, `\a`, `\#`, `\!`, "!", "#", " ", "é", "x.csv", ".", "-", "[a", "]", "y", "&&", "[--0]", "[a-é]", "\t"}
	whole := []string{"*", "!*/", "!data/", "!data", "!data/**", "/*", "!/data", "!/data/", "!*.csv", "**/sub", "**/sub/**", "data/**/x.csv", "!**",
		"**", "**/", "*/", "!.git", "!.dvc/", "data/*", "!/data/sub", `\!n`, `\#h`, `[[]a]`, "a\\ ", "!sub/x.csv", "/data/sub/", "/a\\", "!", "[z-a]", "//", "/", "a//b"}
	refused := []string{"!", "[z-a]", `/a\`, "a\\ "} // by pathspec
	c := &dvcCase{Files: map[string]string{}}
	dirs := []string{"data", "data/sub"}
	for range 2 + rng.IntN(4) {
		up := append([]string{"."}, dirs...)
		// DVC escapes neither the name of a repository within this one nor those
		// above it, so that "[a]" hides "a" and not itself; here it is hidden.
		if d := path.Join(pick(up), pick(names)); path.Base(d) != ".dvc" || !strings.ContainsAny(d, "[#!") {
			dirs = append(dirs, d)
		}
	}
	seen := map[string]bool{}
	for _, d := range dirs {
		if !seen[d] {
			seen[d] = true
			c.Dirs = append(c.Dirs, d)
			c.Ask = append(c.Ask, d+"/")
		}
	}
	for range 6 {
		if p := path.Join(pick(dirs), pick(names)); !seen[p] && !strings.Contains(p, "/.dvcignore") {
			seen[p] = true
			c.Ask = append(c.Ask, p)
		}
	}
	for _, d := range append([]string{"."}, dirs...) {
		if d != "." && rng.IntN(3) > 0 {
			continue
		}
		var b strings.Builder
		for range 1 + rng.IntN(5) {
			if rng.IntN(2) == 0 {
				if w := pick(whole); !slices.Contains(refused, w) || rng.IntN(20) == 0 {
					b.WriteString(w)
				}
			} else {
				if rng.IntN(3) == 0 {
					b.WriteByte('!')
				}
				for range 1 + rng.IntN(4) {
					b.WriteString(pick(pieces))
				}
			}
			b.WriteString(pick([]string{"\n", "\n", "\n", "\r\n", "\r", " \n"}))
		}
		c.Files[path.Join(d, ".dvcignore")] = b.String()
	}
	return c
}
