package esc50

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gomlx/gomlx/core/tensors"
)

// ramp is a spectrogram of 4 bands by 10 frames with distinct values.
func ramp() []float32 {
	x := make([]float32, 40)
	for i := range x {
		x[i] = float32(i)
	}
	return x
}

func TestAugmentOffByDefault(t *testing.T) {
	x := ramp()
	Config{}.withDefaults().augment(x, 4, 10, newRandom(1, "test"))
	assert.Equal(t, ramp(), x)
}

func TestTimeShiftRotatesEveryBandAlike(t *testing.T) {
	shifts := map[int]bool{}
	for seed := range int64(200) {
		x := ramp()
		Config{TimeShift: 0.3}.withDefaults().augment(x, 4, 10, newRandom(seed, "test"))
		k := slices.Index(x, 0)
		shifts[k] = true
		for b := range 4 {
			for f := range 10 {
				assert.Equal(t, float32(10*b+f), x[10*b+(f+k)%10])
			}
		}
	}
	assert.Equal(t, map[int]bool{0: true, 1: true, 2: true, 3: true, 7: true, 8: true, 9: true}, shifts, "up to 3 of 10 frames, either way")
}

func TestMasksCoverWholeBandsAndFrames(t *testing.T) {
	for seed := range int64(50) {
		x := ramp()
		Config{FreqMask: 2, TimeMask: 3}.withDefaults().augment(x, 4, 10, newRandom(seed, "test"))
		bands, frames := 0, 0
		for b := range 4 {
			if !slices.ContainsFunc(x[10*b:10*b+10], func(v float32) bool { return v != 19.5 }) {
				bands++
			}
		}
		for f := range 10 {
			if x[f] == 19.5 && x[10+f] == 19.5 && x[20+f] == 19.5 && x[30+f] == 19.5 {
				frames++
			}
		}
		assert.LessOrEqual(t, bands, 2)
		assert.LessOrEqual(t, frames, 3)
		for i, v := range x {
			if v != 19.5 {
				assert.Equal(t, float32(i), v, "what isn't masked stays")
			}
		}
	}
}

func TestRotate(t *testing.T) {
	for k, want := range map[int][]float32{0: {1, 2, 3}, 1: {3, 1, 2}, -1: {2, 3, 1}, 3: {1, 2, 3}, 4: {3, 1, 2}} {
		x := []float32{1, 2, 3}
		rotate(x, k)
		assert.Equal(t, want, x, "by %d", k)
	}
}

func TestSchedule(t *testing.T) {
	constant := schedule{Config{}.withDefaults(), 10}
	assert.Equal(t, 1e-3, constant.rate(0))
	assert.Equal(t, 1e-3, constant.rate(199))

	s := schedule{Config{Schedule: "cosine", LearningRate: 2, WarmUp: 0.5, MaxEpochs: 4}.withDefaults(), 10}
	assert.InDelta(t, 2./6, s.rate(0), 1e-9)
	assert.InDelta(t, 2*0.5*(1+math.Cos(math.Pi*4/40))*5/6, s.rate(4), 1e-9)
	assert.InDelta(t, 1, s.rate(20), 1e-9)
	assert.Greater(t, s.rate(39), 0.0)
	assert.InDelta(t, 0, s.rate(39), 0.01)
	assert.InDelta(t, 0, s.rate(100), 1e-12)
}

func testFeatures(clips int) *Features {
	f := &Features{Bands: 4, Frames: 10, Classes: []string{"a", "", "c"}}
	for i := range clips {
		f.Clips = append(f.Clips, Clip{Target: i % 2 * 2, Fold: 1})
		f.memory = append(f.memory, ramp())
	}
	return f
}

func TestOrderIsAPermutationOfItsOwn(t *testing.T) {
	b := &batcher{c: Config{Seed: 3, BatchSize: 8}, index: []int{2, 3, 5, 7, 11, 13, 17, 19, 23, 29}}
	first, second := b.order(0), b.order(1)
	assert.Equal(t, first, b.order(0))
	assert.NotEqual(t, first, second)
	slices.Sort(first)
	slices.Sort(second)
	assert.Equal(t, b.index, first)
	assert.Equal(t, b.index, second)
	assert.Equal(t, 2, b.steps())
}

func TestSoftLabels(t *testing.T) {
	f := testFeatures(4)
	b := &batcher{c: Config{Classes: 4, Mixup: 0.5, LabelSmoothing: 0.2}.withDefaults(), f: f, norm: norm{0, 1}}
	made := b.make([]int{0, 1, 2, 3}, 0, 0)
	require.NoError(t, made.err)
	labels, err := tensors.CopyFlatData[float32](made.labels)
	require.NoError(t, err)
	require.Len(t, labels, 16)
	for i := range 4 {
		row := labels[4*i : 4*i+4]
		assert.InDelta(t, 1, row[0]+row[1]+row[2]+row[3], 1e-6)
		assert.Zero(t, row[1], "a class without clips")
		assert.Zero(t, row[3])
		assert.Greater(t, row[f.Clips[i].Target], float32(0.45), "the clip itself weighs at least half")
	}
}

func TestMeasure(t *testing.T) {
	f := testFeatures(3)
	n, err := measure(f, []int{0, 2})
	require.NoError(t, err)
	x := ramp()
	n.apply(x)
	assert.InDelta(t, 0, meanOf(x), 1e-6)
	var squares float64
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	assert.InDelta(t, 1, squares/40, 1e-5)
}

func TestRandomDistributions(t *testing.T) {
	r := newRandom(1, "test", 2, 3)
	const n = 20_000
	var normal, squares, beta, uniform float64
	for range n {
		v := r.normal()
		normal += v / n
		squares += v * v / n
		w := r.beta(0.3)
		assert.True(t, w >= 0 && w <= 1)
		beta += (w - 0.5) * (w - 0.5) / n
		uniform += r.float() / n
	}
	assert.InDelta(t, 0, normal, 0.03)
	assert.InDelta(t, 1, squares, 0.05)
	assert.InDelta(t, 1/(4*(2*0.3+1)), beta, 0.005, "the variance of Beta(0.3, 0.3)")
	assert.InDelta(t, 0.5, uniform, 0.01)
	assert.NotEqual(t, newRandom(1, "a").float(), newRandom(1, "b").float())
	assert.NotEqual(t, newRandom(1, "a", 1).float(), newRandom(1, "a", 2).float())
	assert.NotEqual(t, newRandom(1, "a", 1, 2).float(), newRandom(1, "a", 2, 1).float())
}

// Everything random, and the augmented inputs that come of it, have the same
// bits on every machine and with every Go version.
func TestAugmentSameBits(t *testing.T) {
	h := sha256.New()
	b := &batcher{f: testFeatures(6), norm: norm{3.5, 0.1}}
	b.c = Config{Classes: 4, Seed: 5, Mixup: 0.3, LabelSmoothing: 0.1, TimeShift: 0.5, FreqMask: 2, TimeMask: 4, BatchSize: 3}.withDefaults()
	b.index = []int{0, 1, 2, 3, 4, 5}
	for epoch := range 20 {
		for made := range b.stream(t.Context(), epoch, 0) {
			require.NoError(t, made.err)
			for _, tensor := range []*tensors.Tensor{made.x, made.labels} {
				require.NoError(t, tensor.ConstBytes(func(data []byte) { h.Write(data) }))
			}
		}
	}
	assert.Equal(t, "c31b7b8dd0f7d4ba", hex.EncodeToString(h.Sum(nil))[:16])
}
