package reprodl_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

type config struct {
	LR     float64 `yaml:"lr"`
	Epochs int     `yaml:"epochs"`
}

// A training loop of one's own with typed parameters, live metrics and a
// pipeline that runs it only when something changed.
func Example() {
	defer inNewRepository("lr: 0.1\nepochs: 3\n")()

	ctx := context.Background()
	repo, err := pipeline.Open(".", nil)
	if err != nil {
		log.Fatal(err)
	}
	repo, err = repo.Define("go run .", pipeline.Stage{
		Name:   "train",
		Params: []pipeline.Params{{Keys: []string{"lr", "epochs"}}},
		Outs: []pipeline.Out{
			{Path: "model"},
			{Path: "dvclive/metrics.json", Kind: pipeline.Metric},
			{Path: "dvclive/plots", Kind: pipeline.Plot},
		},
		Run: train,
	})
	if err != nil {
		log.Fatal(err)
	}
	// This is all that main needs: run what changed or, as the command of a
	// stage, that stage. The rest shows what comes of it.
	if err := repo.Main(ctx, nil); err != nil { // os.Args[1:]
		log.Fatal(err)
	}
	show("first")
	if err := params.Set("params.yaml", "lr=0.2"); err != nil {
		log.Fatal(err)
	}
	results, err := repo.Repro(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(results[0].Reasons[0].String())
	if err := params.Set("params.yaml", "lr=0.1"); err != nil {
		log.Fatal(err)
	}
	results, err = repo.Repro(ctx, nil) // brings the model back, and its metrics
	if err != nil {
		log.Fatal(err)
	}
	show(string(results[0].Action))
	// Output:
	// first: step 2, train_loss 0.2621
	// lr: 0.1 -> 0.2: step 2, train_loss 0.0467
	// restored: step 2, train_loss 0.2621
}

// train minimizes w² and keeps w as the model.
func train(context.Context) error {
	var c config
	if err := params.Load("params.yaml", &c); err != nil {
		return err
	}
	w := 1.0
	for range c.Epochs {
		w -= c.LR * 2 * w
		live.Log("train_loss", w*w)
		live.NextStep()
	}
	if err := live.Close(); err != nil {
		return err
	}
	return os.WriteFile("model", fmt.Append(nil, w), 0o666)
}

// show prints the metrics that lie in the workspace.
func show(what string) {
	summary, err := live.Summary(os.DirFS("dvclive"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: step %v, train_loss %.4f\n", what, summary["step"], summary["train_loss"])
}

// inNewRepository makes a DVC repository with a params.yaml the working
// directory, and returns what undoes it.
func inNewRepository(text string) (leave func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	old, err := os.Getwd()
	if err == nil {
		err = os.Chdir(dir)
	}
	if err == nil {
		err = pipeline.Init(context.Background(), ".", &data.InitOptions{NoSCM: true})
	}
	if err == nil {
		err = os.WriteFile("params.yaml", []byte(text), 0o666)
	}
	if err != nil {
		log.Fatal(err)
	}
	return func() {
		os.Chdir(old)
		os.RemoveAll(dir)
	}
}
