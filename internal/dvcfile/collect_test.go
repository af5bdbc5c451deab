package dvcfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

func paths(items []dvcfile.Item) []string {
	var all []string
	for _, i := range items {
		all = append(all, i.Path())
	}
	return all
}

func TestCollect(t *testing.T) {
	fsys := tree(
		"dvc.yaml", "stages:\n  a:\n    cmd: x\n    outs: [made]\n",
		"data.dvc", "outs:\n- path: data\n",
		"data/inner.dvc", "broken: [",
		"made/dvc.yaml", "broken: [",
		"sub/dvc.yaml", "", "sub/x.dvc", "",
		"sub/deep/z.dvc", "",
		"other/.dvc/config", "", "other/dvc.yaml", "broken: [",
		".dvc/tmp/x.dvc", "broken: [",
		".git/dvc.yaml", "broken: [",
		"skipped/dvc.yaml", "broken: [",
		"dvc.yml", "broken: [")
	skip := func(p string, dir bool) bool { return p == "skipped" && dir }
	items, err := dvcfile.Collect(fsys, &dvcfile.CollectOptions{Skip: skip})
	require.NoError(t, err)
	assert.Equal(t, []string{"data.dvc", "dvc.yaml", "sub/dvc.yaml", "sub/x.dvc", "sub/deep/z.dvc"}, paths(items))
}

func TestCollectErrors(t *testing.T) {
	fsys := tree("a.dvc", "foo: 1\n", "b.dvc", "")
	_, err := dvcfile.Collect(fsys, nil)
	assert.Equal(t, dvcfile.SchemaDVCFile, dvcfile.ClassOf(err))

	var seen []string
	items, err := dvcfile.Collect(fsys, &dvcfile.CollectOptions{OnError: func(p string, err error) error {
		seen = append(seen, p)
		return nil
	}})
	require.NoError(t, err)
	assert.Equal(t, []string{"a.dvc"}, seen)
	assert.Equal(t, []string{"b.dvc"}, paths(items))

	stop := errors.New("stop")
	_, err = dvcfile.Collect(fsys, &dvcfile.CollectOptions{OnError: func(string, error) error { return stop }})
	assert.ErrorIs(t, err, stop)
}

func TestCollectSymlinks(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "real"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "real", "x.dvc"), nil, 0o644))
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	require.NoError(t, os.Symlink("../real/x.dvc", filepath.Join(dir, "real", "y.dvc")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "z.dvc")))
	items, err := dvcfile.Collect(os.DirFS(dir), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"real/x.dvc", "real/y.dvc"}, paths(items))
}

// chain is a dvc.yaml of n stages and its lock file.
func chain(n int) fstest.MapFS {
	var y, l strings.Builder
	y.WriteString("stages:\n")
	l.WriteString("schema: '2.0'\nstages:\n")
	for i := range n {
		fmt.Fprintf(&y, "  s%d:\n    cmd: cp f%d f%d\n    deps:\n    - f%d\n    outs:\n    - f%d\n", i, i, i+1, i, i+1)
		fmt.Fprintf(&l, "  s%d:\n    cmd: cp f%d f%d\n    deps:\n    - path: f%d\n      hash: md5\n      md5: abc%029x\n      size: 2\n"+
			"    outs:\n    - path: f%d\n      hash: md5\n      md5: abc%029x\n      size: 2\n", i, i, i+1, i, i*7919+10, i+1, i*7919+11)
	}
	return tree("dvc.yaml", y.String(), "dvc.lock", l.String())
}

func BenchmarkCollectChain500(b *testing.B) {
	fsys := chain(500)
	for b.Loop() {
		items, err := dvcfile.Collect(fsys, nil)
		if err != nil || len(items) != 1 {
			b.Fatal(err)
		}
	}
}
