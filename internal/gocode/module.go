package gocode

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	modpath "golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// module is one module of the build list.
type module struct {
	path, version string
	dir           string // absolute; of a versioned module it may be missing
	local         bool   // its files are watched, no version stands for them
	elsewhere     bool   // local, and by a replace directive that leads out of the module: a hash stands for its files
	sum           string // from go.sum
}

func (m *module) label() string {
	s := m.path + " " + m.version
	if m.sum != "" {
		s += " " + m.sum
	}
	return s
}

// modules are those that the packages of a build may come from.
type modules struct {
	main     *module
	local    []*module
	required []*module
	byPath   map[string]*module
	vendor   string // directory that holds the required ones, or ""
	lang     string
}

// loadModules reads go.mod, and go.work if there is one, upwards from the
// directory. Since Go 1.17 go.mod names every module that a build needs.
func loadModules(cfg Config) (*modules, error) {
	root := upwards(cfg.Dir, "go.mod")
	if root == "" {
		return nil, fmt.Errorf("no go.mod in %s or above; Go code as a dependency needs a module", cfg.Dir)
	}
	ms := &modules{byPath: map[string]*module{}}
	dirs := []string{root}
	if work := getenv(cfg.Env, "GOWORK"); work != "off" {
		file := work
		if file == "" {
			if dir := upwards(cfg.Dir, "go.work"); dir != "" {
				file = filepath.Join(dir, "go.work")
			}
		}
		if file != "" {
			used, err := workDirs(file)
			if err != nil {
				return nil, err
			}
			for _, dir := range used {
				if dir != root {
					dirs = append(dirs, dir)
				}
			}
		}
	}
	cache := modCache(cfg.Env)
	sums := map[string]string{}
	for _, dir := range dirs {
		if err := ms.addMain(dir, cache, sums); err != nil {
			return nil, err
		}
	}
	ms.main = ms.local[0]
	if isFile(filepath.Join(root, "vendor", "modules.txt")) {
		ms.vendor = filepath.Join(root, "vendor")
	}
	return ms, nil
}

// addMain adds a module whose go.mod is in dir, with what it requires.
func (ms *modules) addMain(dir, cache string, sums map[string]string) error {
	file := filepath.Join(dir, "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	mod, err := modfile.Parse(file, data, nil)
	if err != nil {
		return err
	}
	if mod.Module == nil {
		return fmt.Errorf("%s: no module directive", file)
	}
	if mod.Go != nil && semver.Compare("v"+mod.Go.Version, "v"+ms.lang) > 0 {
		ms.lang = mod.Go.Version
	}
	readSums(filepath.Join(dir, "go.sum"), sums)
	m := &module{path: mod.Module.Mod.Path, dir: dir, local: true}
	ms.local = append(ms.local, m)
	ms.byPath[m.path] = m
	for _, req := range mod.Require {
		if old := ms.byPath[req.Mod.Path]; old != nil && (old.local || semver.Compare(old.version, req.Mod.Version) >= 0) {
			continue
		}
		m := required(mod, req.Mod, dir, cache)
		m.sum = sums[m.path+" "+m.version]
		if m.local {
			ms.local = append(ms.local, m)
		} else {
			ms.required = append(slices.DeleteFunc(ms.required, func(o *module) bool { return o.path == m.path }), m)
		}
		ms.byPath[req.Mod.Path] = m
	}
	return nil
}

// required applies the replace directives to a requirement.
func required(mod *modfile.File, v modpath.Version, dir, cache string) *module {
	m := &module{path: v.Path, version: v.Version}
	source := v
	for _, r := range mod.Replace {
		if r.Old.Path != v.Path || r.Old.Version != "" && r.Old.Version != v.Version {
			continue
		}
		if r.New.Version == "" {
			m.local, m.dir = true, r.New.Path
			if !filepath.IsAbs(m.dir) {
				m.dir = filepath.Join(dir, filepath.FromSlash(r.New.Path))
			}
			rel, err := filepath.Rel(dir, m.dir)
			m.elsewhere = err != nil || !filepath.IsLocal(rel)
			return m
		}
		source, m.version = r.New, r.New.Path+"@"+r.New.Version
	}
	escaped, err1 := modpath.EscapePath(source.Path)
	version, err2 := modpath.EscapeVersion(source.Version)
	if err1 == nil && err2 == nil && cache != "" {
		m.dir = filepath.Join(cache, filepath.FromSlash(escaped)+"@"+version)
	}
	return m
}

// resolve finds the module that provides a package, and the directory of the
// package, which is "" when the module's source is not there.
func (ms *modules) resolve(importPath string) (*module, string) {
	var first *module
	for prefix := importPath; ; {
		if m := ms.byPath[prefix]; m != nil {
			rel := filepath.FromSlash(strings.TrimPrefix(importPath[len(prefix):], "/"))
			dir := filepath.Join(m.dir, rel)
			if !m.local && ms.vendor != "" {
				dir = filepath.Join(ms.vendor, filepath.FromSlash(importPath))
			}
			if hasGo(dir) {
				return m, dir
			}
			if first == nil {
				first = m
			}
		}
		cut := strings.LastIndexByte(prefix, '/')
		if cut < 0 {
			return first, ""
		}
		prefix = prefix[:cut]
	}
}

// owner is the local module that a directory belongs to.
func (ms *modules) owner(dir string) *module {
	var best *module
	for _, m := range ms.local {
		rel, err := filepath.Rel(m.dir, dir)
		if err == nil && filepath.IsLocal(rel) && (best == nil || len(m.dir) > len(best.dir)) {
			best = m
		}
	}
	return best
}

func hasGo(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return strings.HasSuffix(e.Name(), ".go")
	})
}

// upwards is the nearest directory that has the named file, or "".
func upwards(dir, name string) string {
	for {
		if isFile(filepath.Join(dir, name)) {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

func workDirs(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork(file, data, nil)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, use := range work.Use {
		dir := filepath.FromSlash(use.Path)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(file), dir)
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// modCache is the directory of downloaded modules.
func modCache(env []string) string {
	if dir := getenv(env, "GOMODCACHE"); dir != "" {
		return dir
	}
	if gopath := filepath.SplitList(getenv(env, "GOPATH")); len(gopath) > 0 {
		return filepath.Join(gopath[0], "pkg", "mod")
	}
	home := getenv(env, "HOME")
	if home == "" {
		home = getenv(env, "USERPROFILE")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, "go", "pkg", "mod")
}

// readSums notes the hash of each module's content, by "path version".
func readSums(file string, sums map[string]string) {
	data, err := os.ReadFile(file)
	if err != nil {
		return // without dependencies there is none
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 3 && !strings.HasSuffix(f[1], "/go.mod") {
			sums[f[0]+" "+f[1]] = f[2]
		}
	}
}
