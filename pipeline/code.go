package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/gocode"
	"github.com/reprodl/reprodl/internal/project"
)

const (
	// codeKey is the key in a stage's meta that names its Go packages.
	codeKey = "go"
	// codeName is the file, beside a dvc.yaml, that lists what they are made of.
	codeName = "dvc.go.yaml"
)

// SyncCode brings the Go code that stages depend on up to date in dvc.yaml, and
// returns the files it changed, relative to the working directory. Repro does
// the same before it looks at anything; Status only pretends to.
//
// A stage names its Go packages in its meta, which DVC leaves to the user:
//
//	train:
//	  cmd: go run ./cmd/train
//	  meta:
//	    go: ./cmd/train
//
// SyncCode adds to its deps every source file of the local modules in the
// packages' import closure, with build constraints observed, and to its params
// the stage's entry of the generated file dvc.go.yaml, which lists these files
// and the versions of the other modules that the closure reaches. So DVC
// itself, without this package, notices each change of a listed file; a new
// file, import or version once SyncCode or Repro has run.
func (r *Repo) SyncCode(ctx context.Context) ([]string, error) {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	x := r.p.NewIndex()
	if err := x.Collect(); err != nil {
		return nil, err
	}
	files, err := code(ctx, x)
	if err != nil {
		return nil, err
	}
	return r.writeCode(files)
}

// writeCode writes what [index.code] found, but for a dvc.yaml that exists only
// in memory.
func (r *Repo) writeCode(files map[string][]byte) ([]string, error) {
	var changed []string
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if file == r.defined {
			continue
		}
		if err := atomicfile.WriteFile(file, files[file], nil); err != nil {
			return changed, err
		}
		changed = append(changed, r.p.Rel(file))
	}
	return changed, nil
}

// useCode makes an index that has what SyncCode would write; with write set it
// is written as well. Without stages of Go code it is x itself.
func (r *Repo) useCode(ctx context.Context, x *project.Index, write bool) (*project.Index, error) {
	files, err := code(ctx, x)
	if err != nil || len(files) == 0 {
		return x, err
	}
	if write {
		if _, err := r.writeCode(files); err != nil {
			return nil, err
		}
	}
	next := x.Repo.NewIndex()
	next.SetOverlay(files)
	if x.Whole {
		return next, next.Collect()
	}
	return next, nil
}

// code returns the new content of each dvc.yaml and dvc.go.yaml that is not up
// to date, by absolute path. Only files that were loaded are looked at.
func code(ctx context.Context, x *project.Index) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(x.Projects)) {
		sync := codeSync{x: x, project: x.Projects[name], list: dvcyaml.NewMap()}
		if err := sync.run(ctx, files); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// codeSync is the work on one dvc.yaml.
type codeSync struct {
	x       *project.Index
	project *dvcfile.File
	doc     *dvcyaml.Document
	old     *dvcyaml.Map // of dvc.go.yaml
	list    *dvcyaml.Map
}

// codePackages are the Go packages that a stage names, or nil.
func codePackages(def *dvcfile.Stage) ([]string, error) {
	meta, ok := def.Meta.(*dvcyaml.Map)
	if !ok {
		return nil, nil
	}
	v, ok := meta.Get(codeKey)
	if !ok {
		return nil, nil
	}
	if s, ok := v.(string); ok {
		return []string{s}, nil
	}
	list, _ := v.([]any)
	var all []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			all = append(all, s)
		}
	}
	if len(all) == 0 || len(all) != len(list) {
		return nil, fmt.Errorf("stage '%s' in '%s': meta.go must be a Go package or a list of them, such as ./cmd/train",
			def.Name, def.File.Path)
	}
	return all, nil
}

func (c *codeSync) run(ctx context.Context, files map[string][]byte) error {
	abs := c.x.Repo.Abs(c.project.Path)
	listFile := filepath.Join(filepath.Dir(abs), codeName)
	var oldText []byte
	done := map[string]bool{}
	for _, def := range c.project.Stages {
		packages, err := codePackages(def)
		if err != nil {
			return err
		}
		key := codeEntry(def)
		if packages == nil || done[key] {
			continue
		}
		done[key] = true
		if c.doc == nil {
			if oldText, err = c.open(listFile); err != nil {
				return err
			}
		}
		if err := c.stage(ctx, def, packages); err != nil {
			return fmt.Errorf("stage '%s' in '%s': %w", def.Name, c.project.Path, err)
		}
	}
	if c.doc == nil {
		return nil
	}
	before, err := fs.ReadFile(c.x.Fsys, c.project.Path)
	if err != nil {
		return err
	}
	if text := c.doc.Bytes(); c.edited(before) {
		files[abs] = text
	}
	text := append([]byte("# Written by reprodl from the Go packages that stages name in meta.go. Do not edit.\n"), dvcyaml.Marshal(c.list)...)
	if string(text) != string(oldText) {
		files[listFile] = text
	}
	return nil
}

// edited reports whether the document holds something else than the file did;
// its layout alone is no reason to write it.
func (c *codeSync) edited(before []byte) bool {
	old, err := dvcyaml.Decode(c.project.Path, before)
	return err != nil || string(dvcyaml.Marshal(old)) != string(dvcyaml.Marshal(c.doc.Value()))
}

func (c *codeSync) open(listFile string) ([]byte, error) {
	data, err := fs.ReadFile(c.x.Fsys, c.project.Path)
	if err != nil {
		return nil, err
	}
	if c.doc, err = dvcyaml.ParseDocument(c.project.Path, data); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(listFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if v, err := dvcyaml.Decode(listFile, text); err == nil { // else it is written anew
		c.old, _ = v.(*dvcyaml.Map)
	}
	return text, nil
}

// codeEntry names the entry of a stage in dvc.go.yaml; members of a group share
// one. Parameters cannot be addressed by names with these characters.
func codeEntry(def *dvcfile.Stage) string {
	name := def.Name
	if def.Group != "" {
		name = def.Group
	}
	return strings.NewReplacer(".", "_", "*", "_", "?", "_", "[", "_", "]", "_").Replace(name)
}

// stage edits one definition.
func (c *codeSync) stage(ctx context.Context, def *dvcfile.Stage, packages []string) error {
	repo := c.x.Repo
	wdir := repo.Abs(def.Wdir)
	code, err := gocode.Load(ctx, gocode.Config{
		Dir: wdir, Env: repo.Env, Memo: filepath.Join(repo.TmpDir(), "reprodl", "gocode"),
	}, packages...)
	if err != nil {
		return err
	}
	files := make([]string, len(code.Files))
	for i, file := range code.Files {
		rel, err := filepath.Rel(wdir, file)
		if err != nil {
			return err
		}
		files[i] = filepath.ToSlash(rel)
	}
	slices.Sort(files)
	key := codeEntry(def)
	c.list.Set(key, dvcyaml.NewMap("modules", texts(code.Modules), "files", texts(files)))

	at := []any{"stages", def.Name}
	if def.Group != "" {
		at = []any{"stages", def.Group}
		if raw, _ := lookup(c.doc.Value(), append(at, "foreach")...); raw != nil {
			at = append(at, "do")
		}
	}
	if err := c.setDeps(append(at, "deps"), key, files); err != nil {
		return err
	}
	list, err := filepath.Rel(wdir, filepath.Join(repo.Abs(path.Dir(c.project.Path)), codeName))
	if err != nil {
		return err
	}
	return c.setParams(append(at, "params"), key, filepath.ToSlash(list))
}

// setDeps replaces, among the deps of a stage, the files that were listed
// before by those that belong to the code now.
func (c *codeSync) setDeps(at []any, key string, files []string) error {
	ours := map[string]bool{}
	if old, ok := lookup(c.old, key, "files"); ok {
		list, _ := old.([]any)
		for _, item := range list {
			if s, ok := item.(string); ok {
				ours[literal(s)] = true
			}
		}
	}
	v, _ := lookup(c.doc.Value(), at...)
	raw, _ := v.([]any)
	n := len(raw)
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[literal(f)] = true
	}
	for i := len(raw) - 1; i >= 0; i-- {
		s, _ := raw[i].(string)
		if ours[s] && !wanted[s] {
			c.doc.Delete(append(slices.Clone(at), i)...)
			n--
		}
		delete(wanted, s)
	}
	for _, f := range files {
		if !wanted[literal(f)] {
			continue
		}
		if err := c.add(literal(f), n, at); err != nil {
			return err
		}
		n++
	}
	return nil
}

// add appends an item to a list of n items, which it makes if need be.
func (c *codeSync) add(item any, n int, at []any) error {
	if n == 0 {
		return c.doc.Set([]any{item}, at...)
	}
	return c.doc.Set(item, append(slices.Clone(at), n)...)
}

// setParams adds the entry of dvc.go.yaml to the params of a stage.
func (c *codeSync) setParams(at []any, key, file string) error {
	v, _ := lookup(c.doc.Value(), at...)
	list, _ := v.([]any)
	for _, item := range list {
		if m, ok := item.(*dvcyaml.Map); ok {
			if _, ok := m.Get(file); ok {
				return nil
			}
		}
	}
	return c.add(dvcyaml.NewMap(file, []any{key}), len(list), at)
}

// lookup follows keys through nested mappings.
func lookup(v any, keys ...any) (any, bool) {
	for _, key := range keys {
		m, ok := v.(*dvcyaml.Map)
		if !ok {
			return nil, false
		}
		if v, ok = m.Get(key); !ok {
			return nil, false
		}
	}
	return v, true
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
