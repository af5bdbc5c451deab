package values_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/values"
)

// exampleRepo is a repository without git of the given files.
func exampleRepo(files map[string]string) (repo *data.Repo, remove func()) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "values")
	if err == nil {
		err = data.Init(ctx, dir, &data.InitOptions{NoSCM: true})
	}
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666)
		}
	}
	if err == nil {
		repo, err = data.Open(dir, nil)
	}
	if err != nil {
		panic(err)
	}
	return repo, func() { os.RemoveAll(dir) }
}

func ExampleMetrics() {
	repo, remove := exampleRepo(map[string]string{"dvc.yaml": "metrics: [m.json]\n", "m.json": `{"acc": 0.9}`})
	defer remove()
	all, err := values.Metrics(context.Background(), repo, nil)
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range all[0].Files {
		acc, _ := f.Data.(*params.Map).Get("acc")
		fmt.Println(f.Path, acc)
	}
	// Output: m.json 0.9
}

func ExamplePlots() {
	repo, remove := exampleRepo(map[string]string{"dvc.yaml": "plots: [loss.csv]\n", "loss.csv": "step,loss\n0,1\n1,0.5\n"})
	defer remove()
	plots, err := values.Plots(context.Background(), repo, nil)
	if err != nil {
		fmt.Println(err)
	}
	for _, p := range plots.Plots {
		fmt.Println(p.ID, p.Template, p.X, p.Y, len(p.Rows))
	}
	// Output: loss.csv linear step loss 2
}

func ExampleTemplate() {
	spec, err := values.Template("confusion")
	title, _ := spec.Get("title")
	text, _ := title.(*params.Map).Get("text")
	fmt.Println(text, err)
	_, err = values.Template("pie")
	fmt.Println(err)
	// Output:
	// <DVC_METRIC_TITLE> <nil>
	// plot template "pie": file does not exist
}
