package pyjson_test

import (
	"fmt"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// A metrics file as a Python program writes it.
func Example() {
	metrics := ordered.New("loss", 1e-7, "acc", 1.0, "name", "é")
	text, err := pyjson.Marshal(metrics, pyjson.Style{ASCII: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	fmt.Println(pyjson.Str(1.0), pyjson.Repr([]any{true, nil, "it's"}))
	// Output:
	// {"loss": 1e-07, "acc": 1.0, "name": "\u00e9"}
	// 1.0 [True, None, "it's"]
}
