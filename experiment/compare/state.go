package compare

import (
	"iter"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/params/pyjson"
)

// State is the working tree, a commit or an experiment, as [Show] found
// it.
type State struct {
	Rev  string // "workspace" or the id of a commit
	Name string // branch, tag or experiment; "" if it has none
	Data *Data  // nil if it could not be collected, as Err then says
	Err  *StateError
	// Experiments of a baseline: running, finished, queued and failed ones,
	// each newest first.
	Experiments []Range
	// Orphan marks a baseline that no branch or tag leads to any more, as
	// after a rebase. DVC does not show these.
	Orphan bool
}

// Range is one experiment below its baseline.
type Range struct {
	Name     string
	State    *State
	Executor *experiment.Executor // nil for a plain finished experiment
}

// StateError is an error as DVC's JSON has it.
type StateError struct{ Type, Msg string }

func (e *StateError) Error() string { return e.Msg }

// FileValues is what a params or metrics file holds, or why it cannot be read.
type FileValues struct {
	Path  string
	Value any // nil, bool, int64, *big.Int, float64, string, []any or an ordered mapping
	Err   *StateError
}

// Dep is a dependency with the hash it had when its stage last ran; Hash is ""
// if it never did.
type Dep struct {
	Path   string
	Hash   string
	Size   int64
	NFiles int // of a directory; otherwise -1
}

// Out is an output that is neither a metric nor a plot.
type Out struct {
	Dep
	UseCache     bool
	IsDataSource bool // from a .dvc file
}

// Data is what Show tells about one state. Its content is decoded when first
// asked for.
type Data struct {
	Rev  string
	Time time.Time // of the commit; zero for the workspace

	text []byte // DVC's JSON from "params" to "meta", without the braces
	once sync.Once
	body body
}

// body is the decoded content.
type body struct {
	params, metrics []FileValues
	deps            []Dep
	outs            []Out
}

// Params returns the values of all parameter files.
func (d *Data) Params() []FileValues { return d.decode().params }

// Metrics returns the values of all metrics files.
func (d *Data) Metrics() []FileValues { return d.decode().metrics }

// Deps returns the dependencies of all stages, but for parameters.
func (d *Data) Deps() []Dep { return d.decode().deps }

// Outs returns the outputs of all stages and .dvc files, but for metrics and
// plots.
func (d *Data) Outs() []Out { return d.decode().outs }

// decode decodes the text on first use; safe for concurrent use. Text that is
// no JSON gives an empty body, as the cache may be lost too.
func (d *Data) decode() *body {
	d.once.Do(func() {
		if d.body.params != nil || d.text == nil {
			return
		}
		v, err := pyjson.Decode("", []byte("{"+string(d.text)+"}"))
		if m, ok := v.(*pyjson.Map); ok && err == nil {
			d.body = bodyOf(m)
		}
	})
	return &d.body
}

// newData is the data of a body that was just collected.
func newData(rev string, when time.Time, b body) (*Data, error) {
	text, err := b.encode()
	if err != nil {
		return nil, err
	}
	d := &Data{Rev: rev, Time: when, text: text, body: b}
	// The body is at hand, so decode has nothing left to do.
	d.once.Do(func() {})
	return d, nil
}

// asciiJSON escapes all but ASCII, as Python's json.dumps does by default.
var asciiJSON = pyjson.Style{ASCII: true}

// encode writes the body as DVC's JSON has it.
func (b *body) encode() ([]byte, error) {
	// A file has either "data" or "error", never both.
	files := func(list []FileValues) *pyjson.Map {
		m := pyjson.NewMap()
		for _, f := range list {
			if f.Err != nil {
				m.Set(f.Path, pyjson.NewMap("error", f.Err.mapping()))
			} else {
				m.Set(f.Path, pyjson.NewMap("data", f.Value))
			}
		}
		return m
	}
	deps, outs := pyjson.NewMap(), pyjson.NewMap()
	for _, d := range b.deps {
		deps.Set(d.Path, d.mapping())
	}
	for _, o := range b.outs {
		m := o.mapping()
		m.Set("use_cache", o.UseCache)
		m.Set("is_data_source", o.IsDataSource)
		outs.Set(o.Path, m)
	}
	all := pyjson.NewMap("params", files(b.params), "metrics", files(b.metrics), "deps", deps, "outs", outs, "meta", pyjson.NewMap())
	text, err := pyjson.Marshal(all, asciiJSON)
	if err != nil {
		return nil, err
	}
	// AppendJSON puts "rev" and "timestamp" in front, inside the same braces.
	return text[1 : len(text)-1], nil
}

// mapping has the error of a file, "type" first; that of a whole state has
// "msg" first in DVC's JSON.
func (e *StateError) mapping() *pyjson.Map { return pyjson.NewMap("type", e.Type, "msg", e.Msg) }

// mapping always has the three keys, in DVC's order, null where nothing is
// known.
func (d *Dep) mapping() *pyjson.Map {
	m := pyjson.NewMap("hash", nil, "size", nil, "nfiles", nil)
	if d.Hash != "" {
		m.Set("hash", d.Hash)
		if d.Size >= 0 {
			m.Set("size", d.Size)
		}
		if d.NFiles >= 0 {
			m.Set("nfiles", int64(d.NFiles))
		}
	}
	return m
}

// bodyOf is the inverse of encode.
func bodyOf(m *pyjson.Map) body {
	files := func(key string) []FileValues {
		list := []FileValues{}
		for path, v := range entries(m, key) {
			f := FileValues{Path: path}
			if e, ok := v.Get("error"); ok {
				em, _ := e.(*pyjson.Map)
				f.Err = &StateError{Type: text(em, "type"), Msg: text(em, "msg")}
			} else {
				f.Value, _ = v.Get("data")
			}
			list = append(list, f)
		}
		return list
	}
	b := body{params: files("params"), metrics: files("metrics")}
	for path, v := range entries(m, "deps") {
		b.deps = append(b.deps, depOf(path, v))
	}
	for path, v := range entries(m, "outs") {
		o := Out{Dep: depOf(path, v)}
		cached, _ := v.Get("use_cache")
		source, _ := v.Get("is_data_source")
		o.UseCache, o.IsDataSource = cached == true, source == true
		b.outs = append(b.outs, o)
	}
	return b
}

// depOf is the inverse of mapping.
func depOf(path string, m *pyjson.Map) Dep {
	d := Dep{Path: path, Hash: text(m, "hash"), Size: -1, NFiles: -1}
	if v, _ := m.Get("size"); v != nil {
		d.Size, _ = v.(int64)
	}
	if v, _ := m.Get("nfiles"); v != nil {
		n, _ := v.(int64)
		d.NFiles = int(n)
	}
	return d
}

// text is the string at key, "" if there is none or m is nil.
func text(m *pyjson.Map, key string) string {
	if m == nil {
		return ""
	}
	v, _ := m.Get(key)
	s, _ := v.(string)
	return s
}

// entries ranges over the mappings in the mapping at key.
func entries(m *pyjson.Map, key string) iter.Seq2[string, *pyjson.Map] {
	return func(yield func(string, *pyjson.Map) bool) {
		v, _ := m.Get(key)
		sub, ok := v.(*pyjson.Map)
		if !ok {
			return
		}
		for k, v := range sub.All() {
			name, _ := k.(string)
			if vm, ok := v.(*pyjson.Map); ok && !yield(name, vm) {
				return
			}
		}
	}
}
