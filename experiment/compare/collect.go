package compare

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/params/pyjson"
)

// collector reads params, metrics, dependencies and outputs out of one tree,
// the workspace or that of a commit.
type collector struct {
	fsys      fs.FS              // rooted at the DVC repository
	contents  *transfer.Contents // of outs; nil if there is nothing to read from
	paramDeps bool               // only parameters that stages depend on
	skip      func(path string, dir bool) bool

	items []dvcfile.Item
	outs  map[string]transfer.Recorded // outputs by path, for what the tree lacks
	parse func(name string, data []byte) (any, error)
}

// maxShown guards against a params or metrics file that is really data.
const maxShown = 64 << 20 // bytes of a params or metrics file

// collect reads the whole tree. Files that cannot be read are part of the
// result; a broken dvc.yaml or .dvc file is the error.
func (c *collector) collect() (body, error) {
	// The lists start empty, not nil: a nil list of params means to Data that
	// it has yet to be decoded.
	opts := &dvcfile.CollectOptions{Skip: c.skip}
	items, err := dvcfile.Collect(c.fsys, opts)
	if err != nil {
		return body{}, err
	}
	c.items, c.outs = items, map[string]transfer.Recorded{}
	b := body{params: []FileValues{}, metrics: []FileValues{}}
	c.eachOut(func(o outItem) {
		if !o.noCache { // else the cache may have it, but not to be read from
			c.outs[o.path] = transfer.Recorded{Hash: o.entry.Hash, Remote: o.remote}
		}
		// Metrics and plots are not among DVC's "outs".
		if o.kind != dvcfile.Plain && o.kind != "" {
			return
		}
		b.outs = append(b.outs, Out{Dep: depOfOut(o.path, &o.entry), UseCache: !o.noCache, IsDataSource: o.source})
	})
	b.deps = c.deps()
	c.params(&b)
	c.metrics(&b)
	return b, nil
}

// outItem is an output of a stage or a .dvc file. An entry without a hash means
// that no lock file has one of it.
type outItem struct {
	path    string
	kind    dvcfile.Kind
	entry   dvcfile.LockEntry
	noCache bool
	source  bool
	remote  string
}

// eachOut calls fn for all outputs: those of a .dvc file have their hash in
// it, those of a stage in the lock file, if the stage ever ran.
func (c *collector) eachOut(fn func(outItem)) {
	for _, item := range c.items {
		if d := item.DotDVC; d != nil {
			for i := range d.Outs {
				o := &d.Outs[i]
				fn(outItem{d.OutPath(i), o.Out.Kind, o.Entry, o.Out.NoCache, true, o.Out.Remote})
			}
			continue
		}
		// An item has a DotDVC or a File.
		for _, s := range item.File.Stages {
			lock := item.File.Lock.Stage(s.Name)
			for _, o := range s.Outs {
				it := outItem{path: s.Path(o.Path), kind: o.Kind, noCache: o.NoCache, remote: o.Remote}
				if lock != nil {
					if e := dvcfile.Entry(lock.Outs, o.Path); e != nil {
						it.entry = *e
					}
				}
				fn(it)
			}
		}
	}
}

// params follows DVC: what stages track, files listed at the top level whole,
// params.yaml in the root always whole, then variables of other files.
func (c *collector) params(b *body) {
	var order []string
	keys := map[string][]string{}
	whole := map[string]bool{}
	add := func(file string, names []string) {
		if _, ok := keys[file]; !ok {
			order = append(order, file)
		}
		// No keys mean the whole file, and one such entry outweighs all that
		// name keys.
		if len(names) == 0 {
			whole[file] = true
		}
		keys[file] = append(keys[file], names...)
	}
	c.eachStage(func(s *dvcfile.Stage) {
		for _, p := range s.Params {
			add(s.Path(p.Path), p.Keys)
		}
	})
	if !c.paramDeps {
		for _, item := range c.items {
			if item.File != nil {
				for _, p := range item.File.Params {
					add(path.Join(item.File.Dir(), p), nil)
				}
			}
		}
		// It need not be declared anywhere.
		if _, err := fs.Stat(c.fsys, dvcfile.ParamsName); err == nil {
			add(dvcfile.ParamsName, nil)
		}
	}
	for _, file := range order {
		// A directory stands for its files; all are cut to the same keys.
		for _, name := range c.expand(file) {
			v, err := c.read(name)
			if err == nil && !whole[file] {
				v = pickKeys(v, keys[file])
			}
			b.params = append(b.params, result(name, v, err))
		}
	}
	c.vars(b, keys)
}

// vars adds the variables of files that are not shown as parameters.
func (c *collector) vars(b *body, shown map[string][]string) {
	var order []string
	vars := map[string]*pyjson.Map{}
	c.eachStage(func(s *dvcfile.Stage) {
		for _, v := range s.Vars {
			// What is shown as a parameter already is not shown twice.
			if _, ok := shown[v.File]; ok {
				continue
			}
			if vars[v.File] == nil {
				vars[v.File] = pyjson.NewMap()
				order = append(order, v.File)
			}
			vars[v.File].Set(v.Key, v.Value)
		}
	})
	for _, f := range order {
		b.params = append(b.params, FileValues{Path: f, Value: vars[f]})
	}
}

// eachStage calls fn for the stages of all dvc.yaml files.
func (c *collector) eachStage(fn func(*dvcfile.Stage)) {
	for _, item := range c.items {
		if item.File != nil {
			for _, s := range item.File.Stages {
				fn(s)
			}
		}
	}
}

// pickKeys keeps the dotted keys of a mapping, nested as they were.
func pickKeys(v any, keys []string) any {
	m, ok := v.(*pyjson.Map)
	if !ok {
		return v
	}
	out := pyjson.NewMap()
	for _, key := range keys {
		merge(out, m, strings.Split(key, "."))
	}
	return out
}

// merge copies what is at the key parts from src to dst. A key that leads
// through something that is no mapping, or to nothing, leaves dst as it was,
// and so no empty mappings come to be.
func merge(dst, src *pyjson.Map, parts []string) {
	v, ok := src.Get(parts[0])
	if !ok {
		return
	}
	sub, isMap := v.(*pyjson.Map)
	if len(parts) == 1 || !isMap {
		if len(parts) == 1 {
			dst.Set(parts[0], v)
		}
		return
	}
	// Several keys below one mapping share the mapping in dst.
	have, _ := dst.Get(parts[0])
	inner, ok := have.(*pyjson.Map)
	if !ok {
		inner = pyjson.NewMap()
	}
	merge(inner, sub, parts[1:])
	if inner.Len() > 0 {
		dst.Set(parts[0], inner)
	}
}

// metrics reads the metrics of stages and .dvc files, then those listed at the
// top level of dvc.yaml; each file once.
func (c *collector) metrics(b *body) {
	var files []string
	c.eachOut(func(o outItem) {
		if o.kind == dvcfile.Metric {
			files = append(files, o.path)
		}
	})
	for _, item := range c.items {
		if item.File != nil {
			for _, p := range item.File.Metrics {
				files = append(files, path.Join(item.File.Dir(), p))
			}
		}
	}
	seen := map[string]bool{}
	for _, file := range files {
		for _, name := range c.expand(file) {
			if seen[name] {
				continue
			}
			seen[name] = true
			v, err := c.read(name)
			if err == nil {
				// A file without any metric is there all the same, with none.
				if v = metricValue(v); v == nil {
					v = pyjson.NewMap()
				}
			}
			b.metrics = append(b.metrics, result(name, v, err))
		}
	}
}

// metricValue keeps numbers, texts and mappings of them; nil is nothing.
func metricValue(v any) any {
	switch v := v.(type) {
	case *pyjson.Map:
		out := pyjson.NewMap()
		for k, x := range v.All() {
			if x = metricValue(x); x != nil {
				out.Set(k, x)
			}
		}
		if out.Len() == 0 {
			return nil
		}
		return out
	// Lists are no metrics in DVC.
	case []any, nil:
		return nil
	}
	if _, ok := pyjson.Number(v); ok {
		return v
	}
	if s, ok := v.(string); ok {
		return s
	}
	return nil
}

// expand lists the files of a directory, or returns the name itself.
func (c *collector) expand(name string) []string {
	if fi, err := fs.Stat(c.fsys, name); err == nil {
		if !fi.IsDir() {
			return []string{name}
		}
		var list []string
		fs.WalkDir(c.fsys, name, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				list = append(list, p)
			}
			return nil
		})
		return list
	}
	// The tree has no such directory: of a commit, only its data can have
	// the files. Without them the name itself is tried, and its error shown.
	if c.contents == nil {
		return []string{name}
	}
	list, ok := c.contents.List(c.outs, name)
	if !ok {
		return []string{name}
	}
	slices.Sort(list)
	return list
}

// result is the value, or the error in DVC's words: a broken file must not
// hide the others.
func result(name string, v any, err error) FileValues {
	f := FileValues{Path: name, Value: v}
	if err != nil {
		f.Value, f.Err = nil, stateError(name, err)
	}
	return f
}
