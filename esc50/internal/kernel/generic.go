package kernel

import "math"

// FMA returns a*b+c rounded once.
//
// The product of two float32 is exact in float64, and so is the sum but for a
// last rounding; rounding again to float32 goes wrong only when the sum came to
// lie half way between two float32, or is subnormal there. In these cases the
// sum is first rounded to odd, after which a second rounding is right.
func FMA(a, b, c float32) float32 {
	product := float64(a) * float64(b)
	sum := float64(product) + float64(c)
	bits := math.Float64bits(sum)
	if bits&0x1fffffff != 0x10000000 && bits&^(1<<63) >= 0x3810000000000000 || sum == 0 {
		return float32(sum)
	}
	addend := float64(c)
	t := sum - product
	lost := (product - (sum - t)) + (addend - t)
	if lost != 0 && bits&1 == 0 {
		if (lost > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}

func convGeneric(out []float32, stride int, in []float32, taps *Taps, w []float32, tiles int) {
	for c := range Channels {
		row := out[c*stride:][:Pixels*tiles]
		clear(row)
		for i, o := range taps.bytes {
			f := w[Channels*i+c]
			for p, x := range in[o/4:][:len(row)] {
				row[p] = FMA(x, f, row[p])
			}
		}
	}
}

func dwGeneric(out []float32, dy []float32, stride int, in []float32, taps *Taps, chunks int) {
	for i, o := range taps.bytes {
		x := in[o/4:][:Lanes*chunks]
		for r := range Rows {
			var lanes [Lanes]float32
			for j, v := range dy[r*stride:][:Lanes*chunks] {
				lanes[j%Lanes] = FMA(v, x[j], lanes[j%Lanes])
			}
			out[Rows*Columns*(i/Columns)+Columns*r+i%Columns] += total8(&lanes)
		}
	}
}

// total8 adds sixteen lanes in the order of the assembler.
func total8(v *[Lanes]float32) float32 {
	var s [8]float32
	for i := range s {
		s[i] = v[i] + v[i+8]
	}
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}

// z normalises y.
func (p *Norm) z(y float32) float32 { return FMA(y-p.Mean, p.Scale, p.Offset) }

// a normalises and rectifies y.
func (p *Norm) a(y float32) float32 {
	if z := p.z(y); !(z <= 0) {
		return z
	}
	return 0
}

// larger is the larger of two numbers, and b if either is not one, as the
// processor's instruction has it.
func larger(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

func bnReLUGeneric(dst, y []float32, p *Norm) {
	for i := range dst {
		dst[i] = p.a(y[i])
	}
}

func bnGradGeneric(dst, da, y []float32, p *Norm) {
	for i := range dst {
		var g float32
		if !(p.z(y[i]) <= 0) {
			g = da[i]
		}
		dst[i] = FMA(g, p.K1, FMA(y[i]-p.Mean, p.K2, p.K3))
	}
}

func bnReLUPoolGeneric(dst, y0, y1 []float32, p *Norm) {
	for i := range dst {
		dst[i] = larger(larger(p.a(y0[2*i]), p.a(y0[2*i+1])), larger(p.a(y1[2*i]), p.a(y1[2*i+1])))
	}
}

func bnReLUUnpoolGeneric(dst0, dst1, dp, y0, y1 []float32, p *Norm) {
	for i, g := range dp {
		a := [4]float32{p.a(y0[2*i]), p.a(y0[2*i+1]), p.a(y1[2*i]), p.a(y1[2*i+1])}
		most := larger(larger(a[0], a[1]), larger(a[2], a[3]))
		var d [4]float32
		for j := range a {
			if a[j] == most {
				d[j] = g
				break
			}
		}
		dst0[2*i], dst0[2*i+1], dst1[2*i], dst1[2*i+1] = d[0], d[1], d[2], d[3]
	}
}

func sumGeneric(s *Sum16, x []float32) {
	for i, v := range x {
		s[i%Lanes] += float64(v)
	}
}

func biasStatsGeneric(dst, src []float32, bias float32, m *Moments) {
	for i := range dst {
		v := src[i] + bias
		dst[i] = v
		m[0][i%Lanes] += float64(v)
		m[1][i%Lanes] = math.FMA(float64(v), float64(v), m[1][i%Lanes])
	}
}

func gradStatsGeneric(m *Moments, da, y []float32, p *Norm) {
	for i := range da {
		d := y[i] - p.Mean
		var g float64
		if !(FMA(d, p.Scale, p.Offset) <= 0) {
			g = float64(da[i])
		}
		m[0][i%Lanes] += g
		m[1][i%Lanes] = math.FMA(g, float64(d), m[1][i%Lanes])
	}
}
