package esc50

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Model is a trained AudioNet with all that prediction needs: weights, classes,
// front end and input normalisation. It may be used by several goroutines. Its
// methods take a nil backend for that of esc50/cpu.
type Model struct {
	Config  Config
	Classes []string
	Front   FrontConfig

	norm  norm
	store *model.Store // with the model's variables only

	mu      sync.Mutex
	backend compute.Backend // that exec is for
	exec    *model.Exec
}

// take copies the model's variables out of a training's store: their moving
// averages where there are any.
func (m *Model) take(from *model.Store) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for v := range from.IterVariables() {
		if !ofModel(v.Path()) {
			continue
		}
		source := v
		if avg := from.GetVariable(averageScope + v.Path()); avg != nil {
			source = avg
		}
		value, err := source.Value()
		if err != nil {
			return err
		}
		if value, err = value.LocalClone(); err != nil {
			return err
		}
		if mine := m.store.GetVariable(v.Path()); mine != nil {
			err = mine.SetValue(value)
		} else if mine, err = m.store.CreateVariable(v.Path(), value); err == nil {
			mine.SetTrainable(v.Trainable)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// logits evaluates the inputs x, [n, 1, bands, frames].
func (m *Model) logits(b compute.Backend, x *tensors.Tensor) (rows [][]float32, err error) {
	defer catch(&err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if b = orCPU(b); m.backend != b {
		net := m.Config.audioNet()
		m.exec, err = model.NewExec(b, m.store, func(scope *model.Scope, x *graph.Node) *graph.Node {
			return net.Logits(scope, x)
		})
		if err != nil {
			return nil, err
		}
		m.backend = b
	}
	out, err := m.exec.Call1(x)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.FinalizeAll() }()
	flat, err := tensors.CopyFlatData[float32](out)
	if err != nil {
		return nil, err
	}
	classes := out.Shape().Dimensions[1]
	for len(flat) > 0 {
		rows, flat = append(rows, flat[:classes]), flat[classes:]
	}
	return rows, nil
}

// Evaluate classifies the clips of the given folds.
func (m *Model) Evaluate(ctx context.Context, b compute.Backend, f *Features, folds []int) (*Evaluation, error) {
	index := f.inFolds(folds)
	if len(index) == 0 {
		return nil, fmt.Errorf("evaluate: no clips in folds %v", folds)
	}
	var logits [][]float32
	for chunk := range slices.Chunk(index, m.Config.BatchSize) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x := make([]float32, len(chunk)*f.Size())
		for i, clip := range chunk {
			one := x[i*f.Size() : (i+1)*f.Size()]
			if err := f.Read(one, clip); err != nil {
				return nil, err
			}
			m.norm.apply(one)
		}
		in := batch{x: inputTensor(x, len(chunk), f)}
		rows, err := m.logits(b, in.x)
		in.free()
		if err != nil {
			return nil, err
		}
		logits = append(logits, rows...)
	}
	return evaluationOf(f, index, logits), nil
}

// Prediction is one class with its probability.
type Prediction struct {
	Target      int
	Class       string // "" where the training data had no such class
	Probability float64
}

// Predict classifies one WAV file and returns the likeliest classes, at most
// top of them, most likely first. Errors about the content wrap ErrWAV; the
// caller adds the file's name.
func (m *Model) Predict(ctx context.Context, b compute.Backend, wav io.Reader, top int) ([]Prediction, error) {
	front, err := newFrontEnd(m.Front)
	if err != nil {
		return nil, err
	}
	x, err := front.compute(nil, wav)
	if err != nil {
		return nil, err
	}
	m.norm.apply(x)
	return m.rank(ctx, b, tensors.FromFlatDataAndDimensions(x, 1, 1, front.mel.Bands(), front.frames()), top)
}

// PredictClip is Predict for clip i of the features, which must come from the
// front end that the model was trained with. It panics when i is out of range.
func (m *Model) PredictClip(ctx context.Context, b compute.Backend, f *Features, i, top int) ([]Prediction, error) {
	x := make([]float32, f.Size())
	if err := f.Read(x, i); err != nil {
		return nil, err
	}
	m.norm.apply(x)
	return m.rank(ctx, b, inputTensor(x, 1, f), top)
}

// rank returns the likeliest classes of the input x, [1, 1, bands, frames],
// which it frees.
func (m *Model) rank(ctx context.Context, b compute.Backend, x *tensors.Tensor, top int) ([]Prediction, error) {
	in := batch{x: x}
	defer in.free()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := m.logits(b, in.x)
	if err != nil {
		return nil, err
	}
	var all []Prediction
	for t, p := range softmax(rows[0]) {
		class := ""
		if t < len(m.Classes) {
			class = m.Classes[t]
		}
		all = append(all, Prediction{Target: t, Class: class, Probability: p})
	}
	slices.SortStableFunc(all, func(a, b Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	return all[:max(0, min(top, len(all)))], nil
}

// Hash is the SHA-256 of the weights and running statistics, in hexadecimal:
// two trainings agree to the bit when their hashes do.
func (m *Model) Hash() (string, error) {
	vars, err := variablesOf(m.store, func(string) bool { return true })
	if err != nil {
		return "", err
	}
	slices.SortFunc(vars, func(a, b variable) int { return strings.Compare(a.Path, b.Path) })
	h := sha256.New()
	for _, v := range vars {
		fmt.Fprintf(h, "%s %s %d\n", v.Path, v.Type, v.Dims)
		h.Write(v.data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
