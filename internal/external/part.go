package external

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/config"
)

// part is a directory with a repository of its own: the top and, within it,
// every directory that has a .dvc directory.
type part struct {
	dir string // from the top
	p   *project.Repo

	load  sync.Once
	err   error
	outs  map[string]*project.Output // cached ones, by path from the top
	dirs  map[string][]string        // names of outs and the directories that lead to them
	index *project.Index

	treesMu sync.Mutex
	trees   map[object.Hash]*tree
}

// partOf is the innermost repository that a path lies in.
func (r *Repo) partOf(name string) (*part, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for dir := name; ; dir = path.Dir(dir) {
		if p := r.parts[dir]; p != nil {
			return p, nil
		}
		if dir == "." || r.isRepo(dir) {
			p, err := r.newPart(dir)
			if err == nil {
				r.parts[dir] = p
			}
			return p, err
		}
	}
}

func (r *Repo) isRepo(dir string) bool {
	fi, err := fs.Stat(r.files, path.Join(dir, ".dvc"))
	return err == nil && fi.IsDir()
}

func (r *Repo) newPart(dir string) (*part, error) {
	opts := project.Options{Env: r.opts.Env, Logger: r.opts.Log}
	abs := filepath.Join(r.root, filepath.FromSlash(dir))
	files := r.files
	if dir != "." {
		var err error
		if files, err = fs.Sub(r.files, dir); err != nil {
			return nil, err
		}
	}
	open := func(values []config.Value) *project.Repo {
		opts.Config = values
		s := project.Source{Files: files, Root: abs, Temp: filepath.Join(abs, ".dvc", "tmp"), Work: r.Path != "" && r.commit == nil, Commit: string(r.rev)}
		if r.Path == "" {
			// Data of a clone is not kept: its cache is where nothing is.
			s.Temp = filepath.Join(r.root, "reprodl", "tmp")
			s.Cache = filepath.Join(r.root, "reprodl", "cache")
		} else if r.isDVCDir(abs) {
			s.Local = filepath.Join(abs, ".dvc")
		}
		return project.At(s, opts)
	}
	p := &part{dir: dir, trees: map[object.Hash]*tree{}}
	values, err := r.overrides(open(nil))
	if err != nil {
		return nil, err
	}
	p.p = open(values)
	if _, err = p.p.Config(); err == nil && r.opts.Remote != "" {
		// What was asked for is not there, whether or not it would be needed.
		_, err = transfer.Config(p.p, r.opts.Remote)
	}
	return p, err
}

func (r *Repo) isDVCDir(abs string) bool {
	fi, err := fs.Stat(dirFS(abs), ".dvc")
	return err == nil && fi.IsDir()
}

// overrides are the values that the options put over the configuration.
func (r *Repo) overrides(p *project.Repo) ([]config.Value, error) {
	values := append([]config.Value(nil), r.opts.Config...)
	name := r.opts.Remote
	if name != "" {
		values = append(values, config.Value{Section: "core", Key: "remote", Value: name})
	}
	if len(r.opts.RemoteConfig) == 0 {
		return values, nil
	}
	if name == "" {
		for _, v := range r.opts.Config {
			if v.Section == "core" && v.Key == "remote" {
				name = v.Value
			}
		}
	}
	if name == "" {
		name = p.Setting("core", "remote")
	}
	if name == "" {
		// DVC wants a name here, of a remote that the options would define anyway.
		if r.opts.RemoteConfig["url"] == "" {
			return nil, errors.New("options for a remote are given, but the repository has no default remote; name one")
		}
		name = "auto-generated-upstream"
		values = append(values, config.Value{Section: "core", Key: "remote", Value: name})
	}
	for _, key := range sortedKeys(r.opts.RemoteConfig) {
		values = append(values, config.Value{Section: config.RemoteSection(name), Key: key, Value: r.opts.RemoteConfig[key]})
	}
	return values, nil
}

// collect finds what the repository tracks. What cannot be read of it is an
// error only of what is asked for.
func (p *part) collect() error {
	p.load.Do(func() {
		p.outs, p.dirs = map[string]*project.Output{}, map[string][]string{}
		p.index = p.p.NewIndex()
		if p.err = p.index.Collect(); p.err != nil {
			return
		}
		for _, s := range p.index.Stages {
			for _, o := range s.Outs {
				if !o.Cached() || !o.InRepo {
					continue
				}
				name := path.Join(p.dir, p.index.FromRoot(o.Abs))
				p.outs[name] = o
				p.lead(name)
			}
		}
	})
	return p.err
}

// lead notes the directories that lead to an output.
func (p *part) lead(name string) {
	for name != p.dir {
		dir, base := path.Dir(name), path.Base(name)
		for _, other := range p.dirs[dir] {
			if other == base {
				return
			}
		}
		p.dirs[dir] = append(p.dirs[dir], base)
		name = dir
	}
}

// owner is the output that a path is, or lies in, with the path below it.
func (p *part) owner(name string) (o *project.Output, at, rest string) {
	for at = name; ; at = path.Dir(at) {
		if o := p.outs[at]; o != nil {
			return o, at, strings.TrimPrefix(strings.TrimPrefix(name, at), "/")
		}
		if at == p.dir || at == "." {
			return nil, "", ""
		}
	}
}

// hidden reports what .dvcignore leaves out, and the directories of git and DVC.
func (p *part) hidden(name string, dir bool) bool {
	rel := name
	if p.dir != "." {
		rel = strings.TrimPrefix(strings.TrimPrefix(name, p.dir), "/")
	}
	return rel != "" && rel != "." && p.p.DataIgnore().Ignored(rel, dir)
}

// imported is what the .dvc file of an output says of the repository that it
// was imported from; nil if it was not.
func (p *part) imported(o *project.Output) *Import {
	for _, s := range p.index.Stages {
		if s.Dot == nil || len(s.Outs) != 1 || s.Outs[0] != o || len(s.Dot.Deps) != 1 {
			continue
		}
		return ImportOf(&s.Dot.Deps[0])
	}
	return nil
}

// Import is the "repo" of a dependency in a .dvc file.
type Import struct {
	Path         string // in that repository
	URL          string
	Rev, RevLock string
	Config       string // of a file; its path is relative to the working directory
	Values       []config.Value
	Remote       string
	RemoteConfig map[string]string
}

// ImportOf reads the repo of a dependency; nil if it has none.
func ImportOf(dep *dvcfile.DotOut) *Import {
	v, _ := dep.Entry.Extra.Get("repo")
	m, ok := v.(*dvcyaml.Map)
	if !ok {
		return nil
	}
	get := func(key string) string {
		v, _ := m.Get(key)
		s, _ := v.(string)
		return s
	}
	i := &Import{Path: dep.Entry.Path, URL: get("url"), Rev: get("rev"), RevLock: get("rev_lock"), Config: get("config"), Remote: get("remote")}
	if v, _ := m.Get("remote"); i.Remote == "" {
		i.RemoteConfig = textMap(v)
	}
	v, _ = m.Get("config")
	if m, ok := v.(*dvcyaml.Map); ok {
		i.Values = configValues(m)
	}
	return i
}

// Options are those to open the repository with, at the commit that is locked.
func (i *Import) Options(base *Options) (*Options, error) {
	o := *base
	o.Rev, o.Remote, o.RemoteConfig, o.Config = i.RevLock, i.Remote, i.RemoteConfig, i.Values
	if o.Rev == "" {
		o.Rev = i.Rev
	}
	if i.Config != "" {
		values, err := config.LoadFile(filepath.Join(base.Dir, filepath.FromSlash(i.Config)))
		if err != nil {
			return nil, err
		}
		o.Config = values
	}
	return &o, nil
}
