package cpu_test

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/reprodl/reprodl/esc50/cpu"
)

func ExampleDefault() {
	norm := graph.MustNewExec(cpu.Default(), func(x *graph.Node) *graph.Node {
		return graph.Sqrt(graph.ReduceAllSum(graph.Mul(x, x)))
	})
	fmt.Println(norm.MustCall1([]float32{3, 4}).Value())
	// Output: 5
}

func ExampleNew() {
	backend, err := compute.NewWithConfig("reprodl:workers=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Finalize()
	fmt.Println(backend.Name(), backend.NumDevices())
	// Output: reprodl 1
}

func ExampleNew_unknown() {
	_, err := cpu.New("threads=2")
	fmt.Println(err)
	// Output: backend reprodl: no option "threads": want workers=N or level=NAME
}
