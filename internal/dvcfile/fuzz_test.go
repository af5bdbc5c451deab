package dvcfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

func FuzzExpression(f *testing.F) {
	for _, s := range []string{"", "a", "a.b[0].c", "a..b", "a[", " a ", "a [ b ] .c", "a\t.b", "é.", "[a]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := dvcfile.ParseExpr(s)
		if err != nil {
			assert.Contains(t, err.Error(), "ParseException: Expected ")
			return
		}
		assert.False(t, strings.ContainsAny(got, "[]"))
		again, err := dvcfile.ParseExpr(got)
		require.NoError(t, err)
		assert.Equal(t, got, again)
	})
}

func FuzzLoad(f *testing.F) {
	for _, y := range templates {
		f.Add(y, params)
	}
	f.Add("plots: [{a: {y: {b: [c]}}}]\nartifacts: {x: {path: '${s}'}}\n", params)
	f.Fuzz(func(t *testing.T, y, p string) {
		if len(y)+len(p) > 4096 {
			return
		}
		file, err := dvcfile.Load(tree("dvc.yaml", y, "params.yaml", p), "dvc.yaml", nil)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		for _, s := range file.Stages {
			assert.NotEmpty(t, s.Name)
			for _, o := range s.Outs {
				assert.NotEmpty(t, s.Path(o.Path))
			}
		}
	})
}

func FuzzLock(f *testing.F) {
	f.Add(lockText)
	f.Add("schema: '2.0'\nstages:\n  a:\n    cmd: x # why\n    outs:\n    - {path: o, md5: 1}\n")
	f.Add("schema: '2.0'\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		l, err := dvcfile.LoadLock(tree("dvc.lock", text), "dvc.lock", nil)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		names := l.Names()
		if l.Set("new", &dvcfile.LockStage{Cmd: dvcfile.NewCmd("true")}) != nil {
			return
		}
		again, err := dvcfile.LoadLock(tree("dvc.lock", string(l.Bytes())), "dvc.lock", nil)
		require.NoError(t, err, "%s", l.Bytes())
		assert.NotNil(t, again.Stage("new"))
		for _, n := range names {
			assert.NotNil(t, again.Stage(n), "%q", n)
		}
	})
}

func FuzzDotDVC(f *testing.F) {
	f.Add("outs:\n- md5: 5d41402abc4b2a76b9719d911017c592\n  size: 5\n  hash: md5\n  path: f.txt\n")
	f.Add("# why\nouts:\n- path: ../x\n  desc: d\nwdir: sub\nfrozen: true\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		d, err := dvcfile.LoadDotDVC(tree("x.dvc", text), "x.dvc", nil)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		out, err := d.Bytes()
		require.NoError(t, err)
		_, err = dvcfile.LoadDotDVC(tree("x.dvc", string(out)), "x.dvc", nil)
		assert.NoError(t, err, "%s", out)
	})
}
