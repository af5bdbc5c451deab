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
