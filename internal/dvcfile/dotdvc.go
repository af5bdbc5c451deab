package dvcfile

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A DotDVC is a .dvc file: data that was added by hand.
type DotDVC struct {
	Path string // from the root
	Wdir string // from the root; the directory of the file unless it says otherwise
	Outs []DotOut
	Deps []DotOut // of an import; where the data comes from

	Frozen        bool
	AlwaysChanged bool
	Desc          string
	Meta          any
	MD5           string // of an old file, over its content

	data []byte
}

// A DotOut is one entry of a .dvc file.
type DotOut struct {
	Out   Out       // how it is treated
	Entry LockEntry // what it is
}

// IsLocal reports a dependency that is a file or directory of this machine: not
// a URL, nor a part of another repository or a query of a database.
func (o *DotOut) IsLocal() bool {
	if strings.Contains(o.Entry.Path, "://") {
		return false
	}
	for _, key := range []string{"repo", "db"} {
		if _, ok := o.Entry.Extra.Get(key); ok {
			return false
		}
	}
	return true
}

// OutPath returns where output i lies: from the root, clean.
func (f *DotDVC) OutPath(i int) string { return join(f.Wdir, f.Outs[i].Entry.Path) }

// LoadDotDVC reads a .dvc file. An empty file has no outputs.
func LoadDotDVC(fsys fs.FS, name string, opts *Options) (*DotDVC, error) {
	if opts == nil {
		opts = &Options{}
	}
	r := &resolver{fsys: fsys, opts: opts, path: name, dir: path.Dir(name)}
	data, raw, err := r.read(name, SchemaDVCFile, dvcFile)
	if err != nil {
		return nil, err
	}
	r.data = data
	f := &DotDVC{Path: name, Wdir: r.dir, data: data}
	get := func(key string) any {
		v, _ := raw.Get(key)
		return v
	}
	if wdir, _ := get("wdir").(string); wdir != "" {
		f.Wdir = join(r.dir, wdir)
	}
	// locked is the old name of frozen.
	locked, _ := get("locked").(bool)
	f.Frozen, _ = get("frozen").(bool)
	f.Frozen = f.Frozen || locked
	f.AlwaysChanged, _ = get("always_changed").(bool)
	f.Desc, _ = get("desc").(string)
	f.Meta = get("meta")
	f.MD5 = sumText(get("md5"))
	if f.Outs, err = r.dotOuts(f, get("outs"), "outs"); err != nil {
		return nil, err
	}
	if f.Deps, err = r.dotOuts(f, get("deps"), "deps"); err != nil {
		return nil, err
	}
	return f, nil
}

// Replaces makes f a new version of a file: Bytes then changes that file's text, and
// keeps what it says for people.
func (f *DotDVC) Replaces(old *DotDVC) { f.data, f.Desc, f.Meta = old.data, old.Desc, old.Meta }

// dotOuts reads one of the two sections, whose entries the schema has checked
// to be mappings. What is no flag of the output is part of what is recorded of
// it.
func (r *resolver) dotOuts(f *DotDVC, v any, section string) ([]DotOut, error) {
	list, _ := v.([]any)
	var all []DotOut
	for i, item := range list {
		m := item.(*dvcyaml.Map)
		o := DotOut{Out: Out{Kind: Plain}}
		rest := dvcyaml.NewMap()
		for k, v := range m.All() {
			if !o.flag(k, v) {
				rest.Set(k, v)
			}
		}
		if err := o.Entry.decode(rest); err != nil {
			e := err.(*Error)
			e.Kind, e.Msg = SchemaDVCFile, fmt.Sprintf("'%s' is damaged: %s", r.show(f.Path), e.Msg)
			return nil, r.place(e, section, i)
		}
		p := o.Entry.Path
		if section == "outs" {
			if err := r.checkDotPath(f, p, i); err != nil {
				return nil, err
			}
			// A dependency keeps its path: the source of an import may well lie
			// outside.
			p = r.relative(p, f.Wdir)
			o.Entry.sumListed()
		}
		o.Out.Path, o.Entry.Path = p, p
		// Whatever a file says, DVC 3 takes what lies outside for its own: so the
		// checksum of the file is over that, too.
		if section == "deps" && r.isExternal(&o, f.Wdir) {
			o.Entry.named = true
			o.Entry.Hash = o.Entry.Hash.Modern()
		}
		all = append(all, o)
	}
	return all, nil
}

// isExternal reports a dependency that is not of this repository, and no part of
// another one.
func (r *resolver) isExternal(o *DotOut, wdir string) bool {
	if !o.IsLocal() {
		return strings.Contains(o.Entry.Path, "://")
	}
	p := join(wdir, filepath.ToSlash(r.relative(o.Entry.Path, wdir)))
	return path.IsAbs(p) || filepath.IsAbs(filepath.FromSlash(p)) || p == ".." || strings.HasPrefix(p, "../")
}

// checkDotPath refuses outputs that cannot be data of this repository.
func (r *resolver) checkDotPath(f *DotDVC, p string, i int) error {
	fail := func(kind Class, msg string) error {
		return r.place(&Error{Kind: kind, Msg: msg}, "outs", i, "path")
	}
	switch base := path.Base(p); {
	case p == "":
		return fail(SchemaDVCFile, fmt.Sprintf("'%s' is damaged: outs -> %d has no path", r.show(f.Path), i))
	case base == ProjectName || strings.HasSuffix(p, Suffix):
		return fail(OutputIsDVCFile, fmt.Sprintf("DVC file '%s' cannot be an output.", p))
	case strings.ContainsRune(p, 0):
		return fail(SchemaDVCFile, fmt.Sprintf("'%s' is damaged: the path of outs -> %d holds a NUL byte", r.show(f.Path), i))
	}
	if r.opts.Ignored == nil || strings.Contains(p, "://") {
		return nil
	}
	return r.opts.Ignored(join(f.Wdir, p))
}

// flag takes the keys that describe how an output is treated.
func (o *DotOut) flag(k, v any) bool {
	on, _ := v.(bool)
	s, _ := v.(string)
	switch k {
	case "cache":
		o.Out.NoCache = !on
	case "push":
		o.Out.NoPush = !on
	case "persist":
		o.Out.Persist = on
	case "remote":
		o.Out.Remote = s
	case "desc":
		o.Out.Desc = s
	case "type":
		o.Out.Type = s
	case "labels":
		list, _ := v.([]any)
		for _, l := range list {
			o.Out.Labels = append(o.Out.Labels, text(l))
		}
	case "meta":
		o.Out.Meta = v
	default:
		return false
	}
	return true
}

// Map returns the file as DVC writes a new one.
func (f *DotDVC) Map() *dvcyaml.Map {
	m := dvcyaml.NewMap()
	set := func(m *dvcyaml.Map, key string, v any, ok bool) {
		if ok {
			m.Set(key, v)
		}
	}
	set(m, "desc", f.Desc, f.Desc != "")
	set(m, "md5", f.MD5, f.MD5 != "")
	if wdir := relDir(path.Dir(f.Path), f.Wdir); wdir != "." {
		m.Set("wdir", wdir)
	}
	set(m, "frozen", true, f.Frozen)
	if len(f.Deps) > 0 {
		m.Set("deps", dotList(f.Deps))
	}
	if len(f.Outs) > 0 {
		m.Set("outs", dotList(f.Outs))
	}
	set(m, "always_changed", true, f.AlwaysChanged)
	set(m, "meta", f.Meta, !isFalse(f.Meta))
	return m
}

// dotList is a section as a list, in the order of the file.
func dotList(outs []DotOut) []any {
	all := make([]any, len(outs))
	for i := range outs {
		all[i] = outs[i].Map()
	}
	return all
}

// Map returns the entry as DVC writes a new one.
func (o *DotOut) Map() *dvcyaml.Map {
	m := dvcyaml.NewMap()
	e := o.Entry
	e.Extra = dvcyaml.NewMap()
	for k, v := range o.Entry.Extra.All() {
		if k != "fs_config" && k != "repo" && k != "db" && k != "files" {
			e.Extra.Set(k, v)
		}
	}
	written := o.Entry.unlisted()
	e.Hash, e.Files = written.Hash, written.Files
	e.meta(m)
	// An entry without "hash: md5" is one of DVC 2, whose hashes of text files
	// are others; it must stay recognisable.
	if o.Entry.named || !o.Entry.Hash.IsZero() && !o.Entry.Hash.IsLegacy() {
		m.Set("hash", "md5")
	}
	m.Set("path", o.Entry.Path)
	late := func(keys ...string) {
		for _, key := range keys {
			if v, ok := o.Entry.Extra.Get(key); ok {
				m.Set(key, v)
			}
		}
	}
	late("fs_config", "repo", "db")
	o.Out.flags(m)
	late("files")
	return m
}

// flags adds what differs from the defaults, in DVC's order.
func (o *Out) flags(m *dvcyaml.Map) {
	if o.Desc != "" {
		m.Set("desc", o.Desc)
	}
	if o.Type != "" {
		m.Set("type", o.Type)
	}
	if len(o.Labels) > 0 {
		list := make([]any, len(o.Labels))
		for i, l := range o.Labels {
			list[i] = l
		}
		m.Set("labels", list)
	}
	if !isFalse(o.Meta) {
		m.Set("meta", o.Meta)
	}
	if o.NoCache {
		m.Set("cache", false)
	}
	if o.Persist && o.Kind != Live {
		m.Set("persist", true)
	}
	for k, v := range o.Props.All() {
		m.Set(k, v)
	}
	if o.Remote != "" {
		m.Set("remote", o.Remote)
	}
	if o.NoPush {
		m.Set("push", false)
	}
}

// Bytes returns the text of the file: as DVC writes a new one, or, if it was
// loaded, with only the changed values replaced.
func (f *DotDVC) Bytes() ([]byte, error) {
	// An empty file has no comments to keep either.
	if len(f.data) == 0 {
		return dvcyaml.Marshal(f.Map()), nil
	}
	doc, err := dvcyaml.ParseDocument(f.Path, f.data)
	if err != nil {
		return nil, err
	}
	doc.Update(f.Map())
	return doc.Bytes(), nil
}
