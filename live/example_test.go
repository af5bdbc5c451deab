package live_test

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"time"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// inTemp runs an example in a folder that is removed afterwards.
func inTemp(example func() error) {
	dir, err := os.MkdirTemp("", "live")
	if err == nil {
		defer os.RemoveAll(dir)
		old, _ := os.Getwd()
		defer os.Chdir(old)
		err = os.Chdir(dir)
	}
	if err == nil {
		err = example()
	}
	if err != nil {
		fmt.Println(err)
	}
}

// show prints a file.
func show(name string) error {
	data, err := os.ReadFile(name)
	fmt.Printf("%s:\n%s", name, data)
	return err
}

func Example() {
	inTemp(func() error {
		for _, loss := range []float64{1, 0.5, 0.25} {
			live.Log("train_loss", loss)
			if err := live.NextStep(); err != nil {
				return err
			}
		}
		if err := live.Close(); err != nil {
			return err
		}
		return show("dvclive/metrics.json")
	})
	// Output:
	// dvclive/metrics.json:
	// {
	//     "train_loss": 0.25,
	//     "step": 2
	// }
}

func ExampleOpen() {
	inTemp(func() error {
		logger, err := live.Open("run", nil)
		if err != nil {
			return err
		}
		config := struct {
			LR     float64 `yaml:"lr"`
			Layers []int   `yaml:"layers"`
		}{0.001, []int{64, 128}}
		if err := logger.LogParams(config); err != nil {
			return err
		}
		logger.Log("train/loss", 0.5)
		if err := logger.NextStep(); err != nil {
			return err
		}
		if err := logger.Close(); err != nil {
			return err
		}
		for _, file := range []string{"run/params.yaml", "run/plots/metrics/train/loss.tsv", "dvc.yaml"} {
			if err := show(file); err != nil {
				return err
			}
		}
		return nil
	})
	// Output:
	// run/params.yaml:
	// lr: 0.001
	// layers:
	// - 64
	// - 128
	// run/plots/metrics/train/loss.tsv:
	// step	loss
	// 0	0.5
	// dvc.yaml:
	// params:
	// - run/params.yaml
	// metrics:
	// - run/metrics.json
	// plots:
	// - run/plots/metrics:
	//     x: step
}

func ExamplePoints() {
	inTemp(func() error {
		logger, err := live.Open("", nil)
		if err != nil {
			return err
		}
		for step := range 3 {
			logger.Log("acc", float64(step)/2)
			if err := logger.NextStep(); err != nil {
				return err
			}
		}
		if err := logger.Close(); err != nil {
			return err
		}
		for p, err := range live.Points(os.DirFS("dvclive"), "acc") {
			fmt.Println(p.Step, p.Value, err)
		}
		summary, err := live.Summary(os.DirFS("dvclive"))
		fmt.Println(summary)
		return err
	})
	// Output:
	// 0 0 <nil>
	// 1 0.5 <nil>
	// 2 1 <nil>
	// map[acc:1 step:2]
}

func ExampleLatest() {
	inTemp(func() error {
		logger, err := live.Open("", nil)
		if err != nil {
			return err
		}
		logger.Log("train/loss", 0.5)
		if err := logger.NextStep(); err != nil {
			return err
		}
		if err := logger.Close(); err != nil {
			return err
		}
		run := os.DirFS("dvclive")
		names, err := live.Names(run)
		if err != nil {
			return err
		}
		for _, name := range names {
			p, err := live.Latest(run, name)
			fmt.Println(name, p.Value, err)
		}
		return nil
	})
	// Output:
	// train/loss 0.5 <nil>
}

func ExampleLogger_Shutdown() {
	inTemp(func() error {
		logger, err := live.Open("", nil)
		if err != nil {
			return err
		}
		logger.Log("loss", 0.5)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return logger.Shutdown(ctx) // saving and sending take no longer than that
	})
	// Output:
}

func ExampleLogger_LogImage() {
	inTemp(func() error {
		logger, err := live.Open("", nil)
		if err != nil {
			return err
		}
		for range 2 {
			name := fmt.Sprintf("samples/%d.png", logger.Step())
			if err := logger.LogImage(name, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
				return err
			}
			if err := logger.NextStep(); err != nil {
				return err
			}
		}
		if err := logger.Close(); err != nil {
			return err
		}
		files, err := filepath.Glob("dvclive/plots/images/samples/*")
		for _, file := range files {
			fmt.Println(filepath.ToSlash(file))
		}
		return err
	})
	// Output:
	// dvclive/plots/images/samples/0.png
	// dvclive/plots/images/samples/1.png
}

func ExampleLogger_LogSklearnPlot() {
	inTemp(func() error {
		logger, err := live.Open("", nil)
		if err != nil {
			return err
		}
		labels, scores := []int{0, 0, 1, 1}, []float64{0.1, 0.4, 0.35, 0.8}
		if err := logger.LogSklearnPlot(live.PrecisionRecall, labels, scores, nil); err != nil {
			return err
		}
		if err := logger.Close(); err != nil {
			return err
		}
		data, err := os.ReadFile("dvclive/plots/sklearn/precision_recall.json")
		fmt.Printf("%.117s…\n", data)
		return err
	})
	// Output:
	// {
	//     "precision_recall": [
	//         {
	//             "precision": 0.5,
	//             "recall": 1.0,
	//             "threshold…
}

// lines is a sink that prints what it gets.
type lines struct{}

func (lines) Write(records []live.Record) error {
	for _, r := range records {
		fmt.Println(r.Step, r.Name, r.Value)
	}
	return nil
}

func (lines) Close() error { return nil }

func ExampleSink() {
	inTemp(func() error {
		logger, err := live.Open("", &live.Options{Sinks: []live.Sink{lines{}}})
		if err != nil {
			return err
		}
		logger.Log("loss", 0.5)
		if err := logger.NextStep(); err != nil {
			return err
		}
		logger.Log("loss", 0.25)
		return logger.Close()
	})
	// Output:
	// 0 loss 0.5
	// 1 loss 0.25
}

func ExampleLogger_LogParams() {
	inTemp(func() error {
		logger, err := live.Open("", nil)
		if err != nil {
			return err
		}
		if err := logger.LogParams(ordered.New("optimizer", ordered.New("name", "adam", "lr", 1e-5), "seed", nil)); err != nil {
			return err
		}
		if err := logger.Close(); err != nil {
			return err
		}
		return show("dvclive/params.yaml")
	})
	// Output:
	// dvclive/params.yaml:
	// optimizer:
	//   name: adam
	//   lr: 1e-05
	// seed:
}
