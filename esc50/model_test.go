package esc50_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/esc50/cpu"
	"github.com/reprodl/reprodl/internal/golden"
)

// goldenCase is a run of PyTorch's AudioNet: case.json beside its tensors.
type goldenCase struct {
	dir         string
	BaseFilters int       `json:"base_filters"`
	Classes     int       `json:"n_classes"`
	Steps       int       `json:"steps"`
	LR          float64   `json:"lr"`
	Losses      []float64 `json:"losses"`
}

func (c goldenCase) array(t testing.TB, name string) array {
	return readNPY(t, filepath.Join(c.dir, name+".npy"))
}

// tensors returns the case's arrays called prefix.NAME by NAME.
func (c goldenCase) tensors(t testing.TB, prefix string) map[string]array {
	files, err := filepath.Glob(filepath.Join(c.dir, prefix+".*.npy"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := make(map[string]array)
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), prefix+"."), ".npy")
		all[name] = readNPY(t, f)
	}
	return all
}

func variablePath(name string) string { return "/" + strings.ReplaceAll(name, ".", "/") }

// tensor returns the array as a tensor of float32, or of float64.
func (a array) tensor(double bool) *tensors.Tensor {
	if !double {
		return tensors.FromFlatDataAndDimensions(a.f32, a.dims...)
	}
	return tensors.FromFlatDataAndDimensions(convert[float64](a.f32), a.dims...)
}

func convert[To, From float32 | float64](from []From) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = To(v)
	}
	return to
}

// asFloat32 returns the values of a float tensor.
func asFloat32(t *tensors.Tensor) []float32 {
	if t.DType() == dtypes.Float64 {
		return convert[float32](tensors.MustCopyFlatData[float64](t))
	}
	return tensors.MustCopyFlatData[float32](t)
}

// store returns a store with the case's initial weights.
func (c goldenCase) store(t testing.TB, double bool) *model.Store {
	s := model.NewStore()
	for name, a := range c.tensors(t, "init") {
		v, err := s.CreateVariable(variablePath(name), a.tensor(double))
		require.NoError(t, err)
		v.SetTrainable(!strings.Contains(name, "running"))
	}
	return s
}

func goldenCases(t *testing.T) []goldenCase {
	files, err := filepath.Glob(filepath.Join(golden.Dir(t, "audionet"), "*", "case.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var cases []goldenCase
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		c := goldenCase{dir: filepath.Dir(f)}
		require.NoError(t, json.Unmarshal(data, &c))
		cases = append(cases, c)
	}
	return cases
}

// farthest is the largest difference between two tensors.
func farthest(want, got []float32) float64 {
	if len(want) != len(got) {
		return math.Inf(1)
	}
	var diff float64
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff = max(diff, d)
	}
	return diff
}

// meanDifference is the mean magnitude of the difference.
func meanDifference(want, got []float32) float64 {
	var sum float64
	for i := range want {
		sum += math.Abs(float64(got[i]) - float64(want[i]))
	}
	return sum / float64(len(want))
}

// largest is the largest magnitude in a tensor.
func largest(v []float32) float64 { return farthest(make([]float32, len(v)), v) }

func TestGoldenAudioNet(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(filepath.Base(c.dir), func(t *testing.T) {
			for _, b := range testBackends(t) {
				t.Run(b.Name(), func(t *testing.T) { c.check(t, b, b.Name() == gobackend.GetBackend().Name()) })
			}
		})
	}
}

func testBackends(t *testing.T) []compute.Backend {
	return []compute.Backend{gobackend.GetBackend(), cpu.Default()}
}

// check runs the case and compares everything that PyTorch recorded.
//
// Tolerances: logits 1e-4 of the largest, losses 1e-4, gradients 1e-3 of their
// tensor's largest. A bias before batch normalisation has no effect, so its true
// gradient is zero and PyTorch's is rounding noise, which Adam blows up to steps
// of up to lr in either direction: for these the gradient is compared with the
// scale of the layer's weight gradient, and the final value with the distance
// that Adam can have gone; the running means follow that bias, hence their 1e-2.
// Adam does the same to any element with a gradient near zero, so single final
// values may be off by the way they went, but only 2 % of it in the mean:
// PyTorch in double precision is just as far from its own single precision.
func (c goldenCase) check(t *testing.T, backend compute.Backend, double bool) {
	net := esc50.AudioNet{BaseFilters: c.BaseFilters, Classes: c.Classes}
	store := c.store(t, double)
	x, labels := c.array(t, "input"), c.array(t, "labels")
	input := x.tensor(double)
	target := tensors.FromFlatDataAndDimensions(labels.i64, labels.dims...)

	eval, err := model.NewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return net.Logits(scope, x)
	})
	require.NoError(t, err)
	near := func(name string, got *tensors.Tensor, tolerance float64) {
		t.Helper()
		want := c.array(t, name).f32
		assert.LessOrEqual(t, farthest(want, asFloat32(got)), tolerance*largest(want), name)
	}
	near("eval_logits", eval.MustCall1(input), 1e-4)
	c.checkGradients(t, backend, net, input, target, double)

	step, err := model.NewExec(backend, store, func(scope *model.Scope, x, y *graph.Node) (loss, logits *graph.Node) {
		scope.Store().SetTraining(x.Graph(), true)
		logits = net.Logits(scope, x)
		loss = esc50.CrossEntropy(y, logits)
		esc50.Adam{LearningRate: c.LR}.UpdateGraph(scope, x.Graph(), loss)
		return loss, logits
	})
	require.NoError(t, err)
	for i := range c.Steps {
		loss, logits := step.MustCall2(input, target)
		assert.InDelta(t, c.Losses[i], asFloat32(loss)[0], 1e-4, "loss of step %d", i)
		if i == 0 {
			near("train_logits", logits, 1e-4)
		}
	}
	for name, want := range c.tensors(t, "final") {
		got := asFloat32(store.GetVariable(variablePath(name)).MustValue())
		allowed := 1e-3 * largest(want.f32)
		switch {
		case strings.HasSuffix(name, "running_mean"):
			allowed = 1e-2 * largest(want.f32)
		case strings.HasPrefix(name, "conv") && strings.HasSuffix(name, "bias"):
			allowed = 2.1 * c.LR * float64(c.Steps)
		case !strings.HasSuffix(name, "running_var"):
			allowed += c.LR * float64(c.Steps)
			assert.LessOrEqual(t, meanDifference(want.f32, got), 0.02*c.LR*float64(c.Steps), "final %s", name)
		}
		assert.LessOrEqual(t, farthest(want.f32, got), allowed, "final %s", name)
	}
	near("final_eval_logits", eval.MustCall1(input), 1e-2)
}

// checkGradients compares the gradients of the first step.
func (c goldenCase) checkGradients(t *testing.T, b compute.Backend, net esc50.AudioNet, input, target *tensors.Tensor, double bool) {
	store := c.store(t, double)
	var names []string
	gradients, err := model.NewExec(b, store, func(scope *model.Scope, xy []*graph.Node) []*graph.Node {
		store.SetTraining(xy[0].Graph(), true)
		loss := esc50.CrossEntropy(xy[1], net.Logits(scope, xy[0]))
		for v := range scope.IterVariables() {
			if v.Trainable {
				names = append(names, strings.ReplaceAll(v.Path()[1:], "/", "."))
			}
		}
		return scope.BuildTrainableVariablesGradientsGraph(loss)
	})
	require.NoError(t, err)
	got := gradients.MustCall(input, target)
	want := c.tensors(t, "grad")
	require.Len(t, got, len(want))
	for i, name := range names {
		values := asFloat32(got[i])
		scale := largest(want[name].f32)
		if strings.HasPrefix(name, "conv") && strings.HasSuffix(name, "bias") {
			scale = largest(want[strings.TrimSuffix(name, "bias")+"weight"].f32)
		}
		assert.LessOrEqual(t, farthest(want[name].f32, values), 1e-3*scale, "gradient of %s", name)
	}
}
