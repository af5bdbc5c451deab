package compare_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/pipeline"
)

// trained makes a repository with an experiment for each learning rate, whose
// accuracy is 1 less the rate.
func trained(ctx context.Context, rates ...float64) (*experiment.Repo, func()) {
	dir, env := exptest.Scratch()
	repo, err := experiment.Open(dir, &experiment.Options{Env: env})
	if err != nil {
		log.Fatal(err)
	}
	for _, lr := range rates {
		train := pipeline.Stage{
			Name:   "train",
			Params: []pipeline.Params{{Keys: []string{"lr"}}},
			Outs:   []pipeline.Out{{Path: "metrics.json", Kind: pipeline.Metric, NoCache: true}},
			Run: func(context.Context) error {
				return os.WriteFile(dir+"/metrics.json", fmt.Appendf(nil, `{"acc": %v}`, 1-lr), 0o666)
			},
		}
		_, err := repo.Run(ctx, &experiment.RunOptions{Name: fmt.Sprint("lr-", lr), Set: []string{fmt.Sprint("lr=", lr)},
			Stages: []pipeline.Stage{train}, Program: "go run ."})
		if err != nil {
			log.Fatal(err)
		}
	}
	return repo, func() { repo.Close(); os.RemoveAll(dir) }
}

func ExampleTabulate() {
	ctx := context.Background()
	repo, remove := trained(ctx, 0.5, 0.25)
	defer remove()
	states, err := compare.Show(ctx, repo, &compare.ShowOptions{HideWorkspace: true})
	if err != nil {
		log.Fatal(err)
	}
	table, err := compare.Tabulate(states, &compare.TableOptions{SortBy: "acc", Descending: true, Drop: []string{"Created"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range table.Rows[1:] { // the first is HEAD
		fmt.Println(row.Cells[0], row.Cells[len(row.Cells)-2:])
	}
	// Output:
	// lr-0.25 [0.75 0.25]
	// lr-0.5 [0.5 0.5]
}

func ExampleBest() {
	ctx := context.Background()
	repo, remove := trained(ctx, 0.5, 0.125, 0.25)
	defer remove()
	states, err := compare.Show(ctx, repo, nil)
	if err != nil {
		log.Fatal(err)
	}
	best, acc, err := compare.Best(states, "acc", compare.Maximize)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(best.Name, acc)
	_, _, err = compare.Best(states, "accuracy", compare.Maximize)
	fmt.Println(err)
	// Output:
	// lr-0.125 0.875
	// Unknown sort column 'accuracy'
}

func ExampleDiff() {
	ctx := context.Background()
	repo, remove := trained(ctx, 0.5, 0.25)
	defer remove()
	d, err := compare.Diff(ctx, repo, "lr-0.5", "lr-0.25", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range append(d.Params, d.Metrics...) {
		fmt.Printf("%s %s: %v -> %v\n", c.File, c.Key, c.Old, c.New)
	}
	fmt.Println(d.Explain())
	// Output:
	// params.yaml lr: 0.5 -> 0.25
	// metrics.json acc: 0.5 -> 0.75
	// same code and data; params differs
}
