package provenance_test

import (
	"fmt"

	"github.com/reprodl/reprodl/experiment/provenance"
)

func ExampleExplain() {
	before, now := provenance.Here(), provenance.Here()
	before.Backend, now.Backend = "cpu", "cuda"
	now.Data["data.csv"] = "90015098"
	causes := provenance.Compare(before, now)
	fmt.Println(provenance.Explain(causes))
	for _, c := range causes {
		fmt.Println(c)
	}
	// Output:
	// same code and params; data and backend differ
	// data data.csv: (none) -> 90015098
	// backend: cpu -> cuda
}
