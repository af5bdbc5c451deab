package esc50_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/esc50/cpu"
)

// tinyFeatures are small enough for any backend: 3 classes, 16 bands by 21
// frames.
func tinyFeatures(t testing.TB) *esc50.Features {
	d := synthetic(t, esc50.SynthOptions{Classes: 3, ClipsPerFold: 2, Seconds: 0.5})
	f, err := esc50.Extract(context.Background(), d, &esc50.ExtractOptions{
		Front: esc50.FrontConfig{Seconds: 0.5, Mel: esc50.MelConfig{Mels: 16}},
	})
	require.NoError(t, err)
	return f
}

func tinyConfig() esc50.Config {
	return esc50.Config{BaseFilters: 2, Classes: 3, BatchSize: 4, MaxEpochs: 3, Seed: 42}
}

// fullConfig uses every part of the training.
func fullConfig() esc50.Config {
	c := tinyConfig()
	c.Schedule, c.WarmUp, c.HeadFactor = "cosine", 0.5, 3
	c.Normalize, c.TimeShift, c.FreqMask, c.TimeMask, c.Masks = true, 0.5, 4, 6, 2
	c.Mixup, c.LabelSmoothing, c.Average, c.Patience = 0.4, 0.1, 0.8, 5
	return c
}

func testBackend() compute.Backend { return cpu.Default() }

func hash(t *testing.T, m *esc50.Model) string {
	h, err := m.Hash()
	require.NoError(t, err)
	return h
}

func TestTrainTwice(t *testing.T) {
	f := tinyFeatures(t)
	for _, c := range []esc50.Config{tinyConfig(), fullConfig()} {
		var steps [2][]esc50.Step
		var results [2]*esc50.Result
		for i := range results {
			var err error
			results[i], err = esc50.Train(context.Background(), testBackend(), f, c, &esc50.TrainOptions{
				OnStep: func(s esc50.Step) error { steps[i] = append(steps[i], s); return nil },
			})
			require.NoError(t, err)
		}
		assert.Len(t, steps[0], 3*5, "18 clips in batches of 4")
		assert.Equal(t, steps[0], steps[1])
		assert.Equal(t, results[0].Epochs, results[1].Epochs)
		assert.Equal(t, results[0].Test, results[1].Test)
		assert.Equal(t, hash(t, results[0].Model), hash(t, results[1].Model))
	}
}

// The weights after a training have the same bits on every machine. A change
// of the constants belongs in the changelog.
func TestTrainSameBits(t *testing.T) {
	for want, c := range map[string]esc50.Config{"f0f0e33b554d3e0f": tinyConfig(), "ebf01a38cbb76717": fullConfig()} {
		result, err := esc50.Train(context.Background(), nil, tinyFeatures(t), c, nil)
		require.NoError(t, err)
		assert.Equal(t, want, hash(t, result.Model)[:16])
	}
}

func TestTrainSeedMatters(t *testing.T) {
	f, c := tinyFeatures(t), tinyConfig()
	c.MaxEpochs = 1
	a, err := esc50.Train(context.Background(), testBackend(), f, c, nil)
	require.NoError(t, err)
	c.Seed++
	b, err := esc50.Train(context.Background(), testBackend(), f, c, nil)
	require.NoError(t, err)
	assert.NotEqual(t, hash(t, a.Model), hash(t, b.Model))
}

var errKilled = errors.New("killed")

// A training stopped at any step, and again at a later one, ends with the bits
// of one that never was.
func TestResumeIsExact(t *testing.T) {
	f, c := tinyFeatures(t), fullConfig()
	want, err := esc50.Train(context.Background(), testBackend(), f, c, nil)
	require.NoError(t, err)
	for _, saveSteps := range []int{0, 2} {
		dir := t.TempDir()
		for _, stop := range []int{3, 5, 6, 9, 10, 14} {
			_, err := esc50.Train(context.Background(), testBackend(), f, c, &esc50.TrainOptions{
				Dir: dir, SaveSteps: saveSteps, Resume: true,
				OnStep: func(s esc50.Step) error {
					if s.Step >= stop {
						return errKilled
					}
					return nil
				},
			})
			require.ErrorIs(t, err, errKilled)
		}
		got, err := esc50.Train(context.Background(), testBackend(), f, c, &esc50.TrainOptions{Dir: dir, Resume: true})
		require.NoError(t, err)
		assert.Equal(t, want.Epochs, got.Epochs)
		assert.Equal(t, want.Val, got.Val)
		assert.Equal(t, want.Test, got.Test)
		assert.Equal(t, hash(t, want.Model), hash(t, got.Model), "saving every %d steps", saveSteps)
	}
}

// Cancelling saves the step under way: resuming repeats none.
func TestCancelSaves(t *testing.T) {
	f, dir := tinyFeatures(t), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := esc50.Train(ctx, testBackend(), f, tinyConfig(), &esc50.TrainOptions{Dir: dir, OnStep: func(s esc50.Step) error {
		if s.Step == 7 {
			cancel()
		}
		return nil
	}})
	require.ErrorIs(t, err, context.Canceled)
	first := 0
	_, err = esc50.Train(context.Background(), testBackend(), f, tinyConfig(), &esc50.TrainOptions{Dir: dir, Resume: true, OnStep: func(s esc50.Step) error {
		if first == 0 {
			first = s.Step
		}
		return nil
	}})
	require.NoError(t, err)
	assert.Equal(t, 8, first)
}

func TestResumeRefusesAnotherTraining(t *testing.T) {
	f, dir, c := tinyFeatures(t), t.TempDir(), tinyConfig()
	opts := &esc50.TrainOptions{Dir: dir, Resume: true}
	c.MaxEpochs = 1
	_, err := esc50.Train(context.Background(), testBackend(), f, c, opts)
	require.NoError(t, err)

	more := c
	more.MaxEpochs = 2
	result, err := esc50.Train(context.Background(), testBackend(), f, more, opts)
	require.NoError(t, err, "more epochs are a continuation")
	assert.Len(t, result.Epochs, 2)

	other := c
	other.LearningRate = 0.1
	_, err = esc50.Train(context.Background(), testBackend(), f, other, opts)
	require.ErrorIs(t, err, esc50.ErrCheckpoint)
	assert.ErrorContains(t, err, "its lr is 0.001, not 0.1")

	split := *opts
	split.Split = esc50.Split{Train: []int{1, 2}}
	_, err = esc50.Train(context.Background(), testBackend(), f, c, &split)
	assert.ErrorIs(t, err, esc50.ErrCheckpoint)

	d := synthetic(t, esc50.SynthOptions{Classes: 3, ClipsPerFold: 2, Seconds: 0.5, Seed: 1})
	sounds, err := esc50.Extract(context.Background(), d, &esc50.ExtractOptions{Front: f.Front})
	require.NoError(t, err)
	require.Equal(t, f.Clips, sounds.Clips, "other sounds under the same names")
	_, err = esc50.Train(context.Background(), testBackend(), sounds, c, opts)
	require.ErrorIs(t, err, esc50.ErrCheckpoint)
	assert.ErrorContains(t, err, "its features are of")

	require.NoError(t, os.WriteFile(filepath.Join(dir, esc50.LastFile), []byte("damaged"), 0o666))
	_, err = esc50.Train(context.Background(), testBackend(), f, c, opts)
	require.ErrorIs(t, err, esc50.ErrCheckpoint)
	assert.ErrorContains(t, err, esc50.LastFile)
}

func TestEarlyStopping(t *testing.T) {
	f, c := tinyFeatures(t), tinyConfig()
	c.MaxEpochs, c.Patience, c.LearningRate = 50, 2, 1e-9 // learns nothing
	result, err := esc50.Train(context.Background(), testBackend(), f, c, nil)
	require.NoError(t, err)
	assert.Less(t, len(result.Epochs), 50)
	best := 0.0
	for _, e := range result.Epochs {
		best = max(best, e.ValAcc)
	}
	assert.Equal(t, best, result.Val.Accuracy, "the best epoch's model is kept")
}

func TestModelFile(t *testing.T) {
	f, c, dir := tinyFeatures(t), fullConfig(), t.TempDir()
	result, err := esc50.Train(context.Background(), testBackend(), f, c, &esc50.TrainOptions{Dir: dir})
	require.NoError(t, err)
	name := filepath.Join(dir, "m.model")
	require.NoError(t, result.Model.Save(name))
	m, err := esc50.LoadModel(name)
	require.NoError(t, err)
	assert.Equal(t, hash(t, result.Model), hash(t, m))
	e, err := m.Evaluate(context.Background(), testBackend(), f, []int{5})
	require.NoError(t, err)
	assert.Equal(t, result.Test, e)

	again := filepath.Join(dir, "again.model")
	require.NoError(t, m.Save(again))
	a, err := os.ReadFile(name)
	require.NoError(t, err)
	b, err := os.ReadFile(again)
	require.NoError(t, err)
	assert.Equal(t, a, b)

	_, err = esc50.LoadModel(filepath.Join(dir, esc50.LastFile))
	assert.ErrorIs(t, err, esc50.ErrCheckpoint, "a checkpoint isn't a model")
	_, err = esc50.LoadModel(filepath.Join(dir, esc50.BestFile))
	assert.NoError(t, err)
	for i := 0; i < len(a); i += 97 {
		bad := append([]byte(nil), a...)
		bad[i] ^= 4
		require.NoError(t, os.WriteFile(again, bad, 0o666))
		_, err := esc50.LoadModel(again)
		assert.ErrorIs(t, err, esc50.ErrCheckpoint, "byte %d", i)
	}
}

func TestPredict(t *testing.T) {
	d := synthetic(t, esc50.SynthOptions{Classes: 3, ClipsPerFold: 4, Seconds: 0.5})
	f, err := esc50.Extract(context.Background(), d, &esc50.ExtractOptions{
		Front: esc50.FrontConfig{Seconds: 0.5, Mel: esc50.MelConfig{Mels: 16}},
	})
	require.NoError(t, err)
	c := tinyConfig()
	c.Classes, c.MaxEpochs = 5, 1
	result, err := esc50.Train(context.Background(), testBackend(), f, c, nil)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, esc50.Synthesize(context.Background(), dir, &esc50.SynthOptions{Classes: 3, ClipsPerFold: 4, Seconds: 0.5}))
	for i, clip := range result.Test.Files {
		wav, err := os.Open(filepath.Join(dir, "audio", clip))
		require.NoError(t, err)
		top, err := result.Model.Predict(context.Background(), testBackend(), wav, 2)
		wav.Close()
		require.NoError(t, err)
		require.Len(t, top, 2)
		assert.Equal(t, result.Test.Predicted[i], top[0].Target)
		assert.GreaterOrEqual(t, top[0].Probability, top[1].Probability)
		at := slices.IndexFunc(f.Clips, func(c esc50.Clip) bool { return c.File == clip })
		same, err := result.Model.PredictClip(context.Background(), testBackend(), f, at, 2)
		require.NoError(t, err)
		assert.Equal(t, top, same)
	}
	all, err := result.Model.Predict(context.Background(), testBackend(), openClip(t, dir, result.Test.Files[0]), 99)
	require.NoError(t, err)
	assert.Len(t, all, 5)
	sum := 0.0
	for _, p := range all {
		sum += p.Probability
	}
	assert.InDelta(t, 1, sum, 1e-9)
	_, err = result.Model.Predict(context.Background(), testBackend(), openClip(t, dir, "../meta/esc50.csv"), 5)
	assert.ErrorIs(t, err, esc50.ErrWAV)
}

func openClip(t *testing.T, dir, name string) *os.File {
	f, err := os.Open(filepath.Join(dir, "audio", name))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTrainRefuses(t *testing.T) {
	f := tinyFeatures(t)
	for _, tc := range []struct {
		want   string
		change func(*esc50.Config)
		split  esc50.Split
	}{
		{want: "n_classes is 2, but the data has targets up to 2", change: func(c *esc50.Config) { c.Classes = 2 }},
		{want: "base_filters is -1", change: func(c *esc50.Config) { c.BaseFilters = -1 }},
		{want: "lr is -1", change: func(c *esc50.Config) { c.LearningRate = -1 }},
		{want: "lr_schedule is", change: func(c *esc50.Config) { c.Schedule = "steps" }},
		{want: "time_shift is 2", change: func(c *esc50.Config) { c.TimeShift = 2 }},
		{want: "no clips in the train folds [9]", split: esc50.Split{Train: []int{9}}},
		{want: "no train folds", split: esc50.Split{Test: []int{1}}},
		{want: "patience needs validation", change: func(c *esc50.Config) { c.Patience = 1 }, split: esc50.Split{Train: []int{1}}},
	} {
		c := tinyConfig()
		if tc.change != nil {
			tc.change(&c)
		}
		_, err := esc50.Train(context.Background(), testBackend(), f, c, &esc50.TrainOptions{Split: tc.split})
		assert.ErrorContains(t, err, tc.want)
	}
}
