package esc50

import (
	"fmt"
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
	"github.com/reprodl/reprodl/esc50/internal/rfft"
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
	c      MelConfig
	window []float32
	plan   *rfft.Plan
	bank   []melBand
	log    *dbTable

	scratch *rfft.Scratch
	padded  []float32
	power   []float32
}

// melBand is one triangular filter: its weights from its first bin on.
type melBand struct {
	first   int
	weights []float32
}

// NewMel makes the tables for c.
func NewMel(c MelConfig) (*Mel, error) {
	c = c.withDefaults()
	plan, err := rfft.NewPlan(c.FFT)
	if err != nil {
		return nil, fmt.Errorf("n_fft: %w", err)
	}
	switch {
	case c.SampleRate < 1 || c.SampleRate > maxRate:
		return nil, fmt.Errorf("sample_rate is %d, want 1 to %d", c.SampleRate, maxRate)
	case c.Hop < 1:
		return nil, fmt.Errorf("hop_length is %d, want at least 1", c.Hop)
	case c.Mels < 1:
		return nil, fmt.Errorf("n_mels is %d, want at least 1", c.Mels)
	case !(c.TopDB > 0):
		return nil, fmt.Errorf("top_db is %v, want more than 0", c.TopDB)
	}
	m := &Mel{c: c, plan: plan, log: newDBTable(), window: hann(c.FFT)}
	m.bank = melBank(c.SampleRate, plan.Bins(), c.Mels)
	return m.Clone(), nil
}

// Clone returns a Mel with the same tables and its own working space.
func (m *Mel) Clone() *Mel {
	c := *m
	c.scratch, c.power, c.padded = m.plan.NewScratch(), make([]float32, m.plan.Bins()), nil
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
	for f := range frames {
		m.plan.Power(m.power, x[f*m.c.Hop:], m.window, m.scratch)
		for b := range m.bank {
			dst[b*frames+f] = m.bank[b].apply(m.power)
		}
	}
	return dst
}

// LogMel is Power in decibels, 10*log10(max(power, 1e-10)), limited from below
// to TopDB under the loudest cell: the network's input [1, Bands, Frames].
func (m *Mel) LogMel(dst, samples []float32) []float32 {
	dst = m.Power(dst, samples)
	peak := float32(math.Inf(-1))
	for i, v := range dst {
		d := m.log.decibels(v)
		dst[i] = d
		peak = max(peak, d)
	}
	floor := peak - float32(m.c.TopDB)
	for i, d := range dst {
		dst[i] = max(d, floor)
	}
	return dst
}

// pad returns the samples with FFT/2 reflected samples on each side.
func (m *Mel) pad(samples []float32) []float32 {
	half, n := m.c.FFT/2, len(samples)
	if n <= half {
		panic(fmt.Sprintf("esc50: mel spectrogram of %d samples, want more than %d", n, half))
	}
	if cap(m.padded) < n+2*half {
		m.padded = make([]float32, n+2*half)
	}
	x := m.padded[:n+2*half]
	copy(x[half:], samples)
	for i := 1; i <= half; i++ {
		x[half-i] = samples[i]
		x[half+n-1+i] = samples[n-1-i]
	}
	return x
}

// apply is the filter's weighted sum. The products of two float32 are exact.
func (b *melBand) apply(power []float32) float32 {
	sum := 0.0
	x := power[b.first : b.first+len(b.weights)]
	for i, w := range b.weights {
		sum += float64(w) * float64(x[i])
	}
	return float32(sum)
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
func melBank(rate, bins, mels int) []melBand {
	freqs := linspace(0, float32(rate/2), bins)
	points := linspace(0, float32(2595*detmath.Log10(1+float64(rate/2)/700)), mels+2)
	for i, m := range points {
		points[i] = 700 * (exp10(m/2595) - 1)
	}
	bank := make([]melBand, mels)
	for b := range bank {
		lo, mid, hi := points[b], points[b+1], points[b+2]
		for k, f := range freqs {
			w := min((f-lo)/(mid-lo), (hi-f)/(hi-mid))
			if !(w > 0) {
				continue
			}
			if bank[b].weights == nil {
				bank[b].first = k
			}
			bank[b].weights = append(bank[b].weights, w)
		}
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
