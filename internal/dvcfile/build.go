package dvcfile

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// build gives a resolved definition its types. The structure was checked before
// the variables were replaced; what they brought in is checked here.
func (r *resolver) build(f *File, d definition) (*Stage, error) {
	s := &Stage{File: f, Name: d.name, Group: d.group, Wdir: path.Clean(r.dir), Vars: d.vars}
	b := &builder{r: r, d: d, s: s}
	if v, ok := d.fields.Get("wdir"); ok {
		s.Wdir = join(r.dir, b.str(v, "wdir"))
	}
	// A variable that is the whole command may be of any type. An item of a
	// list is not looked at: it is written as text when it is run.
	cmd, _ := d.fields.Get("cmd")
	switch cmd.(type) {
	case string, []any, nil:
		s.Cmd = Cmd{cmd}
	default:
		b.fail("expected str or list, got "+typeName(cmd), "cmd")
	}
	// Frozen and the like count only as booleans: other values that a variable
	// brought in are the default.
	s.Frozen, _ = b.get("frozen").(bool)
	s.AlwaysChanged, _ = b.get("always_changed").(bool)
	s.Desc, _ = b.get("desc").(string)
	s.Meta = b.get("meta")
	b.deps()
	b.params()
	for _, kind := range []Kind{Plain, Metric, Plot} {
		b.outs(kind)
	}
	b.live()
	if b.err != nil {
		return nil, b.err
	}
	return s, nil
}

// A builder collects the first error.
// It goes on after an error, so that its methods need no checks; what they
// return then is not used.
type builder struct {
	r   *resolver
	d   definition
	s   *Stage
	err error
}

// get is a field of the definition, nil if it is missing.
func (b *builder) get(key string) any {
	v, _ := b.d.fields.Get(key)
	return v
}

// fail notes an error at a place within the definition: at are the keys and
// indexes below it, at least one.
func (b *builder) fail(msg string, at ...any) {
	b.failAs(Schema, fmt.Sprintf("failed to parse 'stages.%s.%v' in '%s': %s", b.d.name, at[0], b.r.show(b.r.path), msg), at...)
}

// failAs is fail with a text of its own.
func (b *builder) failAs(kind Class, msg string, at ...any) {
	if b.err == nil {
		b.err = b.r.place(&Error{Kind: kind, Msg: msg}, append(slices.Clone(b.d.at), at...)...)
	}
}

// str is v as a string, or an error at a place.
func (b *builder) str(v any, at ...any) string {
	s, ok := v.(string)
	if !ok {
		b.fail("expected str, got "+typeName(v), at...)
	}
	return s
}

// list returns a section that must be a list; a variable may have made it
// something else.
func (b *builder) list(key string) []any {
	v := b.get(key)
	list, ok := v.([]any)
	if !ok && v != nil {
		b.fail("expected a list, got "+typeName(v), key)
	}
	return list
}

// path checks a dependency or output and returns it as the lock records it:
// absolute paths into the repository become relative.
func (b *builder) path(p, what string, at ...any) string {
	if p == "" {
		b.fail("expected a path, got an empty string", at...)
		return p
	}
	if base := path.Base(p); base == ProjectName || strings.HasSuffix(p, Suffix) {
		b.failAs(OutputIsDVCFile, fmt.Sprintf("DVC file '%s' cannot be %s.", p, what), at...)
		return p
	}
	p = b.r.relative(p, b.s.Wdir)
	// Only outputs are asked about; a URL is no path of the repository.
	if what == "an output" && b.r.opts.Ignored != nil && b.err == nil && !strings.Contains(p, "://") {
		if err := b.r.opts.Ignored(b.s.Path(p)); err != nil {
			b.err = err
		}
	}
	return p
}

// relative makes an absolute path into the repository relative to dir.
func (r *resolver) relative(p, dir string) string {
	if r.opts.Root == "" || !filepath.IsAbs(filepath.FromSlash(p)) {
		return p
	}
	in, err := filepath.Rel(r.opts.Root, filepath.FromSlash(p))
	// Outside of the repository, or its root itself: the path stays absolute.
	if err != nil || in == "." || !filepath.IsLocal(in) {
		return p
	}
	rel, err := filepath.Rel(filepath.FromSlash(dir), in)
	if err != nil {
		return p
	}
	return filepath.ToSlash(rel)
}

// deps reads the dependencies in the order of the file. A dataset is listed
// among them, but is no file.
func (b *builder) deps() {
	for i, v := range b.list("deps") {
		p := b.str(v, "deps", i)
		if strings.HasPrefix(p, "ds://") {
			continue // a dataset: not covered
		}
		b.s.Deps = append(b.s.Deps, b.path(p, "a dependency", "deps", i))
	}
}

// params merges the entries of each file; a file listed anywhere as a whole is
// tracked as a whole.
func (b *builder) params() {
	list := b.list("params")
	// The mapping file: null, with no keys, stands for the whole file, wherever
	// in the list it is; so these are gathered first.
	whole := map[string]bool{}
	for _, v := range list {
		m, _ := v.(*dvcyaml.Map)
		for k, keys := range m.All() {
			if isFalse(keys) {
				whole[text(k)] = true
			}
		}
	}
	index := map[string]int{}
	add := func(file string, keys ...string) {
		if whole[file] {
			keys = nil
		}
		i, ok := index[file]
		if !ok {
			i = len(b.s.Params)
			index[file] = i
			b.s.Params = append(b.s.Params, ParamsFile{Path: file})
		}
		b.s.Params[i].Keys = append(b.s.Params[i].Keys, keys...)
	}
	for i, v := range list {
		m, ok := v.(*dvcyaml.Map)
		if !ok {
			if !whole[ParamsName] {
				add(ParamsName, b.str(v, "params", i))
			}
			continue
		}
		for k, v := range m.All() {
			file := text(k)
			if whole[file] {
				add(file)
				continue
			}
			keys, ok := v.([]any)
			if !ok {
				b.failAs(Schema, fmt.Sprintf("Expected list of params for custom params file '%s', got '%s'.", file, typeName(v)), "params", i, k)
				return
			}
			for _, key := range keys {
				add(file, text(key))
			}
		}
	}
	for i := range b.s.Params {
		b.s.Params[i].Path = b.path(b.s.Params[i].Path, "a dependency", "params")
	}
}
