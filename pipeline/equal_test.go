package pipeline

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

func TestPyEqual(t *testing.T) {
	big1 := new(big.Int).Exp(big.NewInt(10), big.NewInt(17), nil)
	bigger := new(big.Int).Exp(big.NewInt(10), big.NewInt(30), nil)
	tests := []struct {
		name string
		a, b any
		want bool
	}{
		{"int and float", int64(1), 1.0, true},
		{"int and bool", int64(1), true, true},
		{"float and bool", 0.0, false, true},
		{"float and true", 0.5, true, false},
		{"big int and float", big1, 1e17, true},
		{"big int and rounded float", bigger, 1e30, false}, // 1e30 is not 10**30
		{"int64 and big int", int64(100000000000000000), big1, true},
		{"int next to a float", int64(9007199254740993), 9007199254740992.0, false},
		{"text and int", "1", int64(1), false},
		{"nan", math.NaN(), math.NaN(), false},
		{"nan and int", math.NaN(), int64(1), false},
		{"infinity", math.Inf(1), math.Inf(1), true},
		{"infinity and int", math.Inf(1), int64(1), false},
		{"null", nil, nil, true},
		{"null and false", nil, false, false},
		{"lists", []any{int64(1), "a"}, []any{1.0, "a"}, true},
		{"order of lists", []any{int64(1), int64(2)}, []any{int64(2), int64(1)}, false},
		{"order of mappings", dvcyaml.NewMap("a", int64(1), "b", "x"), dvcyaml.NewMap("b", "x", "a", true), true},
		{"a key more", dvcyaml.NewMap("a", int64(1)), dvcyaml.NewMap("a", int64(1), "b", nil), false},
		{"mapping and list", dvcyaml.NewMap(), []any{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, pyEqual(tt.a, tt.b))
			assert.Equal(t, tt.want, pyEqual(tt.b, tt.a))
		})
	}
}
