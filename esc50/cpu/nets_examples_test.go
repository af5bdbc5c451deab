package cpu_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/layers/fnn"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/loss"
)

// The models of GoMLX's own examples, which are no part of its module, with
// their hyperparameters, on data of the shape of theirs; without the penalty on
// weights. Their peers are in testdata/torch_examples.py.
var exampleNets = []net{
	classifier("cifar-example", cifarExample, 64, 32, 32, 3),
	{"adult-example", adultData, adultExample},
}

// cifarExample is the convolutional model of examples/cifar.
func cifarExample(scope *model.Scope, x *graph.Node) *graph.Node {
	normed := func(name string, x *graph.Node) *graph.Node {
		return norm.BatchNorm(scope.In("%s-norm", name), activation.Relu(x), -1).Done()
	}
	dropped := func(name string, x *graph.Node, rate float32) *graph.Node {
		return layers.DropoutNormalize(scope.In("%s-dropout", name), x, graph.Const(x.Graph(), rate), true)
	}
	for i, channels := range []int{32, 64, 128} {
		for j := range 2 {
			name := fmt.Sprintf("conv%d-%d", i, j)
			x = normed(name, layers.Convolution(scope.In("%s", name), x).Channels(channels).KernelSize(3).PadSame().Done())
		}
		x = dropped(fmt.Sprintf("pool%d", i), graph.MaxPool(x).Window(2).Done(), []float32{.3, .5, .5}[i])
	}
	x = graph.Reshape(x, x.Shape().Dim(0), -1)
	x = dropped("dense", normed("dense", layers.Dense(scope.In("dense"), x, true, 128)), .5)
	return layers.Dense(scope.In("classes"), x, true, 10)
}

// The columns of the UCI Adult data: the sizes of the categories' vocabularies,
// and the most quantiles that a number has.
var (
	adultVocabularies = []int{9, 16, 7, 15, 6, 5, 2, 42}
	adultKeypoints    = []int{72, 16, 100, 80, 60}
)

// adultData draws a batch: categories, numbers and labels.
func adultData(r *rand.Rand) []*tensors.Tensor {
	const batch = 128
	var categories []int64
	var numbers, labels []float32
	for range batch {
		for _, n := range adultVocabularies {
			categories = append(categories, r.Int64N(int64(n)))
		}
		for range adultKeypoints {
			numbers = append(numbers, r.Float32())
		}
		labels = append(labels, float32(r.IntN(2)))
	}
	return []*tensors.Tensor{
		tensors.FromFlatDataAndDimensions(categories, batch, len(adultVocabularies)),
		tensors.FromFlatDataAndDimensions(numbers, batch, len(adultKeypoints)),
		tensors.FromFlatDataAndDimensions(labels, batch, 1),
	}
}

// adultExample is the model of examples/adult.
func adultExample(scope *model.Scope, data []*graph.Node) *graph.Node {
	column := func(x *graph.Node, i int) *graph.Node {
		return graph.Slice(x, graph.AxisRange(), graph.AxisRange(i, i+1))
	}
	var columns []*graph.Node
	for i, size := range adultVocabularies {
		columns = append(columns, layers.Embedding(scope.In("category%d", i), column(data[0], i), dtypes.Float32, size, 8, false))
	}
	for i, n := range adultKeypoints {
		keypoints := make([]float32, n)
		for j := range keypoints {
			keypoints[j] = float32(j) / float32(n-1)
		}
		columns = append(columns, layers.PieceWiseLinearCalibration(
			scope.In("number%d", i), column(data[1], i), graph.Const(data[1].Graph(), keypoints), true))
	}
	logits := fnn.New(scope.In("fnn"), graph.Concatenate(columns, -1), 1).
		NumHiddenLayers(1, 4).Activation(activation.TypeSigmoid).Normalization("layer").Residual(true).Done()
	return loss.BinaryCrossentropyLogits(data[2:], []*graph.Node{logits})
}
