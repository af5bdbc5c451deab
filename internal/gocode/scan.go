package gocode

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// pkg is one package as the memo keeps it.
type pkg struct {
	Stamp   string   // of the directory when it was read; "" where versions don't change
	Files   []string // relative to the directory, slashes
	Imports []string
}

// buildContext is the go command's for the environment.
func buildContext(cfg Config) *build.Context {
	c := build.Default
	env := func(name string) string { return getenv(cfg.Env, name) }
	host := c.GOOS + "/" + c.GOARCH
	if v := env("GOOS"); v != "" {
		c.GOOS = v
	}
	if v := env("GOARCH"); v != "" {
		c.GOARCH = v
	}
	switch v := env("CGO_ENABLED"); {
	case v != "":
		c.CgoEnabled = v == "1"
	case c.GOOS+"/"+c.GOARCH != host:
		c.CgoEnabled = false
	}
	c.BuildTags = slices.Clone(cfg.Tags)
	for _, flag := range strings.Fields(env("GOFLAGS")) {
		if v, ok := strings.CutPrefix(strings.TrimLeft(flag, "-"), "tags="); ok {
			c.BuildTags = append(c.BuildTags, strings.Split(v, ",")...)
		}
	}
	return &c
}

func getenv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}

// contextKey stands for everything that decides which files belong to a package.
func (l *loader) contextKey() string {
	cgo := ""
	if l.build.CgoEnabled {
		cgo = "cgo"
	}
	tags := slices.Concat(l.build.BuildTags, l.build.ReleaseTags[len(l.build.ReleaseTags)-1:], l.build.ToolTags)
	return strings.Join(append([]string{l.build.GOOS, l.build.GOARCH, cgo}, tags...), " ")
}

// read parses the package of a directory, or remembers it.
func (l *loader) read(t target) (*pkg, error) {
	key, stamp, settled := l.key+"\x00"+t.dir, "", true
	if t.mod.local {
		var err error
		if stamp, settled, err = stampDir(t.dir, time.Now()); err != nil {
			return nil, err
		}
	}
	if p := l.memo.get(key); p != nil && p.Stamp == stamp {
		return p, nil
	}
	bp, err := l.build.ImportDir(t.dir, 0)
	var none *build.NoGoError
	if err != nil && (!errors.As(err, &none) || t.mod.local) {
		return nil, err
	}
	p := &pkg{Stamp: stamp, Imports: bp.Imports}
	if !t.mod.local {
		l.memo.put(key, p)
		return p, nil
	}
	for _, names := range [][]string{
		bp.GoFiles, bp.CgoFiles, bp.CFiles, bp.CXXFiles, bp.MFiles, bp.HFiles, bp.FFiles,
		bp.SFiles, bp.SwigFiles, bp.SwigCXXFiles, bp.SysoFiles,
	} {
		p.Files = append(p.Files, names...)
	}
	embedded, err := embeds(t.dir, bp.EmbedPatterns)
	if err != nil {
		return nil, err
	}
	p.Files = append(p.Files, embedded...)
	slices.Sort(p.Files)
	p.Files = slices.Compact(p.Files)
	if settled && len(bp.EmbedPatterns) == 0 { // what embeds match may change below the directory
		l.memo.put(key, p)
	}
	return p, nil
}

// embeds are the files that go:embed patterns match: a file, or all files of a
// directory without those whose names begin with "." or "_", unless the
// pattern begins with "all:".
func embeds(dir string, patterns []string) ([]string, error) {
	var files []string
	for _, pattern := range patterns {
		glob, all := strings.CutPrefix(pattern, "all:")
		matches, err := filepath.Glob(filepath.Join(globEscape(dir), filepath.FromSlash(glob)))
		if err != nil {
			return nil, err
		}
		for _, match := range matches {
			err := filepath.WalkDir(match, func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				name := d.Name()
				hidden := path != match && !all && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"))
				switch {
				case d.IsDir() && (hidden || path != match && isFile(filepath.Join(path, "go.mod"))):
					return fs.SkipDir
				case d.IsDir() || hidden || !d.Type().IsRegular():
					return nil
				}
				rel, err := filepath.Rel(dir, path)
				files = append(files, filepath.ToSlash(rel))
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// globEscape makes a directory stand for itself in a pattern.
func globEscape(dir string) string {
	if filepath.Separator == '\\' || !strings.ContainsAny(dir, `*?[\`) {
		return dir
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(dir)
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}
