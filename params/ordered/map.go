// Package ordered holds the mapping that the values of this module are made of:
// parameter files, metrics, tables and dvc.yaml keep the order in which their
// keys were written, and take keys for equal as Python does, because DVC does.
//
//	m := ordered.New("train", ordered.New("lr", 0.1), "seed", int64(42))
//	for key, value := range m.All() {
//		fmt.Println(key, value)
//	}
//
// The values inside are nil, bool, int64, *big.Int, float64, string, []any and
// *[Map], wherever a file was read. The package imports nothing but the
// standard library, so that whatever reads parameters or metrics can share it.
package ordered

import (
	"iter"
	"math"
	"math/big"
	"slices"
)

// Map is a mapping that keeps insertion order, as a Python dict does. The zero
// value is empty and ready to use.
//
// Keys are nil, bool, integers, float64, string or another comparable value.
// As in Python, 1, 1.0 and true are the same key, and setting a key that is
// there keeps its place and its first spelling. Reading from several
// goroutines at once is safe.
type Map struct {
	entries []entry
	index   map[any]int // normalised key → position; only once there are more than indexFrom keys
}

type entry struct{ key, value any }

// indexFrom is the size above which an index pays; below it a linear search
// wins.
const indexFrom = 8

// New makes a Map from keys and values in turn: New("lr", 0.1, "seed", nil).
// It panics on an odd number of arguments.
func New(kv ...any) *Map {
	if len(kv)%2 != 0 {
		panic("ordered: New needs pairs of key and value")
	}
	m := &Map{entries: make([]entry, 0, len(kv)/2)}
	for i := 0; i < len(kv); i += 2 {
		m.Set(kv[i], kv[i+1])
	}
	return m
}

// Len is the number of keys. A nil Map has none.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.entries)
}

// Get returns the value of key, and whether there is one: a key may hold nil.
func (m *Map) Get(key any) (any, bool) {
	if i := m.find(key); i >= 0 {
		return m.entries[i].value, true
	}
	return nil, false
}

// At returns the key and the value in place i of the order. It panics unless i
// is in [0, Len).
func (m *Map) At(i int) (key, value any) {
	return m.entries[i].key, m.entries[i].value
}

// Set replaces the value of key where it stands, or appends the pair.
func (m *Map) Set(key, value any) {
	if i := m.find(key); i >= 0 {
		m.entries[i].value = value
		return
	}
	if m.entries == nil {
		m.entries = make([]entry, 0, 4)
	}
	m.entries = append(m.entries, entry{key, value})
	switch n := len(m.entries); {
	case n <= indexFrom:
	case m.index == nil:
		m.reindex()
	default:
		m.index[normalKey(key)] = n - 1
	}
}

// Delete removes key and reports whether it was there. The keys behind it keep
// their order.
func (m *Map) Delete(key any) bool {
	i := m.find(key)
	if i < 0 {
		return false
	}
	m.entries = slices.Delete(m.entries, i, i+1)
	m.index = nil
	if len(m.entries) > indexFrom {
		m.reindex()
	}
	return true
}

// Keys returns the keys in order; the slice is the caller's.
func (m *Map) Keys() []any {
	if m == nil {
		return nil
	}
	keys := make([]any, len(m.entries))
	for i := range m.entries {
		keys[i] = m.entries[i].key
	}
	return keys
}

// All iterates over keys and values in order. The Map must not change
// meanwhile.
func (m *Map) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		if m == nil {
			return
		}
		for i := range m.entries {
			if e := &m.entries[i]; !yield(e.key, e.value) {
				return
			}
		}
	}
}

// Clone returns a copy that shares the values: maps and lists inside are the
// same ones.
func (m *Map) Clone() *Map {
	c := &Map{}
	if m == nil {
		return c
	}
	c.entries = slices.Clone(m.entries)
	if m.index != nil {
		c.reindex()
	}
	return c
}

func (m *Map) reindex() {
	m.index = make(map[any]int, 2*len(m.entries))
	for i := range m.entries {
		m.index[normalKey(m.entries[i].key)] = i
	}
}

func (m *Map) find(key any) int {
	if m == nil {
		return -1
	}
	if m.index != nil {
		if i, ok := m.index[normalKey(key)]; ok {
			return i
		}
		return -1
	}
	if s, ok := key.(string); ok {
		for i := range m.entries {
			if t, ok := m.entries[i].key.(string); ok && s == t {
				return i
			}
		}
		return -1
	}
	want := normalKey(key)
	for i := range m.entries {
		if normalKey(m.entries[i].key) == want {
			return i
		}
	}
	return -1
}

type bigKey string // an integer beyond int64, in decimal

// normalKey maps the keys that Python holds for equal to one Go value: True, 1
// and 1.0 hash and compare alike there, so a dict has room for one of them. The
// result is comparable with ==, as the index needs; a not-a-number equals
// nothing and is therefore never found again, in Python neither.
func normalKey(k any) any {
	switch k := k.(type) {
	case string, int64, nil:
		return k
	case int:
		return int64(k)
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<63 {
			return int64(k)
		}
		if k == math.Trunc(k) && !math.IsInf(k, 0) {
			n, _ := new(big.Float).SetFloat64(k).Int(nil)
			return bigKey(n.String())
		}
		return k
	case *big.Int:
		if k.IsInt64() {
			return k.Int64()
		}
		return bigKey(k.String())
	}
	return k
}
