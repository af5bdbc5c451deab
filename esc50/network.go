package esc50

import (
	"fmt"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// averageScope holds the moving average of each variable of the model, under
// its own path.
const averageScope = "/average"

// network is an AudioNet in training, with its variables, on a backend.
type network struct {
	backend compute.Backend
	config  Config
	store   *model.Store
	train   *model.Exec
}

// orCPU returns b, or the backend of esc50/cpu for nil.
func orCPU(b compute.Backend) compute.Backend {
	if b == nil {
		return cpu.Default()
	}
	return b
}

// newNetwork makes the network around a store, empty or from a checkpoint.
func newNetwork(b compute.Backend, c Config, store *model.Store) (n *network, err error) {
	defer catch(&err)
	n = &network{backend: b, config: c, store: store}
	n.train, err = model.NewExec(b, store, n.trainGraph)
	return n, err
}

// catch turns a panic of GoMLX's graph building into an error.
func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case error:
		*err = fmt.Errorf("esc50: %w", p)
	default:
		*err = fmt.Errorf("esc50: %v", p)
	}
}

// trainGraph is one step: forward, loss, backward, Adam, and the average of
// the weights. decay is the average's, for this step.
func (n *network) trainGraph(scope *model.Scope, x, labels, decay *graph.Node) *graph.Node {
	g := x.Graph()
	n.store.SetTraining(g, true)
	loss := CrossEntropy(labels, n.config.audioNet().Logits(scope, x))
	Adam{LearningRate: n.config.LearningRate, Factor: n.config.factor}.UpdateGraph(scope, g, loss)
	if n.config.Average > 0 {
		n.average(g, decay)
	}
	return loss
}

// factor is that of Config.HeadFactor for the variables of a path.
func (c Config) factor(path string) float64 {
	if strings.HasPrefix(path, "/fc1/") {
		return c.HeadFactor
	}
	return 1
}

// average moves the average of every variable of the model towards its value
// after the step.
func (n *network) average(g *graph.Graph, decay *graph.Node) {
	var vars []*model.Variable
	for v := range n.store.IterVariables() {
		if ofModel(v.Path()) && v.InUseByGraph(g) {
			vars = append(vars, v)
		}
	}
	for _, v := range vars {
		avg := n.store.VariableWithShape(averageScope+v.Path(), v.Shape(), initializer.Zero).SetTrainable(false)
		now := v.NodeValue(g)
		avg.SetNodeValue(graph.Add(graph.Mul(avg.NodeValue(g), decay), graph.Mul(now, graph.OneMinus(decay))))
	}
}

// ofModel reports whether the variable is part of the model rather than of its
// training.
func ofModel(path string) bool {
	for _, prefix := range []string{adamScope + "/", averageScope + "/", "/" + optimizer.Scope + "/"} {
		if strings.HasPrefix(path, prefix) {
			return false
		}
	}
	return path != "/"+optimizer.GlobalStepVariableName
}

// step trains on one batch, step counting from 0 over all epochs, and returns
// its loss.
func (n *network) step(b batch, step int, rate float64) (loss float64, err error) {
	defer catch(&err)
	v := optimizer.LearningRateVar(n.store.RootScope(), dtypes.Float32, rate)
	if err := v.SetValue(tensors.FromScalar(float32(rate))); err != nil {
		return 0, err
	}
	// The average follows quickly at first, or it would remember the start.
	decay := float32(min(n.config.Average, float64(step)/float64(step+10)))
	out, err := n.train.Call1(b.x, b.labels, tensors.FromScalar(decay))
	if err != nil {
		return 0, err
	}
	defer func() { _ = out.FinalizeAll() }()
	return float64(tensors.ToScalar[float32](out)), nil
}
