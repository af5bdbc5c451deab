package dsp

import (
	"encoding/binary"
	"math"
)

// PCM16 converts little-endian 16-bit samples to [-1, 1): len(dst) of them.
func PCM16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	i := 0
	if vector && len(dst) >= 8 {
		i = len(dst) &^ 7
		pcm16AVX2(&dst[0], &src[0], i)
	}
	for ; i < len(dst); i++ {
		dst[i] = float32(int16(binary.LittleEndian.Uint16(src[2*i:]))) / (1 << 15)
	}
}

// Widen converts src to float64; dst must be as long.
func Widen(dst []float64, src []float32) {
	dst = dst[:len(src)]
	i := 0
	if vector && len(src) >= 4 {
		i = len(src) &^ 3
		widenAVX2(&dst[0], &src[0], i)
	}
	for ; i < len(src); i++ {
		dst[i] = float64(src[i])
	}
}

// Dot8 sets out[k] to the dot product of taps and x[k*stride:], k = 0..7. All
// values must be of float32 precision, so that products are exact; len(taps) is
// a multiple of 4, not 0. Every fourth product goes to one of four sums, which
// are added in one fixed order.
func Dot8(out *[8]float32, taps, x []float64, stride int) {
	_ = x[7*stride+len(taps)-1]
	if vector {
		dot8AVX2(out, &taps[0], len(taps), &x[0], stride)
		return
	}
	for k := range out {
		out[k] = dot(taps, x[k*stride:k*stride+len(taps)])
	}
}

func dot(h, x []float64) float32 {
	var s0, s1, s2, s3 float64
	for len(h) >= 4 && len(x) >= 4 {
		s0 += h[0] * x[0]
		s1 += h[1] * x[1]
		s2 += h[2] * x[2]
		s3 += h[3] * x[3]
		h, x = h[4:], x[4:]
	}
	return float32((s0 + s2) + (s1 + s3))
}

// Band is one filter of a Bank: Count weights from bin First on.
type Band struct{ First, Count int32 }

// Bank is a sparse filter bank over the bins of a spectrum.
type Bank struct {
	bands   []Band
	weights []float64 // of all bands, of float32 precision
}

// Add appends a band.
func (b *Bank) Add(first int, weights []float32) {
	b.bands = append(b.bands, Band{int32(first), int32(len(weights))})
	for _, w := range weights {
		b.weights = append(b.weights, float64(w))
	}
}

// Bands is the number of bands.
func (b *Bank) Bands() int { return len(b.bands) }

// Apply filters the spectra of four frames, power[bin*4+frame], and writes band
// i of frame l to dst[i*stride+l]. The products are exact, the sums in the order
// of the bins.
func (b *Bank) Apply(dst []float32, stride int, power []float32) {
	if len(b.bands) == 0 {
		return
	}
	_ = dst[(len(b.bands)-1)*stride+3]
	if vector && len(b.weights) > 0 {
		bankAVX2(&dst[0], stride, &power[0], &b.weights[0], &b.bands[0], len(b.bands))
		return
	}
	weights := b.weights
	for i, band := range b.bands {
		var s0, s1, s2, s3 float64
		p := power[4*band.First:]
		for _, w := range weights[:band.Count] {
			s0 += w * float64(p[0])
			s1 += w * float64(p[1])
			s2 += w * float64(p[2])
			s3 += w * float64(p[3])
			p = p[4:]
		}
		weights = weights[band.Count:]
		d := dst[i*stride : i*stride+4]
		d[0], d[1], d[2], d[3] = float32(s0), float32(s1), float32(s2), float32(s3)
	}
}

// decibelConst is what the assembler needs.
type decibelConst struct {
	c           [7]float64 // highest first
	tenLog10Of2 float64
	min         float32
	sqrtHalf    int32
}

const (
	minPower    = 1e-10 // torchaudio's amin: -100 dB
	tenLog10Of2 = 3.01029995663981195214
	tenLog10OfE = 4.34294481903251827651
)

// The series of 10*log10((1+s)/(1-s)) = 10 log10(e) * (2s + 2s³/3 + 2s⁵/5 + ...).
var decibel = decibelConst{
	c: [7]float64{
		tenLog10OfE * 2 / 13, tenLog10OfE * 2 / 11, tenLog10OfE * 2 / 9, tenLog10OfE * 2 / 7,
		tenLog10OfE * 2 / 5, tenLog10OfE * 2 / 3, tenLog10OfE * 2,
	},
	tenLog10Of2: tenLog10Of2,
	min:         minPower,
	sqrtHalf:    0x3f3504f3,
}

// Decibels replaces each x by 10*log10(max(x, 1e-10)), computed in float64 with
// an error below 1e-11 dB before the rounding to float32. There must be no NaN.
//
// With x = 2^e * m, m in [sqrt(1/2), sqrt(2)) and s = (m-1)/(m+1), |s| < 0.172
// and seven terms of the series suffice.
func Decibels(x []float32) {
	i := 0
	if vector && len(x) >= 4 {
		i = len(x) &^ 3
		decibelsAVX2(&x[0], i, &decibel)
	}
	for ; i < len(x); i++ {
		x[i] = decibelsOf(x[i])
	}
}

func decibelsOf(x float32) float32 {
	c := &decibel
	bits := int32(math.Float32bits(max(x, c.min)))
	e := (bits - c.sqrtHalf) >> 23
	m := float64(math.Float32frombits(uint32(bits - e<<23)))
	s := (m - 1) / (m + 1)
	z := float64(s * s)
	p := float64(c.c[0]*z) + c.c[1]
	for _, v := range c.c[2:] {
		p = float64(p*z) + v
	}
	return float32(float64(float64(e)*c.tenLog10Of2) + float64(p*s))
}
