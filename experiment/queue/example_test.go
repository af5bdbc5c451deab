//go:build unix

package queue_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/pipeline"
)

// A sweep over two values is queued, and worked on by two workers at a time.
func ExampleQueue_WorkAll() {
	dir, env := exptest.Scratch()
	defer os.RemoveAll(dir)
	yaml := "stages:\n  train:\n    cmd: cp params.yaml model.yaml\n    params: [lr]\n    outs: [model.yaml]\n"
	if err := os.WriteFile(filepath.Join(dir, "dvc.yaml"), []byte(yaml), 0o666); err != nil {
		log.Fatal(err)
	}
	if err := exptest.Commit(dir, env); err != nil {
		log.Fatal(err)
	}
	repo, err := experiment.Open(dir, &experiment.Options{Env: env})
	if err != nil {
		log.Fatal(err)
	}
	defer repo.Close()

	ctx := context.Background()
	q := queue.Open(repo, nil)
	tasks, err := q.Add(ctx, &experiment.RunOptions{Name: "sweep", Set: []string{"lr=0.1,0.01"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := q.WorkAll(ctx, 2, nil); err != nil {
		log.Fatal(err)
	}
	for _, t := range tasks {
		done, err := q.Find(ctx, t.ID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(done.Name, done.Options.Set, done.State)
	}
	// Output:
	// sweep-1 [lr=0.1] Success
	// sweep-2 [lr=0.01] Success
}

// The stages of a pipeline are run by the workers of a queue, here two of this
// process. Those of a hub, on other machines, need no option.
func ExampleQueue_Executor() {
	dir, env := exptest.Scratch()
	defer os.RemoveAll(dir)
	yaml := "stages:\n  train:\n    matrix: {seed: [1, 2]}\n    cmd: echo ${item.seed} > model-${item.seed}\n    params: [lr]\n    outs:\n    - model-${item.seed}\n" +
		"  join:\n    cmd: cat model-1 model-2 > all\n    deps: [model-1, model-2]\n    outs: [all]\n"
	if err := os.WriteFile(filepath.Join(dir, "dvc.yaml"), []byte(yaml), 0o666); err != nil {
		log.Fatal(err)
	}
	if err := exptest.Commit(dir, env); err != nil {
		log.Fatal(err)
	}
	repo, err := experiment.Open(dir, &experiment.Options{Env: env})
	if err != nil {
		log.Fatal(err)
	}
	defer repo.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	q := queue.Open(repo, nil)
	for range 2 {
		go q.Work(ctx, &queue.WorkOptions{Idle: -1})
	}

	p, err := repo.Pipeline()
	if err != nil {
		log.Fatal(err)
	}
	results, err := p.Repro(ctx, &pipeline.ReproOptions{Jobs: 2, Executor: q.Executor(&queue.ExecutorOptions{Shared: true})})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		fmt.Println(r.Address, r.Action)
	}
	// Output:
	// train@1 ran
	// train@2 ran
	// join ran
}
