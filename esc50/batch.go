package esc50

import (
	"context"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"
)

// batch is the input of one step.
type batch struct {
	x      *tensors.Tensor // float32 [n, 1, bands, frames]
	labels *tensors.Tensor // int32 [n], or float32 [n, classes] with mixup or smoothing
	err    error
}

func (b batch) free() {
	for _, t := range []*tensors.Tensor{b.x, b.labels} {
		if t != nil {
			_ = t.FinalizeAll() // only returns memory early
		}
	}
}

// norm is the input normalisation (x-Mean)*Scale.
type norm struct{ Mean, Scale float32 }

func (n norm) apply(x []float32) {
	if n == (norm{0, 1}) {
		return
	}
	for i, v := range x {
		x[i] = (v - n.Mean) * n.Scale
	}
}

// measure returns the normalisation that gives the clips mean 0 and deviation 1.
func measure(f *Features, index []int) (norm, error) {
	x := make([]float32, f.Size())
	var sum, squares float64
	for _, i := range index {
		if err := f.Read(x, i); err != nil {
			return norm{}, err
		}
		for _, v := range x {
			sum += float64(v)
			squares += float64(v) * float64(v) // exact: fusing cannot change it
		}
	}
	n := float64(len(index) * f.Size())
	mean := sum / n
	variance := squares/n - float64(mean*mean)
	return norm{float32(mean), float32(1 / math.Sqrt(max(variance, 1e-12)))}, nil
}

// batcher makes the training batches. A batch depends on the seed, the epoch
// and its number only.
type batcher struct {
	c     Config
	f     *Features
	index []int // of the training clips
	norm  norm
}

// steps is the number of batches in an epoch; the last may be smaller.
func (b *batcher) steps() int { return (len(b.index) + b.c.BatchSize - 1) / b.c.BatchSize }

// order returns the clips of an epoch in its order.
func (b *batcher) order(epoch int) []int {
	order := slices.Clone(b.index)
	newRandom(b.c.Seed, "order", epoch).shuffle(order)
	return order
}

// stream sends the batches of an epoch from a given one on, two ahead of the
// receiver. It ends when the context does.
func (b *batcher) stream(ctx context.Context, epoch, from int) <-chan batch {
	out := make(chan batch, 2)
	go func() {
		defer close(out)
		order := b.order(epoch)
		for s := from; s < b.steps(); s++ {
			clips := order[s*b.c.BatchSize : min((s+1)*b.c.BatchSize, len(order))]
			made := b.make(clips, epoch, s)
			select {
			case out <- made:
			case <-ctx.Done():
				made.free()
				return
			}
			if made.err != nil {
				return
			}
		}
	}()
	return out
}

func (b *batcher) make(clips []int, epoch, step int) batch {
	size := b.f.Size()
	x := make([]float32, len(clips)*size)
	targets := make([]int, len(clips))
	for i, clip := range clips {
		one := x[i*size : (i+1)*size]
		if err := b.f.Read(one, clip); err != nil {
			return batch{err: err}
		}
		b.norm.apply(one)
		b.c.augment(one, b.f.Bands, b.f.Frames, newRandom(b.c.Seed, "augment", epoch, clip))
		targets[i] = b.f.Clips[clip].Target
	}
	labels := b.labels(x, targets, newRandom(b.c.Seed, "mixup", epoch, step))
	return batch{x: inputTensor(x, len(clips), b.f), labels: labels}
}

func inputTensor(x []float32, n int, f *Features) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(x, n, 1, f.Bands, f.Frames)
}

// labels returns the label tensor, and blends the clips of x for mixup: each
// with its successor in a random circle through the batch.
func (b *batcher) labels(x []float32, targets []int, r *random) *tensors.Tensor {
	n := len(targets)
	if b.c.Mixup == 0 && b.c.LabelSmoothing == 0 {
		labels := make([]int32, n)
		for i, t := range targets {
			labels[i] = int32(t)
		}
		return tensors.FromFlatDataAndDimensions(labels, n)
	}
	soft := make([]float32, n*b.c.Classes)
	for i, t := range targets {
		b.smooth(soft[i*b.c.Classes:(i+1)*b.c.Classes], t)
	}
	if b.c.Mixup > 0 {
		b.mix(x, soft, n, r)
	}
	return tensors.FromFlatDataAndDimensions(soft, n, b.c.Classes)
}

// smooth writes the target distribution: what smoothing takes is spread over
// the classes that the data has.
func (b *batcher) smooth(row []float32, target int) {
	var present []int
	for t, name := range b.f.Classes {
		if name != "" {
			present = append(present, t)
		}
	}
	for _, t := range present {
		row[t] = float32(b.c.LabelSmoothing / float64(len(present)))
	}
	row[target] += float32(1 - b.c.LabelSmoothing)
}

func (b *batcher) mix(x, soft []float32, n int, r *random) {
	circle := make([]int, n)
	for i := range circle {
		circle[i] = i
	}
	r.shuffle(circle)
	oldX, oldSoft := slices.Clone(x), slices.Clone(soft)
	size, classes := len(x)/n, b.c.Classes
	for k, i := range circle {
		j := circle[(k+1)%n]
		w := r.beta(b.c.Mixup)
		weight := float32(max(w, 1-w))
		blend(x[i*size:(i+1)*size], oldX[j*size:(j+1)*size], weight)
		blend(soft[i*classes:(i+1)*classes], oldSoft[j*classes:(j+1)*classes], weight)
	}
}
