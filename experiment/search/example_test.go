package search_test

import (
	"fmt"
	"log"

	"github.com/reprodl/reprodl/experiment/search"
)

func ExampleSearch() {
	space := search.Space{
		{Key: "train.lr", Low: 1e-4, High: 1, Log: true},
		{Key: "model.layers", Low: 1, High: 8, Int: true},
		{Key: "model.kind", Values: []any{"cnn", "mlp"}},
	}
	tpe, err := search.New(space, &search.Options{Seed: 1, Maximize: true})
	if err != nil {
		log.Fatal(err)
	}
	for range 30 {
		point := tpe.Ask()
		// Here an experiment would run with space.Set(point).
		accuracy := 0.5
		if point[2] == "cnn" {
			accuracy = 0.9
		}
		if err := tpe.Tell(point, accuracy); err != nil {
			log.Fatal(err)
		}
	}
	best, accuracy := tpe.Best()
	fmt.Println(best[2], accuracy)
	// Output: cnn 0.9
}

func ExampleSpace_Grid() {
	space := search.Space{{Key: "lr", Values: []any{0.1, 0.01}}, {Key: "seed", Low: 0, High: 2, Int: true}}
	for point := range space.Grid(3) {
		fmt.Println(space.Set(point))
	}
	// Output:
	// [lr=0.1 seed=0]
	// [lr=0.1 seed=1]
	// [lr=0.1 seed=2]
	// [lr=0.01 seed=0]
	// [lr=0.01 seed=1]
	// [lr=0.01 seed=2]
}
