package esc50

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// adamScope holds the optimiser's state: beta1_power and beta2_power, and for
// each trained variable, under its own path, exp_avg and exp_avg_sq.
const adamScope = "/adam"

// Adam is the optimiser with PyTorch's formulas and defaults; GoMLX's differs
// in epsilon and in where it is added. It is an [optimizer.Interface]. The
// learning rate is the variable that optimizer.LearningRateVar names, so that a
// schedule can set it between steps.
type Adam struct {
	// LearningRate initialises the variable; zero means 1e-3.
	LearningRate float64
	// Beta1, Beta2 are the decay rates of the moments; zero means 0.9 and 0.999.
	Beta1, Beta2 float64
	// Epsilon is added to the root of the corrected second moment; zero means 1e-8.
	Epsilon float64
	// Factor, when not nil, gives the variables of each path a learning rate of
	// their own, as a multiple of the common one.
	Factor func(path string) float64
}

var _ optimizer.Interface = Adam{}

// UpdateGraph adds one step that lessens loss, a scalar, to the graph: every
// trainable variable under scope that the graph uses moves, and the moments and
// the global step with it.
func (a Adam) UpdateGraph(scope *model.Scope, g *graph.Graph, loss *graph.Node) {
	a.UpdateGraphWithGradients(scope, scope.BuildTrainableVariablesGradientsGraph(loss), loss.DType())
}

// UpdateGraphWithGradients is UpdateGraph with the gradients given, in the order
// of the scope's trainable variables.
func (a Adam) UpdateGraphWithGradients(scope *model.Scope, grads []*graph.Node, lossDType dtypes.DType) {
	g := grads[0].Graph()
	orElse := func(v, def float64) float64 {
		if v == 0 {
			return def
		}
		return v
	}
	beta1, beta2 := orElse(a.Beta1, 0.9), orElse(a.Beta2, 0.999)
	epsilon := orElse(a.Epsilon, 1e-8)
	rate := optimizer.LearningRateVar(scope, lossDType, orElse(a.LearningRate, 1e-3)).NodeValue(g)
	optimizer.IncrementGlobalStep(g, dtypes.Int64)

	// The corrections 1-beta^step are scalars in double precision, as in
	// PyTorch; keeping the powers needs no pow and resumes exactly.
	correction1 := correction(scope, g, "beta1_power", beta1)
	correction2 := correction(scope, g, "beta2_power", beta2)
	stepSize := graph.ConvertDType(graph.Div(graph.ConvertDType(rate, dtypes.Float64), correction1), lossDType)
	root2 := graph.ConvertDType(graph.Sqrt(correction2), lossDType)

	i := 0
	for v := range scope.IterVariables() {
		if !v.Trainable || !v.InUseByGraph(g) {
			continue
		}
		grad := grads[i]
		i++
		m, s := moments(scope, v)
		m1, m2 := m.NodeValue(g), s.NodeValue(g)
		m1 = graph.Add(m1, graph.MulScalar(graph.Sub(grad, m1), 1-beta1))
		m2 = graph.Add(graph.MulScalar(m2, beta2), graph.MulScalar(graph.Mul(grad, grad), 1-beta2))
		m.SetNodeValue(m1)
		s.SetNodeValue(m2)
		denominator := graph.AddScalar(graph.Div(graph.Sqrt(m2), root2), epsilon)
		size := stepSize
		if a.Factor != nil {
			if k := a.Factor(v.Path()); k != 1 {
				size = graph.MulScalar(size, k)
			}
		}
		v.SetNodeValue(graph.Sub(v.NodeValue(g), graph.Mul(size, graph.Div(m1, denominator))))
	}
}

// Clear deletes the moments and the powers: the next step is a first one.
func (a Adam) Clear(scope *model.Scope) error {
	return scope.Store().Scope(adamScope).DeleteVariablesInScope()
}

// correction advances the named power of beta by one step and returns one minus
// it.
func correction(scope *model.Scope, g *graph.Graph, name string, beta float64) *graph.Node {
	power := scope.Store().Scope(adamScope).WithInitializer(initializer.One).
		VariableWithShape(name, shapes.Make(dtypes.Float64)).SetTrainable(false)
	next := graph.MulScalar(power.NodeValue(g), beta)
	power.SetNodeValue(next)
	return graph.OneMinus(next)
}

// moments returns the variables of the running means of v's gradient and of its
// square.
func moments(scope *model.Scope, v *model.Variable) (first, second *model.Variable) {
	at := scope.Store().Scope(adamScope + v.Path()).WithInitializer(initializer.Zero)
	first = at.VariableWithShape("exp_avg", v.Shape()).SetTrainable(false)
	second = at.VariableWithShape("exp_avg_sq", v.Shape()).SetTrainable(false)
	return first, second
}
