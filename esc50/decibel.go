package esc50

import (
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// dbTable computes 10*log10 of float32 powers from a table: a spectrogram has
// 25,728 of them, and a logarithm by series would take a third of the front
// end's time.
//
// With x = 2^e * m, m in [1, 2), and c the centre of m's interval (of 256),
// log10 x = e*log10 2 + log10 c + log10(1+r), r = (m-c)/c; |r| < 2^-9, so that
// four terms of the last logarithm's series suffice for 1e-12.
type dbTable struct {
	inv, log [256]float64 // 1/c and 10*log10 c
}

const (
	tenLog10Of2 = 3.01029995663981195214
	tenLog10OfE = 4.34294481903251827651
	minPower    = 1e-10 // torchaudio's amin: -100 dB
)

func newDBTable() *dbTable {
	t := new(dbTable)
	for i := range t.inv {
		c := 1 + (float64(i)+0.5)/256
		t.inv[i], t.log[i] = 1/c, 10*detmath.Log10(c)
	}
	return t
}

// decibels returns 10*log10(max(power, 1e-10)), rounded to float32.
func (t *dbTable) decibels(power float32) float32 {
	bits := math.Float64bits(max(float64(power), minPower))
	e := int(bits>>52) - 1023
	m := math.Float64frombits(bits&(1<<52-1) | 1023<<52)
	i := bits >> 44 & 255
	r := float64((m * t.inv[i])) - 1
	// log(1+r) = r - r²/2 + r³/3 - r⁴/4
	s := 1./3 - float64(r*0.25)
	s = 0.5 - float64(r*s)
	s = r - float64(float64(r*r)*s)
	return float32(float64(float64(e)*tenLog10Of2) + (t.log[i] + float64(s*tenLog10OfE)))
}
