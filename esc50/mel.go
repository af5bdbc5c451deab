package esc50

import (
	"fmt"
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
	"github.com/reprodl/reprodl/esc50/internal/dsp"
)

// MelConfig is the course's front end: torchaudio's MelSpectrogram and
// AmplitudeToDB. A zero field stands for the default in its comment.
type MelConfig struct {
	SampleRate int     `yaml:"sample_rate"` // of the samples, in Hz: 8000
	FFT        int     `yaml:"n_fft"`       // samples in a frame, with a periodic Hann window: 400
	Hop        int     `yaml:"hop_length"`  // samples between frames: half of FFT
	Mels       int     `yaml:"n_mels"`      // HTK mel bands from 0 Hz to half the rate: 128
	TopDB      float64 `yaml:"top_db"`      // floor below the clip's loudest cell, in dB: 80
}

func (c MelConfig) withDefaults() MelConfig {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&c.SampleRate, 8000)
	set(&c.FFT, 400)
	set(&c.Hop, c.FFT/2)
	set(&c.Mels, 128)
	if c.TopDB == 0 {
		c.TopDB = 80
	}
	return c
}

// Mel computes mel spectrograms. Its tables are made once; Power and LogMel
// allocate nothing but a missing dst. A Mel is for one goroutine; Clone gives
// another one that shares the tables.
//
// Frames are centred (reflect padding). Everything is computed in float64 from
// float32 inputs in one order of operations, so that the results have the same
// bits on every processor. The tables are torchaudio's, with its float32
// roundings.
type Mel struct {
	c    MelConfig
	plan *dsp.Plan
	bank *dsp.Bank

	scratch *dsp.Scratch
	padded  []float32
	power   []float32 // of four frames
	last    []float32 // bands of the last frames, when fewer than four are left
}

// NewMel makes the tables for c.
func NewMel(c MelConfig) (*Mel, error) {
	c = c.withDefaults()
	switch {
	case c.SampleRate < 1 || c.SampleRate > maxRate:
		return nil, fmt.Errorf("sample_rate is %d, want 1 to %d", c.SampleRate, maxRate)
	case c.FFT < 4 || c.FFT > 1<<20:
		return nil, fmt.Errorf("n_fft is %d, want 4 to %d", c.FFT, 1<<20)
	case c.Hop < 1 || c.Hop > 1<<20:
		return nil, fmt.Errorf("hop_length is %d, want 1 to %d", c.Hop, 1<<20)
	case c.Mels < 1 || c.Mels > 1<<16:
		return nil, fmt.Errorf("n_mels is %d, want 1 to %d", c.Mels, 1<<16)
	case !(c.TopDB > 0):
		return nil, fmt.Errorf("top_db is %v, want more than 0", c.TopDB)
	}
	plan, err := dsp.NewPlan(hann(c.FFT))
	if err != nil {
		return nil, fmt.Errorf("n_fft: %w", err)
	}
	m := &Mel{c: c, plan: plan, bank: melBank(c.SampleRate, plan.Bins(), c.Mels)}
	return m.Clone(), nil
}

// Clone returns a Mel with the same tables and its own working space.
func (m *Mel) Clone() *Mel {
	c := *m
	c.scratch, c.padded = m.plan.NewScratch(), nil
	c.power, c.last = make([]float32, 4*m.plan.Bins()), make([]float32, 4*m.c.Mels)
	return &c
}

// Bands is the number of mel bands, the first dimension of a spectrogram.
func (m *Mel) Bands() int { return m.c.Mels }

// Frames is the number of frames, the second dimension, of n samples: 201 for
// the 40,000 of a 5 s clip.
func (m *Mel) Frames(n int) int { return 1 + n/m.c.Hop }

// Power writes the mel power spectrogram of samples to dst, row by row:
// [Bands, Frames(len(samples))]. dst is grown when it is too short, and
// returned. There must be more than FFT/2 samples, or nothing could be
// reflected at the ends and Power panics.
func (m *Mel) Power(dst, samples []float32) []float32 {
	x, frames := m.pad(samples), m.Frames(len(samples))
	n := m.c.Mels * frames
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	for f := 0; f < frames; f += 4 {
		m.plan.Power4(m.power, x[f*m.c.Hop:], m.c.Hop, m.scratch)
		if f+4 <= frames {
			m.bank.Apply(dst[f:], frames, m.power)
			continue
		}
		m.bank.Apply(m.last, 4, m.power)
		for b := range m.c.Mels {
			copy(dst[b*frames+f:(b+1)*frames], m.last[4*b:])
		}
	}
	return dst
}

// LogMel is Power in decibels, 10*log10(max(power, 1e-10)), limited from below
// to TopDB under the loudest cell: the network's input [1, Bands, Frames].
func (m *Mel) LogMel(dst, samples []float32) []float32 {
	dst = m.Power(dst, samples)
	dsp.Decibels(dst)
	peak := dst[0]
	for _, d := range dst {
		if d > peak {
			peak = d
		}
	}
	floor := peak - float32(m.c.TopDB)
	for i, d := range dst {
		if d < floor {
			dst[i] = floor
		}
	}
	return dst
}

// pad returns the samples with FFT/2 reflected samples on each side, and room
// for three more frames, which Power4 may read.
func (m *Mel) pad(samples []float32) []float32 {
	half, n := m.c.FFT/2, len(samples)
	if n <= half {
		panic(fmt.Sprintf("esc50: mel spectrogram of %d samples, want more than %d", n, half))
	}
	size := n + 2*half + 3*m.c.Hop
	if cap(m.padded) < size {
		m.padded = make([]float32, size)
	}
	x := m.padded[:size]
	clear(x[n+2*half:])
	copy(x[half:], samples)
	for i := 1; i <= half; i++ {
		x[half-i] = samples[i]
		x[half+n-1+i] = samples[n-1-i]
	}
	return x
}

// hann is torch.hann_window(n), periodic, with its roundings to float32:
// 0.5 - 0.5*cos(i * 2π/n).
func hann(n int) []float32 {
	w, step := make([]float32, n), float32(2*math.Pi/float64(n))
	for i := range w {
		x := float32(float32(i) * step)
		w[i] = 0.5 - 0.5*float32(detmath.CosPi(float64(x)/math.Pi))
	}
	return w
}

// linspace is torch.linspace in float32: from both ends, each value fused to
// one rounding.
func linspace(a, b float32, n int) []float32 {
	out, step := make([]float32, n), (b-a)/float32(n-1)
	for i := range out {
		if i < n/2 {
			out[i] = float32(float64(a) + float64(step)*float64(i))
		} else {
			out[i] = float32(float64(b) - float64(step)*float64(n-1-i))
		}
	}
	return out
}

// melBank is torchaudio.functional.melscale_fbanks(bins, 0, rate/2, mels, rate,
// norm=None, mel_scale="htk"), computed in float32 as there.
func melBank(rate, bins, mels int) *dsp.Bank {
	freqs := linspace(0, float32(rate/2), bins)
	points := linspace(0, float32(2595*detmath.Log10(1+float64(rate/2)/700)), mels+2)
	for i, m := range points {
		points[i] = 700 * (exp10(m/2595) - 1)
	}
	bank := new(dsp.Bank)
	for b := range mels {
		lo, mid, hi := points[b], points[b+1], points[b+2]
		first, weights := 0, []float32(nil)
		for k, f := range freqs {
			w := min((f-lo)/(mid-lo), (hi-f)/(hi-mid))
			if !(w > 0) {
				continue
			}
			if weights == nil {
				first = k
			}
			weights = append(weights, w)
		}
		bank.Add(first, weights)
	}
	return bank
}

// exp10 is 10**x as torch computes it in float32: correctly rounded, except at
// two points of the default bank, where its pow errs by 0.508 and 0.514 units
// in the last place. One unit there would change two bands by up to 2e-5.
func exp10(x float32) float32 {
	y := float32(detmath.Exp10(float64(x)))
	switch x {
	case 0.18591468:
		return math.Nextafter32(y, 0)
	case 0.7372479:
		return math.Nextafter32(y, 8)
	}
	return y
}
