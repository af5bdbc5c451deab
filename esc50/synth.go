package esc50

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
	"github.com/reprodl/reprodl/internal/atomicfile"
)

// synthRate is the sample rate of ESC-50, in Hz.
const synthRate = 44_100

// SynthOptions sizes a synthetic data set. A zero field stands for the default
// in its comment.
type SynthOptions struct {
	Classes      int     // 2 to 12 of the kinds of sound: 10
	ClipsPerFold int     // clips of each class in each of the 5 folds: 4
	Seconds      float64 // length of a clip: 5, as in ESC-50
	Seed         int64   // another seed gives other clips: 0

	// Progress, when not nil, is called after every clip, from one goroutine at
	// a time.
	Progress func(done, total int)
}

func (o *SynthOptions) withDefaults() (SynthOptions, error) {
	var s SynthOptions
	if o != nil {
		s = *o
	}
	if s.Classes == 0 {
		s.Classes = 10
	}
	if s.ClipsPerFold == 0 {
		s.ClipsPerFold = 4
	}
	if s.Seconds == 0 {
		s.Seconds = 5
	}
	switch {
	case s.Classes < 2 || s.Classes > len(synthClasses):
		return s, fmt.Errorf("synthesize %d classes: want 2 to %d", s.Classes, len(synthClasses))
	case s.ClipsPerFold < 1 || s.ClipsPerFold > 1000:
		return s, fmt.Errorf("synthesize %d clips per fold: want 1 to 1000", s.ClipsPerFold)
	case !(s.Seconds >= 0.1 && s.Seconds <= 60):
		return s, fmt.Errorf("synthesize clips of %v s: want 0.1 to 60", s.Seconds)
	}
	return s, nil
}

// Synthesize writes a data set in the published layout of ESC-50 to dir: 44.1
// kHz mono 16-bit clips of clearly different kinds of sound in audio/, and
// meta/esc50.csv. Pitch, rhythm, spectrum, phase, onset, level and background
// of every clip are random, so that the classes must be learned and a fold
// tells something about the others. nil options mean the defaults, 200 clips.
//
// The same options give the same bytes on every machine. Files that already
// have their content are left alone; meta/esc50.csv is written last.
func Synthesize(ctx context.Context, dir string, opts *SynthOptions) error {
	o, err := opts.withDefaults()
	if err != nil {
		return err
	}
	for _, sub := range []string{audioDir, filepath.Dir(metaFile)} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			return err
		}
	}
	clips := synthClips(o)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	done := make(chan struct{}, len(clips))
	for i, c := range clips {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			wav := appendWAV(nil, synthClip(o, c, i), synthRate)
			if _, err := atomicfile.WriteFileIfChanged(filepath.Join(dir, audioDir, c.File), wav, nil); err != nil {
				return err
			}
			done <- struct{}{}
			return nil
		})
	}
	finished := reportProgress(done, len(clips), o.Progress)
	err = group.Wait()
	close(done)
	<-finished
	if err != nil {
		return err
	}
	_, err = atomicfile.WriteFileIfChanged(filepath.Join(dir, filepath.FromSlash(metaFile)), encodeMeta(clips), nil)
	return err
}

// reportProgress calls report for every value received, and closes the
// returned channel after the last.
func reportProgress(done <-chan struct{}, total int, report func(done, total int)) <-chan struct{} {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		n := 0
		for range done {
			if n++; report != nil {
				report(n, total)
			}
		}
	}()
	return finished
}

// synthClips lists the clips fold by fold, as the official file does.
func synthClips(o SynthOptions) []Clip {
	var clips []Clip
	for fold := 1; fold <= 5; fold++ {
		for n := range o.ClipsPerFold {
			for target := range o.Classes {
				source := strconv.Itoa(fold*100_000 + target*1000 + n)
				clips = append(clips, Clip{
					File:     fmt.Sprintf("%d-%s-A-%d.wav", fold, source, target),
					Fold:     fold,
					Target:   target,
					Category: synthClasses[target].name,
					ESC10:    target < 10,
					Source:   source,
					Take:     "A",
				})
			}
		}
	}
	return clips
}

// synthClip makes the samples of one clip: the sound of its class, a
// background 8 to 30 dB below it, and a level of -20 to -1 dB at the peak.
func synthClip(o SynthOptions, c Clip, index int) []int16 {
	r := newRandom(o.Seed, "synth", index)
	x := make([]float64, int(math.Round(o.Seconds*synthRate)))
	synthClasses[c.Target].make(x, r)
	addBackground(x, r)
	peak := 0.0
	for _, v := range x {
		peak = max(peak, math.Abs(v))
	}
	gain := 32767 * detmath.Exp10(r.between(-20, -1)/20) / max(peak, 1e-9)
	out := make([]int16, len(x))
	for i, v := range x {
		out[i] = int16(math.RoundToEven(float64(v * gain)))
	}
	return out
}

func addBackground(x []float64, r *random) {
	energy := 0.0
	for _, v := range x {
		energy += float64(v * v)
	}
	rms := math.Sqrt(energy / float64(len(x)))
	level := rms * detmath.Exp10(-r.between(8, 30)/20)
	noise := lowpass{a: r.between(0.02, 0.9)}
	scale := level * math.Sqrt(3*(2-noise.a)/noise.a) // back to unit variance
	hum := oscillator{phase: r.float(), step: float64(50+10*r.intN(2)) / synthRate}
	humLevel := level * r.between(0, 0.7)
	for i := range x {
		n := float64(scale * noise.next(r.between(-1, 1)))
		x[i] += n + float64(humLevel*hum.next())
	}
}

func encodeMeta(clips []Clip) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{{"filename", "fold", "target", "category", "esc10", "src_file", "take"}}
	for _, c := range clips {
		esc10 := strconv.FormatBool(c.ESC10)
		esc10 = strings.ToUpper(esc10[:1]) + esc10[1:]
		rows = append(rows, []string{c.File, strconv.Itoa(c.Fold), strconv.Itoa(c.Target), c.Category, esc10, c.Source, c.Take})
	}
	_ = w.WriteAll(rows) // a Buffer doesn't fail
	return b.Bytes()
}
