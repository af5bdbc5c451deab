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
		Outs:   []pipeline.Out{{Path: "model"}},
		Run: func(context.Context) error {
			var c config
			if err := params.Load("params.yaml", &c); err != nil {
				return err
			}
			w := 1.0
			for range c.Epochs {
				w -= c.LR * 2 * w // a step down w²
				live.Log("train_loss", w*w)
				live.NextStep()
			}
			return os.WriteFile("model", fmt.Append(nil, w), 0o666)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		results, err := repo.Repro(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(results[0].Address, results[0].Action)
	}
	if err := live.Close(); err != nil {
		log.Fatal(err)
	}
	summary, err := live.Summary(os.DirFS("dvclive"))
	fmt.Printf("step %v: train_loss %.4f, %v\n", summary["step"], summary["train_loss"], err)
	// Output:
	// train ran
	// train skipped
	// step 2: train_loss 0.2621, <nil>
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
