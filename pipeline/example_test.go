package pipeline_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/pipeline"
)

// exampleRepo makes an empty repository and opens it.
func exampleRepo(files map[string]string) (*pipeline.Repo, func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, ".dvc"), 0o777); err != nil {
		log.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			log.Fatal(err)
		}
	}
	repo, err := pipeline.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	return repo, func() { os.RemoveAll(dir) }
}

func ExampleRepo_Repro() {
	repo, remove := exampleRepo(map[string]string{
		"params.yaml": "lr: 0.1\n",
		"dvc.yaml":    "stages:\n  train:\n    cmd: cp params.yaml model\n    params: [lr]\n    outs: [model]\n",
	})
	defer remove()
	ctx := context.Background()
	show := func() {
		results, err := repo.Repro(ctx, nil)
		if err != nil {
			fmt.Println(err)
		}
		for _, r := range results {
			fmt.Println(r.Address, r.Action, r.Reasons)
		}
	}
	show()
	show()
	os.WriteFile(filepath.Join(repo.Root(), "params.yaml"), []byte("lr: 0.2\n"), 0o666)
	show()
	// Output:
	// train ran [never ran]
	// train skipped []
	// train ran [lr: 0.1 -> 0.2]
}

func ExampleRepo_Status() {
	repo, remove := exampleRepo(map[string]string{
		"in":       "1\n",
		"dvc.yaml": "stages:\n  copy:\n    cmd: cp in out\n    deps: [in]\n    outs: [out]\n",
	})
	defer remove()
	list, err := repo.Status(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range list {
		for _, c := range s.Changes {
			fmt.Printf("%s: %s\n", s.Address, c)
		}
	}
	// Output:
	// copy: in: nothing recorded
	// copy: out: deleted
}

// A pipeline whose stages are Go functions. Its main runs everything, or, when
// it is given the name of a stage, that stage alone, as dvc will call it.
func ExampleRepo_Define() {
	repo, remove := exampleRepo(map[string]string{"params.yaml": "epochs: 2\n"})
	defer remove()
	ctx := context.Background()
	train, err := repo.Define("go run .", pipeline.Stage{
		Name:   "train",
		Params: []pipeline.Params{{Keys: []string{"epochs"}}},
		Outs:   []pipeline.Out{{Path: "model"}, {Path: "metrics.json", Kind: pipeline.Metric, NoCache: true}},
		Run: func(context.Context) error {
			fmt.Println("training")
			os.WriteFile(filepath.Join(repo.Root(), "metrics.json"), []byte(`{"acc": 0.9}`), 0o666)
			return os.WriteFile(filepath.Join(repo.Root(), "model"), []byte("weights"), 0o666)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		results, err := train.Repro(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(results[0].Address, results[0].Action)
	}
	if err := train.WriteProject(ctx); err != nil {
		log.Fatal(err)
	}
	data, _ := os.ReadFile(filepath.Join(repo.Root(), "dvc.yaml"))
	fmt.Printf("%s", data)
	// Output:
	// training
	// train ran
	// train skipped
	// stages:
	//   train:
	//     cmd: go run . train
	//     params:
	//     - epochs
	//     outs:
	//     - model
	//     metrics:
	//     - metrics.json:
	//         cache: false
}
