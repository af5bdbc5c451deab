package ordered_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/params/ordered"
)

func TestMapIsADict(t *testing.T) {
	m := ordered.New("a", 1, int64(1), "one", true, "true", 1.0, "float", nil, "none")
	assert.Equal(t, []any{"a", int64(1), nil}, m.Keys(), "1, true and 1.0 are one key")
	v, ok := m.Get(true)
	assert.True(t, ok)
	assert.Equal(t, "float", v)
	huge, _ := new(big.Int).SetString("100000000000000000000", 10)
	m.Set(huge, "big")
	v, _ = m.Get(1e20)
	assert.Equal(t, "big", v)
	for i := range 100 {
		m.Set(int64(i), i)
	}
	assert.True(t, m.Delete("a"))
	assert.False(t, m.Delete("a"))
	v, _ = m.Get(int64(42))
	assert.Equal(t, 42, v)
	assert.Equal(t, int64(1), m.Keys()[0], "a key keeps its place and its first spelling")
	c := m.Clone()
	c.Set("new", 1)
	_, ok = m.Get("new")
	assert.False(t, ok)
}

func TestNilAndZeroMap(t *testing.T) {
	var none *ordered.Map
	assert.Zero(t, none.Len())
	assert.Empty(t, none.Keys())
	assert.Zero(t, none.Clone().Len())
	_, ok := none.Get("a")
	assert.False(t, ok)
	for range none.All() {
		t.Error("a nil map has no keys")
	}
	var zero ordered.Map
	zero.Set(math.NaN(), 1)
	_, ok = zero.Get(math.NaN())
	assert.False(t, ok, "as in Python")
	odd := []any{"odd"}
	assert.Panics(t, func() { ordered.New(odd...) })
}
