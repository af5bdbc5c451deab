package esc50

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
)

// Batch normalisation as in PyTorch's BatchNorm2d.
const (
	bnEpsilon  = 1e-5
	bnMomentum = 0.1
)

// batchNorm normalises the channels of x, shaped [batch, channels, height,
// width]. GoMLX's own layer differs from PyTorch's in momentum, bias correction
// and, without the backend's native op, in its gradient, which ignores that the
// statistics depend on x. Here the native op is used where the backend has it
// and the definition, differentiated by GoMLX, where it has not.
func batchNorm(scope *model.Scope, x *graph.Node) *graph.Node {
	g, dims := x.Graph(), x.Shape().Dimensions
	channels := dims[1]
	variable := func(name string, init model.VariableInitializer) *model.Variable {
		return scope.WithInitializer(init).VariableWithShape(name, shapes.Make(x.DType(), channels))
	}
	scale := variable("weight", initializer.One).NodeValue(g)
	offset := variable("bias", initializer.Zero).NodeValue(g)
	runningMean := variable("running_mean", initializer.Zero).SetTrainable(false)
	runningVar := variable("running_var", initializer.One).SetTrainable(false)

	if !scope.IsTraining(g) {
		return normalize(x, scale, offset, runningMean.NodeValue(g), runningVar.NodeValue(g))
	}
	var y, mean, variance *graph.Node
	if supports(g, compute.OpTypeBatchNormForTraining) && supports(g, compute.OpTypeBatchNormGradient) {
		y, mean, variance = graph.InternalBatchNormForTraining(x, scale, offset, bnEpsilon, 1)
	} else {
		mean = graph.ReduceMean(x, 0, 2, 3)
		centred := graph.Sub(x, perChannel(mean))
		variance = graph.ReduceMean(graph.Mul(centred, centred), 0, 2, 3)
		y = normalize(x, scale, offset, mean, variance)
	}
	n := float64(dims[0] * dims[2] * dims[3])
	update(runningMean, mean)
	update(runningVar, graph.MulScalar(variance, n/max(n-1, 1))) // the unbiased one, as PyTorch keeps
	return y
}

// update moves a running statistic towards that of the batch.
func update(running *model.Variable, batch *graph.Node) {
	kept := graph.MulScalar(running.NodeValue(batch), 1-bnMomentum)
	running.SetNodeValue(graph.Add(kept, graph.MulScalar(graph.StopGradient(batch), bnMomentum)))
}

func normalize(x, scale, offset, mean, variance *graph.Node) *graph.Node {
	if g := x.Graph(); !scopeTraining(g) && supports(g, compute.OpTypeBatchNormForInference) {
		return graph.InternalBatchNormForInference(x, scale, offset, mean, variance, bnEpsilon, 1)
	}
	factor := graph.Div(scale, graph.Sqrt(graph.AddScalar(variance, bnEpsilon)))
	centred := graph.Sub(x, perChannel(mean))
	return graph.Add(graph.Mul(centred, perChannel(factor)), perChannel(offset))
}

func scopeTraining(g *graph.Graph) bool {
	s := model.GetStore(g)
	return s != nil && s.IsTraining(g)
}

func supports(g *graph.Graph, op compute.OpType) bool {
	return g.Backend().Capabilities().Operations[op]
}

// perChannel reshapes a vector so that it broadcasts along axis 1 of four.
func perChannel(v *graph.Node) *graph.Node {
	return graph.Reshape(v, 1, -1, 1, 1)
}

// relu is max(x, 0) with PyTorch's gradient, which is zero at zero; like there
// what is not a number stays so, that a training gone wrong shows.
func relu(x *graph.Node) *graph.Node {
	zero := graph.ScalarZero(x.Graph(), x.DType())
	return graph.Where(graph.LessOrEqual(x, zero), zero, x)
}

func maxPool(x *graph.Node) *graph.Node {
	return graph.MaxPool(x).ChannelsAxis(images.ChannelsFirst).Window(2).Done()
}

// uniform initialises variables with float32 draws from U(-bound, bound) that
// depend on nothing but its arguments and the variable's size: GoMLX's own
// draws differ between its backends.
func uniform(seed int64, path string, bound float64) model.VariableInitializer {
	return func(g *graph.Graph, shape shapes.Shape) *graph.Node {
		h := fnv.New64a()
		h.Write([]byte(path))
		source := rand.NewPCG(uint64(seed), h.Sum64())
		values := make([]float32, shape.Size())
		for i := range values {
			u := float64(source.Uint64()>>40) / (1 << 24) // exact
			values[i] = float32(float64(2*u-1) * bound)
		}
		return graph.ConvertDType(graph.ConstTensor(g, tensors.FromFlatDataAndDimensions(values, shape.Dimensions...)), shape.DType)
	}
}
