package experiment_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/pipeline"
)

// A program runs its own Go functions as the stages of an experiment.
func ExampleRepo_Run() {
	dir, env := exptest.Scratch()
	defer os.RemoveAll(dir)
	repo, err := experiment.Open(dir, &experiment.Options{Env: env})
	if err != nil {
		log.Fatal(err)
	}
	defer repo.Close()

	train := pipeline.Stage{
		Name:   "train",
		Params: []pipeline.Params{{Keys: []string{"lr"}}},
		Outs:   []pipeline.Out{{Path: "metrics.json", Kind: pipeline.Metric, NoCache: true}},
		Run: func(context.Context) error {
			return os.WriteFile(filepath.Join(dir, "metrics.json"), []byte(`{"acc": 0.9}`), 0o666)
		},
	}
	ctx := context.Background()
	for _, lr := range []string{"0.5", "0.25"} {
		e, err := repo.Run(ctx, &experiment.RunOptions{
			Name: "lr-" + lr, Set: []string{"lr=" + lr},
			Stages: []pipeline.Stage{train}, Program: "go run .",
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("saved", e.Name)
	}
	d, err := compare.Diff(ctx, repo, "lr-0.5", "lr-0.25", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range d.Params {
		fmt.Println(c.Key, c.Old, "->", c.New)
	}
	fmt.Println(d.Explain())
	// Output:
	// saved lr-0.5
	// saved lr-0.25
	// lr 0.5 -> 0.25
	// same code and data; params differs
}
