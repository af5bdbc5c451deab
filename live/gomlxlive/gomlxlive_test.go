package gomlxlive_test

import (
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/live/gomlxlive"
)

// line is a data set of two batches on y = 3x.
type line struct{}

func (line) Name() string { return "line" }

func (line) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for _, x := range []float32{1, 2} {
			batch := train.Batch{
				Inputs: []*tensors.Tensor{tensors.FromValue([][]float32{{x}, {-x}})},
				Labels: []*tensors.Tensor{tensors.FromValue([][]float32{{3 * x}, {-3 * x}})},
			}
			if !yield(batch, nil) {
				return
			}
		}
	}
}

func newLoop(t testing.TB) *train.Loop {
	backend, err := gobackend.New("")
	require.NoError(t, err)
	slope := func(scope *model.Scope, _ any, inputs []*graph.Node) []*graph.Node {
		w := scope.In("model").VariableWithValue("slope", float32(0)).NodeValue(inputs[0].Graph())
		return []*graph.Node{graph.Mul(inputs[0], w)}
	}
	sgd := optimizer.StochasticGradientDescent().WithDecay(false).WithLearningRate(0.0625).Done()
	trainer := train.NewTrainer(backend, model.NewStore(), slope, loss.MeanSquaredError, sgd, nil, nil)
	return train.NewLoop(trainer)
}

func open(t testing.TB, opts live.Options) *live.Logger {
	opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	opts.NoDVCYAML = true
	l, err := live.Open("run", &opts)
	require.NoError(t, err)
	return l
}

// history reads a metric back.
func history(t testing.TB, name string) (steps []int, values []float64) {
	for p, err := range live.Points(os.DirFS("run"), name) {
		require.NoError(t, err)
		steps = append(steps, p.Step)
		values = append(values, p.Value)
	}
	return steps, values
}

func TestPerStep(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	loop := newLoop(t)
	gomlxlive.Attach(loop, l, nil)
	_, err := loop.RunEpochs(line{}, 3)
	require.NoError(t, err)
	require.NoError(t, gomlxlive.LogEval(loop.Trainer, line{}, l, "eval/"))
	require.NoError(t, l.Close())

	steps, losses := history(t, "train/loss")
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, steps)
	assert.Equal(t, 9.0, losses[0], "mean of (3x)² at x=±1")
	assert.Less(t, losses[5], losses[1])
	_, rates := history(t, "train/learning_rate")
	assert.Equal(t, []float64{0.0625, 0.0625, 0.0625, 0.0625, 0.0625, 0.0625}, rates)
	steps, times := history(t, "train/step_time")
	assert.Len(t, steps, 6)
	for _, seconds := range times {
		assert.Positive(t, seconds)
	}
	summary, err := live.Summary(os.DirFS("run"))
	require.NoError(t, err)
	assert.Contains(t, summary["train"], "moving_average_loss")
	assert.Contains(t, summary["eval"], "loss")
	assert.Equal(t, int64(5), summary["step"])
}

func TestPerEpoch(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	loop := newLoop(t)
	gomlxlive.Attach(loop, l, &gomlxlive.Options{PerEpoch: true, Prefix: "fit/"})
	_, err := loop.RunEpochs(line{}, 3)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	steps, losses := history(t, "fit/loss")
	assert.Equal(t, []int{0, 1, 2}, steps)
	assert.Greater(t, losses[0], losses[2])
}

func TestEverySecondStep(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	loop := newLoop(t)
	gomlxlive.Attach(loop, l, &gomlxlive.Options{Every: 2})
	_, err := loop.RunEpochs(line{}, 3)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	steps, _ := history(t, "train/loss")
	assert.Equal(t, []int{1, 3, 5}, steps)
}

func ExampleAttach() {
	dir, err := os.MkdirTemp("", "gomlxlive")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	logger, err := live.Open(dir, &live.Options{NoDVCYAML: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	loop := newLoop(new(testing.B)) // fits y = 3x
	gomlxlive.Attach(loop, logger, nil)
	if _, err := loop.RunEpochs(line{}, 1); err != nil {
		fmt.Println(err)
		return
	}
	if err := logger.Close(); err != nil {
		fmt.Println(err)
		return
	}
	for p, err := range live.Points(os.DirFS(dir), "train/loss") {
		fmt.Println(p.Step, p.Value, err)
	}
	// Output:
	// 0 9 <nil>
	// 1 27.5625 <nil>
}
