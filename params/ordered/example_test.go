package ordered_test

import (
	"fmt"

	"github.com/reprodl/reprodl/params/ordered"
)

func Example() {
	m := ordered.New("lr", 0.1, "layers", []any{int64(64), int64(10)})
	m.Set("seed", int64(42))
	m.Set("lr", 0.01) // stays in its place
	for key, value := range m.All() {
		fmt.Println(key, value)
	}
	// Output:
	// lr 0.01
	// layers [64 10]
	// seed 42
}
