package gocode_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/reprodl/reprodl/internal/gocode"
)

// goList asks the go command what [gocode.Load] finds out by itself.
func goList(t *testing.T, cfg gocode.Config, pkgs ...string) *gocode.Code {
	t.Helper()
	args := append([]string{"list", "-deps", "-json", "-tags=" + strings.Join(cfg.Tags, ",")}, pkgs...)
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = cfg.Dir, cfg.Env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	files, used := map[string]bool{}, map[string]bool{}
	elsewhere, dirs := map[string]map[string]bool{}, map[string]string{} // modules that a hash stands for
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Version, Dir string
				Replace            *struct{ Path, Version string }
			}
			GoFiles, CgoFiles, CFiles, HFiles, SFiles, SysoFiles, EmbedFiles []string
		}
		require.NoError(t, dec.Decode(&p))
		switch {
		case p.Standard || p.Module == nil:
		case p.Module.Version != "" && (p.Module.Replace == nil || p.Module.Replace.Version != ""):
			used[p.Module.Path+" "+p.Module.Version] = true
		default:
			to := files
			if p.Module.Replace != nil && !strings.HasPrefix(p.Module.Dir, cfg.Dir+string(filepath.Separator)) {
				if elsewhere[p.Module.Path] == nil {
					elsewhere[p.Module.Path], dirs[p.Module.Path] = map[string]bool{}, p.Module.Dir
				}
				to = elsewhere[p.Module.Path]
			}
			for _, names := range [][]string{p.GoFiles, p.CgoFiles, p.CFiles, p.HFiles, p.SFiles, p.SysoFiles, p.EmbedFiles} {
				for _, name := range names {
					to[filepath.Join(p.Dir, name)] = true
				}
			}
		}
	}
	for path, files := range elsewhere {
		var names []string
		for file := range files {
			rel, err := filepath.Rel(dirs[path], file)
			require.NoError(t, err)
			names = append(names, filepath.ToSlash(rel))
		}
		sum, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(dirs[path], name)) })
		require.NoError(t, err)
		used[path+" "+sum] = true
	}
	return &gocode.Code{Files: slices.Sorted(maps.Keys(files)), Modules: slices.Sorted(maps.Keys(used))}
}

// agree compares with the go command, twice with a memo.
func agree(t *testing.T, cfg gocode.Config, pkgs ...string) *gocode.Code {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to compare with")
	}
	if cfg.Env == nil {
		cfg.Env = os.Environ()
	}
	want := goList(t, cfg, pkgs...)
	cfg.Memo = filepath.Join(t.TempDir(), "memo")
	var got *gocode.Code
	for range 2 {
		var err error
		got, err = gocode.Load(t.Context(), cfg, pkgs...)
		require.NoError(t, err)
		assert.Equal(t, want.Files, got.Files)
		var versions []string
		for _, m := range got.Modules {
			if f := strings.Fields(m); f[0] != "go" {
				versions = append(versions, f[0]+" "+f[1])
			}
		}
		assert.Equal(t, want.Modules, slices.Compact(versions))
	}
	return got
}

func TestThisModule(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	code := agree(t, gocode.Config{Dir: root}, "./examples/reprodl", "./internal/gocode")
	assert.Contains(t, code.Files, filepath.Join(root, "internal/gocode/gocode.go"))
	assert.Contains(t, code.Modules, "go 1.26.5")
	assert.True(t, slices.ContainsFunc(code.Modules, func(m string) bool {
		return strings.HasPrefix(m, "golang.org/x/mod v0.42.0 h1:")
	}), code.Modules)
}

const tree = `
-- go.work --
go 1.26

use (
	./app
	./shared
)
-- app/go.mod --
module example.com/app

go 1.26

require example.com/replaced v1.0.0

replace example.com/replaced => ../replaced
-- app/cmd/train/main.go --
package main

import (
	"fmt"

	"example.com/app/internal/model"
	"example.com/replaced/deep"
	"example.com/shared"
)

func main() { fmt.Println(model.A, deep.A, shared.A) }
-- app/cmd/train/main_test.go --
package main

import _ "example.com/app/unrelated"
-- app/cmd/train/extra.go --
//go:build extra

package main

import _ "example.com/app/extra"
-- app/cmd/train/README.md --
-- app/internal/model/model.go --
package model

import _ "embed"

//go:embed words.txt tables/*.csv static all:hidden
var A string
-- app/internal/model/model_windows.go --
package model

import _ "example.com/app/win"
-- app/internal/model/model_amd64.s --
-- app/internal/model/words.txt --
-- app/internal/model/tables/a.csv --
-- app/internal/model/tables/b.txt --
-- app/internal/model/static/x/.hidden --
-- app/internal/model/static/x/seen --
-- app/internal/model/static/nested/go.mod --
module example.com/nested
-- app/internal/model/static/nested/data --
-- app/internal/model/hidden/.yes --
-- app/internal/model/hidden/_yes --
-- app/extra/extra.go --
package extra
-- app/win/win.go --
package win
-- app/win/win_linux.go --
package win
-- app/unrelated/unrelated.go --
package unrelated
-- shared/go.mod --
module example.com/shared

go 1.26
-- shared/shared.go --
package shared

const A = 1
-- replaced/go.mod --
module example.com/replaced

go 1.20
-- replaced/deep/deep.go --
package deep

const A = 1
`

func writeTree(t *testing.T, text string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, f := range txtar.Parse([]byte(text)).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, f.Data, 0o666))
	}
	return dir
}

func TestTree(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	dir := writeTree(t, tree)
	env := func(kv ...string) []string { return append(os.Environ(), kv...) }
	tests := []struct {
		name string
		cfg  gocode.Config
		has  string
		not  string
	}{
		{"plain", gocode.Config{Env: env("GOOS=linux", "GOARCH=amd64")}, "app/internal/model/model_amd64.s", "app/win/win.go"},
		{"another system", gocode.Config{Env: env("GOOS=windows", "GOARCH=arm64")}, "app/win/win.go", "app/internal/model/model_amd64.s"},
		{"tag", gocode.Config{Tags: []string{"extra"}}, "app/extra/extra.go", "app/unrelated/unrelated.go"},
		{"tag by environment", gocode.Config{Env: env("GOFLAGS=-tags=extra,other")}, "app/extra/extra.go", "app/cmd/train/main_test.go"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Dir = filepath.Join(dir, "app")
			if strings.Contains(strings.Join(tt.cfg.Env, " "), "GOFLAGS=-tags") {
				code, err := gocode.Load(t.Context(), tt.cfg, "./cmd/train")
				require.NoError(t, err)
				assert.Contains(t, code.Files, filepath.Join(dir, tt.has))
				return
			}
			code := agree(t, tt.cfg, "./cmd/train")
			assert.Contains(t, code.Files, filepath.Join(dir, tt.has))
			assert.NotContains(t, code.Files, filepath.Join(dir, tt.not))
			assert.Contains(t, code.Files, filepath.Join(dir, "shared/shared.go"))
		})
	}
}

// TestReplacedElsewhere moves a module that a replace directive leads to: what
// is recorded says nothing of where it lies, and all of what it holds.
func TestReplacedElsewhere(t *testing.T) {
	const tree = `
-- app/go.mod --
module example.com/app

go 1.26

require example.com/lib v1.0.0

replace example.com/lib => %s
-- app/main.go --
package main

import "example.com/lib/deep"

func main() { deep.Do() }
-- lib/go.mod --
module example.com/lib
-- lib/deep/deep.go --
package deep

func Do() {}
`
	load := func(dir string) *gocode.Code {
		code, err := gocode.Load(t.Context(), gocode.Config{Dir: filepath.Join(dir, "app")}, ".")
		require.NoError(t, err)
		assert.Equal(t, []string{filepath.Join(dir, "app/main.go")}, code.Files)
		return code
	}
	here := writeTree(t, fmt.Sprintf(tree, "../lib"))
	there := writeTree(t, fmt.Sprintf(tree, "../../lib"))
	require.NoError(t, os.Rename(filepath.Join(there, "lib"), filepath.Join(filepath.Dir(there), "lib"))) // below the test's own directory
	first := load(here)
	require.Len(t, first.Modules, 2) // and the language
	assert.Regexp(t, `^example.com/lib h1:[\w+/]+=$`, first.Modules[0])
	assert.Equal(t, first.Modules, load(there).Modules)
	require.NoError(t, os.WriteFile(filepath.Join(here, "lib/deep/deep.go"), []byte("package deep\n\nfunc Do() { println() }\n"), 0o666))
	assert.NotEqual(t, first.Modules, load(here).Modules)
}

func TestErrors(t *testing.T) {
	dir := writeTree(t, `
-- go.mod --
module example.com/m
-- a/a.go --
package a

import _ "example.org/nowhere"
-- b/b.go --
package b

import "broken
-- empty/x --
`)
	for pkg, want := range map[string]string{
		"./a":              "go package example.org/nowhere imported by example.com/m/a: no module in go.mod provides it; run: go get example.org/nowhere",
		"./empty":          "no buildable Go source files",
		"./missing":        "missing",
		"../outside":       "outside of the module",
		"./b":              "b.go:3",
		"example.com/m/a2": "there is no such package in",
	} {
		_, err := gocode.Load(t.Context(), gocode.Config{Dir: dir}, pkg)
		assert.ErrorContains(t, err, want)
	}
	_, err := gocode.Load(t.Context(), gocode.Config{Dir: t.TempDir()}, ".")
	assert.ErrorContains(t, err, "no go.mod")
}
