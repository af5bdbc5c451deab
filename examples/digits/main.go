// Command digits trains a small convolutional network on drawn digits, on any
// backend of GoMLX, and logs its loss curves,
// with a page of them in dvclive/report.html:
//
//	go run ./examples/digits -backend reprodl   (or go, GoMLX's own)
//
// It is an ordinary GoMLX program: only the imports say that there is a backend
// "reprodl". With it the last line is the same on every machine.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	_ "github.com/reprodl/reprodl/esc50/cpu"
	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/live/gomlxlive"
)

func network(scope *model.Scope, _ any, in []*graph.Node) []*graph.Node {
	x := activation.Relu(layers.Convolution(scope.In("conv1"), in[0]).Channels(16).KernelSize(3).PadSame().Done())
	x = graph.MaxPool(x).Window(2).Done()
	x = activation.Relu(layers.Convolution(scope.In("conv2"), x).Channels(32).KernelSize(3).PadSame().Done())
	x = graph.MaxPool(x).Window(2).Done()
	return []*graph.Node{layers.Dense(scope.In("out"), graph.Reshape(x, 64, -1), true, 10)}
}

func run(backendName, dir string, steps int, out io.Writer) error {
	backend, err := compute.NewWithConfig(backendName)
	if err != nil {
		return err
	}
	log, err := live.Open(dir, &live.Options{Report: live.HTMLReport, NoDVCYAML: true})
	if err != nil {
		return err
	}
	store := model.NewStore()
	store.RootScope().SetParam(initializer.ParamInitialSeed, int64(1))
	trainer := train.NewTrainer(backend, store, network, loss.SparseCategoricalCrossEntropyLogits,
		optimizer.Adam().LearningRate(0.003).Done(), nil, nil)
	loop := train.NewLoop(trainer)
	gomlxlive.Attach(loop, log, nil)
	if _, err := loop.RunEpochs(digits{1, uint64(steps)}, 1); err != nil {
		return err
	}
	if err := gomlxlive.LogEval(trainer, digits{2, 4}, log, "eval/"); err != nil {
		return err
	}
	if err := log.Close(); err != nil {
		return err
	}
	summary, err := live.Summary(os.DirFS(dir))
	fmt.Fprintln(out, "on new digits:", summary["eval"])
	return err
}

func main() {
	backend := flag.String("backend", "reprodl", "a registered backend")
	dir := flag.String("dir", "dvclive", "where the curves go")
	steps := flag.Int("steps", 200, "batches of 64 to train on")
	flag.Parse()
	if err := run(*backend, *dir, *steps, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "digits:", err)
		os.Exit(1)
	}
}
