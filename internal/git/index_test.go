package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/git"
)

func TestIndexVersions(t *testing.T) {
	for _, v := range []string{"2", "3", "4"} {
		r := sample(t)
		r.write("n", "intent")
		if v != "2" {
			r.git("add", "-N", "n") // needs extended flags
		}
		r.git("update-index", "--index-version", v)
		ix, err := r.open().Index(t.Context())
		require.NoError(t, err, "version %s", v)
		var got []string
		for _, e := range ix.Entries {
			got = append(got, fmt.Sprintf("%06o %s %d\t%s", e.Mode, e.ID, e.Stage, e.Path))
		}
		want := strings.Split(strings.TrimRight(r.git("ls-files", "--stage", "-z"), "\x00"), "\x00")
		assert.Equal(t, want, got, "version %s", v)
		if v != "2" {
			e, ok := ix.Find("n")
			assert.True(t, ok && e.IntentToAdd)
		}
	}
}

func TestTracked(t *testing.T) {
	r := sample(t)
	r.write("new", "untracked")
	g := r.open()
	for name, want := range map[string]bool{"a.txt": true, "dir": true, "dir/b.txt": true, "di": false, "dir/": true, "new": false, "../a.txt": false,
		filepath.Join(r.dir, "dir", "süb"): true} {
		got, err := g.Tracked(name)
		require.NoError(t, err)
		assert.Equal(t, want, got, name)
	}
	r.git("add", "new")
	got, err := g.Tracked("new")
	require.NoError(t, err)
	assert.True(t, got, "the index is read again")
}

func TestSplitAndSparseIndex(t *testing.T) {
	r := sample(t)
	r.git("sparse-checkout", "set", "--cone", "--sparse-index", "dir/süb")
	ix, err := r.open().Index(t.Context())
	require.NoError(t, err)
	assert.Len(t, ix.Entries, 4)
	r.git("sparse-checkout", "disable")
	r.git("update-index", "--split-index")
	ix, err = r.open().Index(t.Context())
	require.NoError(t, err)
	assert.Len(t, ix.Entries, 4)
	assert.True(t, slices.IsSortedFunc(ix.Entries, func(a, b git.IndexEntry) int { return strings.Compare(a.Path, b.Path) }))
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte("DIRC\x00\x00\x00\x02\x00\x00\x00\x00" + strings.Repeat("x", 20)))
	if data, err := os.ReadFile("testdata/index-v4"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { git.ParseIndex(data, 40) })
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 a\x00" + strings.Repeat("i", 20)))
	f.Fuzz(func(t *testing.T, data []byte) { git.ParseTree(data, 40) })
}

func FuzzParseCommit(f *testing.F) {
	f.Add([]byte("tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0200\n\nmsg"))
	f.Fuzz(func(t *testing.T, data []byte) { git.ParseCommit("x", data) })
}

func FuzzValidRefName(f *testing.F) {
	for _, s := range []string{"refs/exps/a", "a..b", "x.lock", "-x", "a@{1}", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if git.ValidRefName(s) && strings.ContainsAny(s, "\n\x00 ") {
			t.Errorf("%q", s)
		}
	})
}
