package main

import (
	"iter"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/train"
)

// segments are those that a seven-segment display lights for each digit, and
// boxes where they lie in 16 by 12 pixels: top, left, height, width.
var (
	segments = [10]string{"abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"}
	boxes    = map[rune][4]int{'a': {0, 1, 2, 10}, 'b': {1, 10, 7, 2}, 'c': {8, 10, 7, 2}, 'd': {14, 1, 2, 10},
		'e': {8, 0, 7, 2}, 'f': {1, 0, 7, 2}, 'g': {7, 1, 2, 10}}
)

// digits are batches of noisy pictures [64, 28, 28, 1] and their digits [64, 1].
type digits struct{ seed, batches uint64 }

func (digits) Name() string { return "digits" }

func (d digits) Iter() iter.Seq2[train.Batch, error] {
	return func(yield func(train.Batch, error) bool) {
		for i := range d.batches {
			r := rand.New(rand.NewPCG(d.seed, i))
			pixels, labels := make([]float32, 64*28*28), make([]int32, 64)
			for n := range labels {
				picture := pixels[n*28*28 : (n+1)*28*28]
				for at := range picture {
					picture[at] = 0.5 * r.Float32()
				}
				labels[n] = r.Int32N(10)
				top, left := r.IntN(13), r.IntN(17)
				for _, s := range segments[labels[n]] {
					for at := range boxes[s][2] * boxes[s][3] {
						picture[(top+boxes[s][0]+at/boxes[s][3])*28+left+boxes[s][1]+at%boxes[s][3]] += 0.5
					}
				}
			}
			if !yield(train.Batch{Inputs: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(pixels, 64, 28, 28, 1)},
				Labels: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(labels, 64, 1)}}, nil) {
				return
			}
		}
	}
}
