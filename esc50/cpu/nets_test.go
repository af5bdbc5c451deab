package cpu_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/attention"
	"github.com/gomlx/gomlx/ml/layers/lstm"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/stretchr/testify/require"
)

// net is an ordinary network of GoMLX's layers in their default layout.
type net struct {
	name string
	data func(r *rand.Rand) []*tensors.Tensor // draws a batch
	loss func(scope *model.Scope, data []*graph.Node) *graph.Node
}

// classifier is a network that has logits of ten classes for an input whose first
// axis is the batch.
func classifier(name string, logits func(scope *model.Scope, x *graph.Node) *graph.Node, input ...int) net {
	return net{name, noise(input), func(scope *model.Scope, data []*graph.Node) *graph.Node {
		return graph.ReduceAllMean(loss.SparseCategoricalCrossEntropyLogits(data[1:], []*graph.Node{logits(scope, data[0])}))
	}}
}

// noise draws inputs that are nearly normal, and classes.
func noise(input []int) func(r *rand.Rand) []*tensors.Tensor {
	return func(r *rand.Rand) []*tensors.Tensor {
		size := 1
		for _, d := range input {
			size *= d
		}
		x, y := make([]float32, size), make([]int32, input[0])
		for i := range x { // a sum of twelve, the same everywhere
			var sum float64
			for range 12 {
				sum += r.Float64()
			}
			x[i] = float32(sum - 6)
		}
		for i := range y {
			y[i] = r.Int32N(10)
		}
		return []*tensors.Tensor{tensors.FromFlatDataAndDimensions(x, input...), tensors.FromFlatDataAndDimensions(y, input[0], 1)}
	}
}

// nets are the networks that the backend is measured on; PyTorch's script has
// the same under the same names.
var nets = []net{
	classifier("mlp", mlp, 64, 28, 28, 1),
	classifier("cnn", cnn(false), 64, 28, 28, 1),
	classifier("cnn-bn", cnn(true), 64, 28, 28, 1),
	classifier("cifar-bn", cifar(32, 64, 128), 64, 32, 32, 3),
	classifier("resnet18", resnet18, 16, 64, 64, 3),
	classifier("lstm", recurrent(256), 32, 50, 64),
	classifier("depthwise", depthwise, 64, 32, 32, 32),
	classifier("transformer", transformer(4, 4, 1024), 8, 128, 256),
}

func mlp(scope *model.Scope, x *graph.Node) *graph.Node {
	x = graph.Reshape(x, x.Shape().Dim(0), -1)
	x = activation.Relu(layers.Dense(scope.In("a"), x, true, 128))
	x = activation.Relu(layers.Dense(scope.In("b"), x, true, 64))
	return layers.Dense(scope.In("c"), x, true, 10)
}

// classify is the dense layer after the last pooling.
func classify(scope *model.Scope, x *graph.Node) *graph.Node {
	return layers.Dense(scope.In("classes"), graph.Reshape(x, x.Shape().Dim(0), -1), true, 10)
}

func cnn(normed bool) func(scope *model.Scope, x *graph.Node) *graph.Node {
	return func(scope *model.Scope, x *graph.Node) *graph.Node {
		for i, channels := range []int{16, 32} {
			scope := scope.In("block%d", i)
			x = activation.Relu(layers.Convolution(scope, x).Channels(channels).KernelSize(3).PadSame().Done())
			if normed {
				x = norm.BatchNorm(scope, x, -1).Done()
			}
			x = graph.MaxPool(x).Window(2).Done()
		}
		return classify(scope, x)
	}
}

func cifar(blocks ...int) func(scope *model.Scope, x *graph.Node) *graph.Node {
	return func(scope *model.Scope, x *graph.Node) *graph.Node {
		for i, channels := range blocks {
			for j := range 2 {
				scope := scope.In("block%d-%d", i, j)
				x = layers.Convolution(scope, x).Channels(channels).KernelSize(3).PadSame().Done()
				x = activation.Relu(norm.BatchNorm(scope, x, -1).Done())
			}
			x = graph.MaxPool(x).Window(2).Done()
		}
		return classify(scope, x)
	}
}

// convNorm is a convolution without bias and a normalisation.
func convNorm(scope *model.Scope, x *graph.Node, channels, size, stride int) *graph.Node {
	x = layers.Convolution(scope, x).Channels(channels).KernelSize(size).Strides(stride).UseBias(false).PadSame().Done()
	return norm.BatchNorm(scope, x, -1).Done()
}

func resnet18(scope *model.Scope, x *graph.Node) *graph.Node {
	x = activation.Relu(convNorm(scope.In("stem"), x, 64, 7, 2))
	x = graph.MaxPool(x).Window(3).Strides(2).PaddingPerDim([][2]int{{1, 1}, {1, 1}}).Done()
	for i, channels := range []int{64, 128, 256, 512} {
		for j := range 2 {
			scope, stride, skip := scope.In("block%d-%d", i, j), 1, x
			if j == 0 && i > 0 {
				stride = 2
				skip = convNorm(scope.In("skip"), x, channels, 1, 2)
			}
			x = activation.Relu(convNorm(scope.In("a"), x, channels, 3, stride))
			x = activation.Relu(graph.Add(convNorm(scope.In("b"), x, channels, 3, 1), skip))
		}
	}
	return classify(scope, graph.ReduceMean(x, 1, 2))
}

func recurrent(units int) func(scope *model.Scope, x *graph.Node) *graph.Node {
	return func(scope *model.Scope, x *graph.Node) *graph.Node {
		_, last, _ := lstm.New(scope.In("lstm"), x, units).Done()
		return classify(scope, graph.Squeeze(last, 0))
	}
}

func depthwise(scope *model.Scope, x *graph.Node) *graph.Node {
	relu6 := func(x *graph.Node) *graph.Node { return graph.ClipScalar(x, 0, 6) }
	for i := range 2 {
		scope := scope.In("block%d", i)
		channels := x.Shape().Dim(-1)
		// GoMLX's layer makes weights of all input channels, which its graph then refuses.
		w := scope.In("depth").VariableWithShape("weights", shapes.Make(x.DType(), 3, 3, 1, channels)).NodeValue(x.Graph())
		x = graph.Convolve(x, w).Strides(2).PadSame().ChannelGroupCount(channels).Done()
		x = relu6(norm.BatchNorm(scope.In("depth-norm"), x, -1).Done())
		x = layers.Convolution(scope.In("point"), x).Channels(64).KernelSize(1).Done()
		x = relu6(norm.BatchNorm(scope.In("point-norm"), x, -1).Done())
	}
	return classify(scope, graph.ReduceMean(x, 1, 2))
}

func transformer(blocks, heads, hidden int) func(scope *model.Scope, x *graph.Node) *graph.Node {
	return func(scope *model.Scope, x *graph.Node) *graph.Node {
		d := x.Shape().Dim(-1)
		for i := range blocks {
			scope := scope.In("layer%d", i)
			a := attention.SelfAttention(scope.In("attention"), x, heads, d/heads).Done()
			x = norm.LayerNorm(scope.In("norm1"), graph.Add(x, a), -1).Done()
			f := activation.Relu(layers.Dense(scope.In("up"), x, true, hidden))
			f = layers.Dense(scope.In("down"), f, true, d)
			x = norm.LayerNorm(scope.In("norm2"), graph.Add(x, f), -1).Done()
		}
		return classify(scope, graph.ReduceMean(x, 1))
	}
}

// training is a network with fixed data to learn.
type training struct {
	store *model.Store
	step  *model.Exec
	data  []any
}

func (n *net) train(t testing.TB, b compute.Backend) *training {
	w := &training{store: model.NewStore()}
	for _, x := range n.data(rand.New(rand.NewPCG(1, 2))) {
		w.data = append(w.data, x)
	}
	w.store.RootScope().SetParam(initializer.ParamInitialSeed, int64(3))
	var err error
	w.step, err = model.NewExec(b, w.store, func(scope *model.Scope, data []*graph.Node) *graph.Node {
		g := data[0].Graph()
		scope.Store().SetTraining(g, true)
		l := n.loss(scope, data)
		optimizer.Adam().LearningRate(1e-3).Done().UpdateGraph(scope, g, l)
		return l
	})
	require.NoError(t, err)
	return w
}

// run takes one step and returns the loss.
func (w *training) run(t testing.TB) float32 {
	l, err := w.step.Call1(w.data...)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.FinalizeAll()) }()
	return tensors.ToScalar[float32](l)
}
