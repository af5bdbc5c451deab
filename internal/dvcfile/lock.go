package dvcfile

import (
	"cmp"
	"fmt"
	"io/fs"
	"math/big"
	"path"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
)

// A Lock is a dvc.lock: what the last run of each stage saw and made.
type Lock struct {
	Path string // from the root

	stages map[string]*LockStage
	text   *lockText
}

// A LockStage is the entry of one stage.
type LockStage struct {
	Cmd    Cmd
	Deps   []LockEntry
	Params []LockParams
	Outs   []LockEntry
}

// A LockEntry is a dependency or an output as it was.
type LockEntry struct {
	Path string // as written in the stage
	object.Meta
	NoSize bool         // no size is recorded
	Extra  *dvcyaml.Map // keys of other storage than this module's, kept as they are; nil if none

	named bool // a hash is named ("hash: md5") and none is there: of a URL, say
}

// LockParams are the values of a parameter file that a stage used, by dotted
// key.
type LockParams struct {
	File   string // as written in the stage
	Values *dvcyaml.Map
}

// LoadLock reads a dvc.lock. A missing file is an empty Lock.
func LoadLock(fsys fs.FS, name string, opts *Options) (*Lock, error) {
	if opts == nil {
		opts = &Options{}
	}
	r := &resolver{fsys: fsys, opts: opts, path: name, dir: path.Dir(name)}
	l := &Lock{Path: name, stages: map[string]*LockStage{}}
	data, raw, err := r.read(name, SchemaLock, lockFile)
	// No lock is the state before the first run.
	if ClassOf(err) == FileMissing {
		l.text = newLockText(nil, nil)
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	r.data = data
	section, _ := raw.Get("stages")
	stages, _ := section.(*dvcyaml.Map)
	for k, v := range stages.All() {
		s, err := decodeLockStage(v.(*dvcyaml.Map))
		if err != nil {
			e := err.(*Error)
			e.Msg = fmt.Sprintf("'%s' is damaged: stage '%s': %s", r.show(name), k, e.Msg)
			return nil, r.place(e, "stages", k)
		}
		l.stages[k.(string)] = s
	}
	l.text = newLockText(data, raw)
	return l, nil
}

// Stage returns the entry of a stage, or nil. The entry is shared.
func (l *Lock) Stage(name string) *LockStage {
	if l == nil {
		return nil
	}
	return l.stages[name]
}

// DecodeLockStage reads a lock entry that stands alone, as in the run cache.
func DecodeLockStage(file string, data []byte) (*LockStage, error) {
	m, err := parse(file, file, data, SchemaLock, lockStage)
	if err != nil {
		return nil, err
	}
	s, err := decodeLockStage(m)
	if err != nil {
		e := err.(*Error)
		e.File, e.Msg = file, fmt.Sprintf("'%s' is damaged: %s", file, e.Msg)
		return nil, e
	}
	return s, nil
}

// decodeLockStage reads an entry whose structure the schema has checked: the
// conversions cannot fail, but hashes can.
func decodeLockStage(m *dvcyaml.Map) (*LockStage, error) {
	s := &LockStage{}
	s.Cmd.value, _ = m.Get("cmd")
	var err error
	if s.Deps, err = decodeEntries(m, "deps"); err != nil {
		return nil, err
	}
	if s.Outs, err = decodeEntries(m, "outs"); err != nil {
		return nil, err
	}
	v, _ := m.Get("params")
	files, _ := v.(*dvcyaml.Map)
	for k, values := range files.All() {
		s.Params = append(s.Params, LockParams{k.(string), values.(*dvcyaml.Map)})
	}
	return s, nil
}

// decodeEntries reads a list of dependencies or outputs; a missing one is nil.
func decodeEntries(m *dvcyaml.Map, section string) ([]LockEntry, error) {
	v, _ := m.Get(section)
	list, _ := v.([]any)
	if len(list) == 0 {
		return nil, nil
	}
	all := make([]LockEntry, len(list))
	for i, item := range list {
		if err := all[i].decode(item.(*dvcyaml.Map)); err != nil {
			return nil, err
		}
		all[i].sumListed()
	}
	return all, nil
}

// decode fills e from the fields of an entry.
func (e *LockEntry) decode(m *dvcyaml.Map) error {
	e.NoSize = true
	// The keys come in any order, so whether the hash is one of DVC 3 ("hash:
	// md5") is known only at the end.
	modern := false
	for k, v := range m.All() {
		switch k {
		case "path":
			e.Path, _ = v.(string)
		case "hash":
			modern = v == "md5"
		case "md5":
			h, err := object.ParseHash(sumText(v))
			if err != nil {
				return &Error{Kind: SchemaLock, Msg: fmt.Sprintf("md5 of '%v': %v", e.Path, err), Err: err}
			}
			e.Hash = h
		case "size":
			e.Size, _ = v.(int64)
			e.NoSize = false
		case "nfiles":
			n, _ := v.(int64)
			e.Files = int(n)
		case "isexec":
			e.Exec, _ = v.(bool)
		default:
			if e.Extra == nil {
				e.Extra = dvcyaml.NewMap()
			}
			e.Extra.Set(k, v)
		}
	}
	if !modern {
		e.Hash = e.Hash.Legacy()
	}
	e.named = modern && e.Hash.IsZero()
	return nil
}

// sumText is a checksum that YAML may have read as a number.
func sumText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return fmt.Sprint(v)
	case *big.Int:
		return v.String()
	}
	return ""
}

// Entry returns the entry with that path from a list of them, or nil.
func Entry(list []LockEntry, path string) *LockEntry {
	for i := range list {
		if list[i].Path == path {
			return &list[i]
		}
	}
	return nil
}

// Map returns the entry as DVC writes it: the parts in fixed order, lists
// sorted by path, parameters sorted by key with params.yaml first.
func (s *LockStage) Map() *dvcyaml.Map {
	m := dvcyaml.NewMap("cmd", s.Cmd.value)
	if len(s.Deps) > 0 {
		m.Set("deps", entryList(s.Deps))
	}
	if len(s.Params) > 0 {
		m.Set("params", paramsMap(s.Params))
	}
	if len(s.Outs) > 0 {
		m.Set("outs", entryList(s.Outs))
	}
	return m
}

// entryList is a section of entries, sorted by path. Unlike in a .dvc file the
// path comes first here.
func entryList(entries []LockEntry) []any {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b LockEntry) int { return cmp.Compare(a.Path, b.Path) })
	all := make([]any, len(sorted))
	for i, e := range sorted {
		m := dvcyaml.NewMap("path", e.Path)
		if !e.Hash.IsLegacy() {
			m.Set("hash", "md5")
		}
		e = e.unlisted()
		e.meta(m)
		all[i] = m
	}
	return all
}

// NewEntry is the entry of a path that nothing is known of yet.
func NewEntry(path string) LockEntry { return LockEntry{Path: path, NoSize: true, named: true} }

// Sum is the name and value of the checksum that tells a later change: md5, or what
// a server says of its object (etag, checksum). Both are empty if there is none.
func (e *LockEntry) Sum() (name, value string) {
	if !e.Hash.IsZero() {
		return "md5", e.Hash.String()
	}
	for _, name := range []string{"etag", "checksum"} {
		if v, ok := e.Extra.Get(name); ok {
			if s := sumText(v); s != "" {
				return name, s
			}
		}
	}
	return "", ""
}

// Version is the version of a server's object, or "".
func (e *LockEntry) Version() string {
	v, _ := e.Extra.Get("version_id")
	s, _ := v.(string)
	return s
}

// Forget clears what the content was, and keeps how the entry is written.
func (e *LockEntry) Forget() {
	e.named = e.named || !e.Hash.IsZero() && !e.Hash.IsLegacy()
	e.Meta, e.NoSize = object.Meta{}, true
	if e.Extra = e.Extra.Clone(); e.Extra.Len() == 0 {
		e.Extra = nil
		return
	}
	for _, key := range []string{"etag", "checksum", "version_id", "files", "cloud"} {
		e.Extra.Delete(key)
	}
}

// meta adds the checksum, size, nfiles, isexec and what else was recorded.
func (e *LockEntry) meta(m *dvcyaml.Map) {
	if name, value := e.Sum(); name != "" {
		m.Set(name, value)
	}
	if !e.NoSize {
		m.Set("size", e.Size)
	}
	// Only a directory has a number of files; zero is one as well.
	if e.Hash.IsDir() {
		m.Set("nfiles", int64(e.Files))
	}
	if e.Exec {
		m.Set("isexec", true)
	}
	for k, v := range e.Extra.All() {
		m.Set(k, v)
	}
}

// paramsMap is the section of parameters. Keys are sorted by their text, so 10
// comes before 9.
func paramsMap(list []LockParams) *dvcyaml.Map {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b LockParams) int {
		if first := b2i(b.File == ParamsName) - b2i(a.File == ParamsName); first != 0 {
			return first
		}
		return cmp.Compare(a.File, b.File)
	})
	m := dvcyaml.NewMap()
	for _, p := range sorted {
		keys := p.Values.Keys()
		slices.SortStableFunc(keys, func(a, b any) int { return cmp.Compare(text(a), text(b)) })
		values := dvcyaml.NewMap()
		for _, k := range keys {
			v, _ := p.Values.Get(k)
			values.Set(k, v)
		}
		m.Set(p.File, values)
	}
	return m
}

// b2i is Python's int of a boolean, to sort by.
func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
