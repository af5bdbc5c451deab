package cpu_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// TestOtherModels trains models of GoMLX's own layers on this backend and on
// GoMLX's, and compares the losses.
func TestOtherModels(t *testing.T) {
	for _, m := range []struct {
		name  string
		logit func(scope *model.Scope, x *graph.Node) *graph.Node // of [4, 12, 10, 3]
	}{
		{"strided convolutions", func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = activation.Relu(layers.Convolution(scope.In("a"), x).Channels(6).KernelSize(3).PadSame().Strides(2).Done())
			x = activation.Relu(layers.Convolution(scope.In("b"), x).Channels(5).KernelSize(3).PadSame().Done())
			x = graph.MaxPool(x).Window(2).Done()
			return layers.Dense(scope.In("c"), graph.Reshape(x, 4, -1), true, 1)
		}},
		{"one axis", func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = graph.Reshape(x, 4, 12, 30)
			x = layers.Convolution(scope.In("a"), x).Channels(7).KernelSize(5).PadSame().Dilations(2).Done()
			return layers.Dense(scope.In("c"), graph.ReduceMean(graph.Tanh(x), 1), true, 1)
		}},
		{"dense", func(scope *model.Scope, x *graph.Node) *graph.Node {
			x = graph.Reshape(x, 4, -1)
			x = norm.LayerNorm(scope.In("n"), x, -1).Done()
			x = activation.Swish(layers.Dense(scope.In("a"), x, true, 16))
			x = layers.DropoutStatic(scope, x, 0.3)
			return layers.Dense(scope.In("b"), graph.Softmax(x), true, 1)
		}},
		{"embedding", func(scope *model.Scope, x *graph.Node) *graph.Node {
			words := graph.ConvertDType(graph.Abs(graph.MulScalar(graph.Slice(x, graph.AxisRange(), graph.AxisElem(0), graph.AxisRange(), graph.AxisElem(0)), 5)), dtypes.Int32)
			e := layers.Embedding(scope.In("e"), graph.Reshape(words, 4, 10, 1), dtypes.Float32, 50, 8, false)
			return layers.Dense(scope.In("b"), graph.ReduceMean(e, 1), true, 1)
		}},
	} {
		t.Run(m.name, func(t *testing.T) {
			train := func(b compute.Backend) (losses []float32) {
				store := model.NewStore()
				store.RootScope().SetParam(initializer.ParamInitialSeed, int64(3))
				step, err := model.NewExec(b, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
					scope.Store().SetTraining(x.Graph(), true)
					y := graph.Sub(m.logit(scope, x), graph.OnesLike(graph.Slice(graph.Reshape(x, 4, -1), graph.AxisRange(), graph.AxisRange(0, 1))))
					loss := graph.ReduceAllMean(graph.Mul(y, y))
					optimizer.Adam().LearningRate(0.01).Done().UpdateGraph(scope, x.Graph(), loss)
					return loss
				})
				require.NoError(t, err)
				values := make([]float32, 4*12*10*3)
				for i := range values {
					values[i] = float32(i*7919%1000)/250 - 2
				}
				for range 4 {
					loss, err := step.Call1(tensors.FromFlatDataAndDimensions(values, 4, 12, 10, 3))
					require.NoError(t, err)
					losses = append(losses, tensors.ToScalar[float32](loss))
				}
				return losses
			}
			want := train(goBackend())
			assert.InDeltaSlice(t, want, train(cpu.Default()), 1e-4)
		})
	}
}
