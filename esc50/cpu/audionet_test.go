package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/esc50/cpu"
)

// workload is AudioNet with a batch of noise that looks like decibels.
type workload struct {
	store       *model.Store
	step, infer *model.Exec
	x, y        *tensors.Tensor
}

func newWorkload(t testing.TB, b compute.Backend, filters, batch, mels, frames, classes int) *workload {
	net := esc50.AudioNet{BaseFilters: filters, Classes: classes, Seed: 1}
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, batch*mels*frames)
	for i := range x {
		x[i] = float32(float64(r.Uint32()>>8)/(1<<24)*float64(69)) - 75
	}
	y := make([]int64, batch)
	for i := range y {
		y[i] = r.Int64N(int64(classes))
	}
	w := &workload{
		store: model.NewStore(),
		x:     tensors.FromFlatDataAndDimensions(x, batch, 1, mels, frames),
		y:     tensors.FromFlatDataAndDimensions(y, batch),
	}
	var err error
	w.step, err = model.NewExec(b, w.store, func(scope *model.Scope, x, y *graph.Node) *graph.Node {
		scope.Store().SetTraining(x.Graph(), true)
		loss := esc50.CrossEntropy(y, net.Logits(scope, x))
		esc50.Adam{}.UpdateGraph(scope, x.Graph(), loss)
		return loss
	})
	require.NoError(t, err)
	w.infer, err = model.NewExec(b, w.store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return net.Logits(scope, x)
	})
	require.NoError(t, err)
	return w
}

// train takes one step and returns the loss.
func (w *workload) train(t testing.TB) float32 {
	loss, err := w.step.Call1(w.x, w.y)
	require.NoError(t, err)
	v := tensors.ToScalar[float32](loss)
	require.False(t, math.IsNaN(float64(v)))
	return v
}

func BenchmarkTrainStep(b *testing.B) {
	w := newWorkload(b, cpu.Default(), 32, 8, 128, 201, 50)
	w.train(b)
	for b.Loop() {
		w.train(b)
	}
}

func BenchmarkInference(b *testing.B) {
	w := newWorkload(b, cpu.Default(), 32, 8, 128, 201, 50)
	_, err := w.infer.Call1(w.x)
	require.NoError(b, err)
	for b.Loop() {
		out, err := w.infer.Call1(w.x)
		require.NoError(b, err)
		require.NoError(b, out.FinalizeAll())
	}
}
