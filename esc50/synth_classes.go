package esc50

import (
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// synthClasses are the kinds of sound, by target. The first ten are the
// default. make adds the sound to silence x.
var synthClasses = []struct {
	name string
	make func(x []float64, r *random)
}{
	{"tone", synthTone},
	{"rising_chirp", func(x []float64, r *random) { synthChirp(x, r, 1) }},
	{"falling_chirp", func(x []float64, r *random) { synthChirp(x, r, -1) }},
	{"clicks", synthClicks},
	{"rumble", func(x []float64, r *random) { synthNoise(x, r, r.between(90, 350), r.between(1, 2)) }},
	{"hiss", func(x []float64, r *random) { synthNoise(x, r, r.between(2200, 3600), r.between(1, 3)) }},
	{"pulsing_noise", synthPulsingNoise},
	{"siren", synthSiren},
	{"beeps", synthBeeps},
	{"crackle", synthCrackle},
	{"trill", synthTrill},
	{"buzz", synthBuzz},
}

// oscillator is a sine whose phase and step are in turns.
type oscillator struct{ phase, step float64 }

func (o *oscillator) next() float64 {
	v := detmath.SinPi(2 * o.phase)
	o.phase += o.step
	if o.phase >= 1 {
		o.phase--
	}
	return v
}

// lowpass is a one-pole low-pass filter.
type lowpass struct{ a, y float64 }

func (f *lowpass) next(x float64) float64 {
	f.y += float64(f.a * (x - f.y))
	return f.y
}

// resonator is a two-pole band-pass filter, excited by its input and ringing
// at its frequency.
type resonator struct{ b1, b2, y1, y2 float64 }

func newResonator(hz, q float64) resonator {
	radius := detmath.Exp(-math.Pi * hz / q / synthRate)
	return resonator{b1: 2 * radius * detmath.CosPi(2*hz/synthRate), b2: -radius * radius}
}

func (f *resonator) next(x float64) float64 {
	y := x + (float64(f.b1*f.y1) + float64(f.b2*f.y2))
	f.y1, f.y2 = y, f.y1
	return y
}

// span is when a lasting sound is heard: at least half of the clip, with fades
// of 30 ms.
type span struct{ from, to float64 }

func newSpan(n int, r *random) span {
	length := float64(r.between(0.5, 1) * float64(n))
	from := float64(r.float() * (float64(n) - length))
	return span{from, from + length}
}

func (s span) at(i int) float64 {
	const fade = 0.03 * synthRate
	t := float64(i)
	return max(0, min(1, (t-s.from)/fade, (s.to-t)/fade))
}

// pitch is a random frequency, uniform in octaves.
func pitch(r *random, low, high float64) float64 {
	return low * detmath.Exp(r.float()*detmath.Log(high/low))
}

func synthTone(x []float64, r *random) {
	s, base := newSpan(len(x), r), pitch(r, 200, 1100)
	for partial := range 1 + r.intN(3) {
		o := oscillator{r.float(), base * float64(partial+1) / synthRate}
		level := 1 / float64(1+partial)
		for i := range x {
			x[i] += float64(level * o.next() * s.at(i))
		}
	}
}

// synthChirp sweeps 1 to 2 octaves in 0.25 to 0.8 s, again and again.
func synthChirp(x []float64, r *random, direction float64) {
	s, low, octaves := newSpan(len(x), r), pitch(r, 250, 800), r.between(1, 2)
	period := float64(r.between(0.25, 0.8) * synthRate)
	o, t := oscillator{phase: r.float()}, float64(r.float()*period)
	for i := range x {
		if t++; t >= period {
			t -= period
		}
		at := t / period
		if direction < 0 {
			at = 1 - at
		}
		if i%16 == 0 { // the pitch moves slowly
			o.step = low * detmath.Exp(math.Ln2*octaves*at) / synthRate
		}
		x[i] = float64(o.next() * s.at(i))
	}
}

// synthClicks is a regular train of short rings.
func synthClicks(x []float64, r *random) {
	period := float64(r.between(0.15, 0.6) * synthRate)
	f := newResonator(pitch(r, 900, 3000), r.between(3, 12))
	next := float64(r.float() * period)
	for i := range x {
		in := 0.0
		if float64(i) >= next {
			in, next = 1, next+period
		}
		x[i] = f.next(in)
	}
}

// synthNoise is a band of noise around a frequency.
func synthNoise(x []float64, r *random, hz, q float64) {
	s, f := newSpan(len(x), r), newResonator(hz, q)
	for i := range x {
		x[i] = float64(f.next(r.between(-1, 1)) * s.at(i))
	}
}

// synthPulsingNoise is wide noise whose level beats 3 to 9 times a second.
func synthPulsingNoise(x []float64, r *random) {
	s, f := newSpan(len(x), r), newResonator(pitch(r, 700, 2000), 0.7)
	o := oscillator{r.float(), r.between(3, 9) / synthRate}
	for i := range x {
		a := 0.5 + 0.5*o.next()
		x[i] = float64(f.next(r.between(-1, 1)) * float64(a*a) * s.at(i))
	}
}

// synthSiren swings around a pitch, 0.4 to 1.5 times a second.
func synthSiren(x []float64, r *random) {
	s, base, depth := newSpan(len(x), r), pitch(r, 500, 1400), r.between(0.3, 0.7)
	swing := oscillator{r.float(), r.between(0.4, 1.5) / synthRate}
	o := oscillator{phase: r.float()}
	for i := range x {
		o.step = base * detmath.Exp(depth*swing.next()) / synthRate
		x[i] = float64(o.next() * s.at(i))
	}
}

// synthBeeps is a tone that is on and off 2 to 5 times a second.
func synthBeeps(x []float64, r *random) {
	s, o := newSpan(len(x), r), oscillator{r.float(), pitch(r, 600, 2500) / synthRate}
	gate := oscillator{r.float(), r.between(2, 5) / synthRate}
	duty, level := r.between(0.3, 0.6), lowpass{a: 0.01}
	for i := range x {
		on := 0.0
		if gate.next(); gate.phase < duty {
			on = 1
		}
		x[i] = float64(o.next() * level.next(on) * s.at(i))
	}
}

// synthCrackle is short bursts at random times, of random strength.
func synthCrackle(x []float64, r *random) {
	rate := r.between(8, 30) / synthRate
	f := newResonator(pitch(r, 1500, 3500), 2)
	burst := 0.0
	for i := range x {
		if r.float() < rate {
			burst = pitch(r, 0.15, 1)
		}
		x[i] = f.next(float64(burst * r.between(-1, 1)))
		burst = float64(burst * 0.99)
	}
}

// synthTrill alternates two tones 7 to 14 times a second.
func synthTrill(x []float64, r *random) {
	s, low := newSpan(len(x), r), pitch(r, 500, 1500)
	high := low * r.between(1.2, 1.6)
	o, turn := oscillator{phase: r.float()}, oscillator{r.float(), r.between(7, 14) / synthRate}
	for i := range x {
		o.step = low / synthRate
		if turn.next(); turn.phase < 0.5 {
			o.step = high / synthRate
		}
		x[i] = float64(o.next() * s.at(i))
	}
}

// synthBuzz is a low saw-tooth, rich in harmonics.
func synthBuzz(x []float64, r *random) {
	s, step, f := newSpan(len(x), r), pitch(r, 70, 160)/synthRate, lowpass{a: r.between(0.1, 0.4)}
	phase := r.float()
	for i := range x {
		if phase += step; phase >= 1 {
			phase--
		}
		x[i] = float64(f.next(2*phase-1) * s.at(i))
	}
}
