package esc50

import (
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/gomlx/gomlx/ml/model"
)

// AudioNet is the course's convolutional classifier of log-mel spectrograms, an
// ordinary GoMLX graph: with f base filters, conv 1->f 11x11, conv f->f 3x3,
// max-pool 2, conv f->2f 3x3, conv 2f->4f 3x3, max-pool 2, global average pool,
// linear 4f->classes, each convolution followed by batch normalisation and
// ReLU.
//
// Names, layouts and defaults are PyTorch's: the variables are conv1..conv4,
// bn1..bn4 and fc1 with weight, bias, running_mean and running_var, convolution
// weights are [out, in, height, width] and the linear weight is [out, in].
type AudioNet struct {
	// BaseFilters is f; zero means 32.
	BaseFilters int `yaml:"base_filters"`
	// Classes is the number of logits; zero means 50.
	Classes int `yaml:"n_classes"`
	// Seed of the initial weights: each tensor is a function of the seed, its
	// path and its shape only, the same on every machine and backend.
	Seed int64 `yaml:"seed"`
}

func (m AudioNet) filters() int {
	if m.BaseFilters == 0 {
		return 32
	}
	return m.BaseFilters
}

func (m AudioNet) classes() int {
	if m.Classes == 0 {
		return 50
	}
	return m.Classes
}

// Logits adds the network to the graph of x, shaped [batch, 1, mels, frames],
// and returns the logits, shaped [batch, classes]. Variables are made under
// scope when missing. In a graph marked for training (model.Store.SetTraining)
// batch normalisation uses the statistics of the batch and updates the running
// ones; otherwise it uses the running ones.
//
// The arithmetic is of the type of x, float32 or float64.
//
// Like every graph function it panics on inconsistent shapes.
func (m AudioNet) Logits(scope *model.Scope, x *graph.Node) *graph.Node {
	f := m.filters()
	x = m.block(scope, x, 1, f, 11)
	x = m.block(scope, x, 2, f, 3)
	x = maxPool(x)
	x = m.block(scope, x, 3, 2*f, 3)
	x = m.block(scope, x, 4, 4*f, 3)
	x = maxPool(x)
	x = graph.ReduceMean(x, 2, 3)
	w, b := m.weights(scope.In("fc1"), x, m.classes(), 4*f)
	y := graph.DotGeneral(x, []int{1}, nil, w, []int{1}, nil)
	return graph.Add(y, graph.Reshape(b, 1, m.classes()))
}

// block is convolution i (square, stride 1, same padding), its batch
// normalisation and ReLU.
func (m AudioNet) block(scope *model.Scope, x *graph.Node, i, filters, size int) *graph.Node {
	w, b := m.weights(scope.In("conv%d", i), x, filters, x.Shape().Dimensions[1], size, size)
	pad := [2]int{size / 2, size / 2}
	x = graph.Convolve(x, w).ChannelsAxis(images.ChannelsFirst).PaddingPerDim([][2]int{pad, pad}).Done()
	x = graph.Add(x, graph.Reshape(b, 1, filters, 1, 1))
	return relu(batchNorm(scope.In("bn%d", i), x))
}

// weights returns the weight (shaped dims, the first being the outputs) and the
// bias of a layer; both are drawn from U(-1/sqrt(n), 1/sqrt(n)) with n inputs
// per output, as PyTorch does.
func (m AudioNet) weights(scope *model.Scope, x *graph.Node, dims ...int) (weight, bias *graph.Node) {
	fanIn := 1
	for _, d := range dims[1:] {
		fanIn *= d
	}
	bound := 1 / math.Sqrt(float64(fanIn))
	variable := func(name string, dims ...int) *graph.Node {
		path := model.JoinPath(scope.Scope(), name)
		return scope.WithInitializer(uniform(m.Seed, path, bound)).
			VariableWithShape(name, shapes.Make(x.DType(), dims...)).NodeValue(x)
	}
	return variable("weight", dims...), variable("bias", dims[0])
}
