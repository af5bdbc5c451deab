// Package gocode finds what a Go package is made of: every source file of the
// local modules in its import closure, and the versions of the other modules
// that the closure reaches. It reads files only; the go command is not run.
//
// Build constraints are those of the environment (GOOS, GOARCH, CGO_ENABLED,
// -tags in GOFLAGS) and of [Config]. Local is the main module, the modules of a
// go.work file, and whatever a replace directive points to in the file system:
// code that no version number stands for. Where such a directive leads out of
// the module one hash stands for all of them. Test files are no part of a package;
// files it embeds are, and so are the assembly, C and header files beside it.
package gocode

import (
	"context"
	"fmt"
	"go/build"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// Config says where and how packages are looked up.
type Config struct {
	Dir  string   // absolute; packages are relative to it, and the module is found upwards from it
	Env  []string // nil = none: the defaults of the go command
	Tags []string // additional build tags
	// Memo is a file that remembers the imports of packages; empty = none. It
	// may be lost without harm.
	Memo string
}

// Code is what packages are made of.
type Code struct {
	Files []string // absolute, sorted
	// Modules are the other modules that packages of the closure come from, as
	// "path version" or, where go.sum has it, "path version h1:…", sorted; the
	// last is the language version, "go 1.26". One that is replaced by a
	// directory outside of the module is "path h1:…" with the hash of its files
	// in the closure: where that directory lies differs between machines.
	Modules []string
}

// Load finds the code of packages: import paths, or directories beginning with
// "./" or "../" or absolute.
func Load(ctx context.Context, cfg Config, packages ...string) (*Code, error) {
	mods, err := loadModules(cfg)
	if err != nil {
		return nil, err
	}
	memo := openMemo(cfg.Memo)
	l := &loader{
		mods: mods, memo: memo, build: buildContext(cfg),
		files: map[string]struct{}{}, used: map[string]struct{}{}, seen: map[string]bool{}, elsewhere: map[*module][]string{},
	}
	l.key = l.contextKey()
	for _, pkg := range packages {
		if err := l.root(cfg.Dir, pkg); err != nil {
			return nil, err
		}
	}
	for len(l.todo) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := l.todo[len(l.todo)-1]
		l.todo = l.todo[:len(l.todo)-1]
		if err := l.visit(next); err != nil {
			return nil, err
		}
	}
	memo.save()
	for m, files := range l.elsewhere {
		sum, err := m.hash(files)
		if err != nil {
			return nil, fmt.Errorf("go module %s in %s: %w", m.path, m.dir, err)
		}
		l.used[m.path+" "+sum] = struct{}{}
	}
	code := &Code{Files: slices.Sorted(maps.Keys(l.files)), Modules: slices.Sorted(maps.Keys(l.used))}
	if mods.lang != "" {
		code.Modules = append(code.Modules, "go "+mods.lang)
	}
	return code, nil
}

// target is a package to read: a directory of a module.
type target struct {
	mod  *module
	dir  string // absolute
	path string // import path
}

type loader struct {
	mods  *modules
	memo  *memo
	build *build.Context
	key   string
	files map[string]struct{}
	used  map[string]struct{}
	seen  map[string]bool
	todo  []target

	elsewhere map[*module][]string // files of modules that a hash stands for, from the module's root
}

// root adds a package named by the user.
func (l *loader) root(dir, pkg string) error {
	if !build.IsLocalImport(pkg) && !filepath.IsAbs(pkg) {
		return l.add(pkg, "")
	}
	abs := pkg
	if !filepath.IsAbs(pkg) {
		abs = filepath.Join(dir, filepath.FromSlash(pkg))
	}
	mod := l.mods.owner(abs)
	if mod == nil {
		return fmt.Errorf("go package %s: %s is outside of the module in %s", pkg, abs, l.mods.main.dir)
	}
	rel, _ := filepath.Rel(mod.dir, abs)
	l.push(target{mod, abs, path.Join(mod.path, filepath.ToSlash(rel))})
	return nil
}

// add resolves an import path and puts its package on the list.
func (l *loader) add(importPath, from string) error {
	if importPath == "C" || importPath == "unsafe" {
		return nil
	}
	mod, dir := l.mods.resolve(importPath)
	if from != "" {
		from = " imported by " + from
	}
	switch {
	case mod != nil && dir != "":
		l.push(target{mod, dir, importPath})
	case mod != nil && mod.local:
		return fmt.Errorf("go package %s%s: there is no such package in %s", importPath, from, mod.dir)
	case mod != nil:
		// Its source isn't here, so what it imports is unknown: all versions
		// count, which can only run a stage once too often.
		for _, m := range l.mods.required {
			l.use(m)
		}
	case !strings.Contains(firstElement(importPath), "."):
		// The standard library: the language version stands for it.
	default:
		return fmt.Errorf("go package %s%s: no module in go.mod provides it; run: go get %s", importPath, from, importPath)
	}
	return nil
}

func firstElement(importPath string) string {
	first, _, _ := strings.Cut(importPath, "/")
	return first
}

func (l *loader) push(t target) {
	if !l.seen[t.dir] {
		l.seen[t.dir] = true
		l.todo = append(l.todo, t)
	}
}

// use notes a module that a version stands for.
func (l *loader) use(m *module) {
	if !m.local {
		l.used[m.label()] = struct{}{}
	}
}

func (l *loader) visit(t target) error {
	l.use(t.mod)
	p, err := l.read(t)
	if err != nil {
		return fmt.Errorf("go package %s: %w", t.path, err)
	}
	if t.mod.local {
		for _, name := range p.Files {
			if t.mod.elsewhere {
				rel, err := filepath.Rel(t.mod.dir, filepath.Join(t.dir, filepath.FromSlash(name)))
				if err != nil {
					return err
				}
				l.elsewhere[t.mod] = append(l.elsewhere[t.mod], filepath.ToSlash(rel))
				continue
			}
			l.files[filepath.Join(t.dir, filepath.FromSlash(name))] = struct{}{}
		}
	}
	for _, imp := range p.Imports {
		if err := l.add(imp, t.path); err != nil {
			return err
		}
	}
	return nil
}

// hash is go.sum's hash of files of the module.
func (m *module) hash(files []string) (string, error) {
	return dirhash.Hash1(files, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(m.dir, filepath.FromSlash(name)))
	})
}
