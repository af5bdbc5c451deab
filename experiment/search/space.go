// Package search proposes parameters to try: all of a grid, random ones, or
// those that earlier results make promising.
//
//	space := search.Space{
//		{Key: "train.lr", Low: 1e-4, High: 1, Log: true},
//		{Key: "model.layers", Low: 1, High: 8, Int: true},
//	}
//
// A [Space] has a [Dimension] for each parameter. [Space.Grid] and
// [Space.Random] range over points of it, a [Search] is asked for points and
// told their results. [Space.Set] writes a point as overrides for an
// experiment's Set. The package runs nothing, and knows no experiments.
package search

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Dimension is one parameter of a search: either Values, or the range from Low
// to High.
type Dimension struct {
	Key       string // [FILE:]KEY, as for -S
	Values    []any  // text, numbers or booleans to choose from
	Low, High float64
	Log       bool // evenly distributed over orders of magnitude; Low > 0
	Int       bool // whole numbers, both ends included
}

// Space is the parameters that a search varies.
type Space []Dimension

// Point is a set of parameters: a value for each dimension of a space, in its
// order.
type Point []any

// check reports a dimension that cannot be searched.
func (s Space) check() error {
	if len(s) == 0 {
		return fmt.Errorf("the search space has no dimensions")
	}
	for _, d := range s {
		switch {
		case d.Key == "":
			return fmt.Errorf("a dimension of the search space has no key")
		case len(d.Values) > 0:
		case !(d.Low < d.High) || math.IsInf(d.Low, 0) || math.IsInf(d.High, 0):
			return fmt.Errorf("%s: range %v to %v is empty", d.Key, d.Low, d.High)
		case d.Log && d.Low <= 0:
			return fmt.Errorf("%s: a logarithmic range must be positive, and begins at %v", d.Key, d.Low)
		}
	}
	return nil
}

// Set returns the point as overrides, KEY=VALUE, as experiments take them in
// RunOptions.Set.
func (s Space) Set(p Point) []string {
	list := make([]string, len(s))
	for i, d := range s {
		text := pyjson.Str(p[i])
		switch v := p[i].(type) {
		case bool:
			text = fmt.Sprint(v)
		case string:
			text = pyjson.Repr(v)
		}
		list[i] = d.Key + "=" + text
	}
	return list
}

// Grid ranges over all combinations of the dimensions' Values, the first
// dimension slowest. A dimension without Values contributes n evenly spaced
// ones, at least 2.
func (s Space) Grid(n int) iter.Seq[Point] {
	axes := make([][]any, len(s))
	for i, d := range s {
		axes[i] = d.Values
		for k := range max(n, 2) {
			if len(d.Values) == 0 {
				axes[i] = append(axes[i], d.value(float64(k)/float64(max(n, 2)-1)))
			}
		}
	}
	return func(yield func(Point) bool) { grid(nil, axes, yield) }
}

func grid(done Point, axes [][]any, yield func(Point) bool) bool {
	if len(done) == len(axes) {
		return yield(append(Point(nil), done...))
	}
	for _, v := range axes[len(done)] {
		if !grid(append(done[:len(done):len(done)], v), axes, yield) {
			return false
		}
	}
	return true
}

// Random ranges over independent random points without end. The same seed
// gives the same points.
func (s Space) Random(seed uint64) iter.Seq[Point] {
	return func(yield func(Point) bool) {
		rng := rand.New(rand.NewPCG(seed, 0))
		for yield(s.sample(rng)) {
		}
	}
}

func (s Space) sample(rng *rand.Rand) Point {
	p := make(Point, len(s))
	for i, d := range s {
		if len(d.Values) > 0 {
			p[i] = d.Values[rng.IntN(len(d.Values))]
		} else {
			p[i] = d.value(rng.Float64())
		}
	}
	return p
}

// value maps u in [0, 1] onto the range.
func (d *Dimension) value(u float64) any {
	lo, hi := d.Low, d.High
	if d.Int {
		lo, hi = math.Ceil(lo)-0.5, math.Floor(hi)+0.5
	}
	var x float64
	if d.Log {
		lo = max(lo, math.SmallestNonzeroFloat64)
		x = math.Exp(math.Log(lo) + u*(math.Log(hi)-math.Log(lo)))
	} else {
		x = lo + u*(hi-lo)
	}
	if d.Int {
		return int64(min(max(math.Round(x), math.Ceil(d.Low)), math.Floor(d.High)))
	}
	return min(max(x, d.Low), d.High)
}

// unit is the inverse of value.
func (d *Dimension) unit(v any) float64 {
	x, _ := pyjson.Number(v)
	lo, hi := d.Low, d.High
	if d.Int {
		lo, hi = math.Ceil(lo)-0.5, math.Floor(hi)+0.5
	}
	if d.Log {
		return (math.Log(x) - math.Log(lo)) / (math.Log(hi) - math.Log(lo))
	}
	return (x - lo) / (hi - lo)
}
