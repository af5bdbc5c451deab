package search

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Search proposes parameters one point at a time and learns from the results
// (ask and tell). It is a tree-structured Parzen estimator (Bergstra et al.,
// "Algorithms for Hyper-Parameter Optimization", 2011): past points are split
// into good and other ones, each half is smoothed into a density by dimension,
// and of some candidates drawn from the good density the one is proposed that
// is most likelier there than in the other.
//
// It is written here because the Go library for it, goptuna, brings an object
// relational mapper and three database drivers along. It is deterministic: the
// same seed and the same results in the same order give the same proposals. It
// is safe for concurrent use.
type Search struct {
	space    Space
	minimize bool
	startup  int

	mu    sync.Mutex
	rng   *rand.Rand
	tried []trial
}

type trial struct {
	point Point
	score float64 // lower is better
}

// Options change how a Search works. Nil means the zero Options.
type Options struct {
	Seed     uint64
	Maximize bool // higher results are better
	// Startup is how many random points come first; 0 is 10.
	Startup int
}

// NewSearch makes a search over a space, whose errors are those of its
// dimensions.
func New(s Space, opts *Options) (*Search, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.Startup <= 0 {
		o.Startup = 10
	}
	return &Search{space: s, minimize: !o.Maximize, startup: o.Startup, rng: rand.New(rand.NewPCG(o.Seed, 1))}, nil
}

// candidates is how many points are drawn for one proposal.
const candidates = 24

// Ask proposes a point. It may be asked several times before being told, as
// parallel runs do.
func (s *Search) Ask() Point {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tried) < s.startup {
		return s.space.sample(s.rng)
	}
	sorted := slices.Clone(s.tried)
	slices.SortStableFunc(sorted, func(a, b trial) int { return cmp.Compare(a.score, b.score) })
	n := min(max(1, int(math.Ceil(0.15*float64(len(sorted))))), 25)
	good, other := sorted[:n], sorted[n:]
	p := make(Point, len(s.space))
	for i := range s.space {
		p[i] = s.propose(i, good, other)
	}
	return p
}

// Tell reports the result of a point. A result that is not a number counts as
// worse than all others.
func (s *Search) Tell(p Point, result float64) error {
	if len(p) != len(s.space) {
		return fmt.Errorf("a point of %d values was told to a search over %d dimensions", len(p), len(s.space))
	}
	if !s.minimize {
		result = -result
	}
	if math.IsNaN(result) {
		result = math.Inf(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = append(s.tried, trial{slices.Clone(p), result})
	return nil
}

// Best returns the best point so far and its result; nil if there is none.
func (s *Search) Best() (Point, float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tried) == 0 {
		return nil, math.NaN()
	}
	t := slices.MinFunc(s.tried, func(a, b trial) int { return cmp.Compare(a.score, b.score) })
	if !s.minimize {
		return slices.Clone(t.point), -t.score
	}
	return slices.Clone(t.point), t.score
}

func (s *Search) propose(i int, good, other []trial) any {
	d := &s.space[i]
	if len(d.Values) > 0 {
		return s.proposeChoice(i, good, other)
	}
	l, g := parzen(d, i, good), parzen(d, i, other)
	best, score := any(nil), math.Inf(-1)
	for range candidates {
		u := l.draw(s.rng)
		if r := math.Log(l.density(u)) - math.Log(g.density(u)); r > score {
			best, score = d.value(u), r
		}
	}
	if best == nil {
		return d.value(s.rng.Float64())
	}
	return best
}

// proposeChoice draws among the values by how often they were good, with one
// imaginary observation each, and takes the one with the best ratio.
func (s *Search) proposeChoice(i int, good, other []trial) any {
	values := s.space[i].Values
	weight := func(list []trial, v any) float64 {
		n := 1.0
		for _, t := range list {
			if pyjson.Repr(t.point[i]) == pyjson.Repr(v) {
				n++
			}
		}
		return n / float64(len(list)+len(values))
	}
	best, score := values[0], math.Inf(-1)
	for range candidates {
		x, pick := s.rng.Float64(), values[len(values)-1]
		for _, v := range values {
			if x -= weight(good, v); x < 0 {
				pick = v
				break
			}
		}
		if r := weight(good, pick) / weight(other, pick); r > score {
			best, score = pick, r
		}
	}
	return best
}

// mixture is a sum of Gaussians over [0, 1], with a flat one among them.
type mixture struct{ mean, width []float64 }

// parzen puts a Gaussian on each point, as wide as the gap to its neighbours.
func parzen(d *Dimension, i int, list []trial) mixture {
	m := mixture{mean: []float64{0.5}, width: []float64{1}}
	for _, t := range list {
		m.mean = append(m.mean, d.unit(t.point[i]))
	}
	slices.Sort(m.mean)
	m.width = make([]float64, len(m.mean))
	for k, x := range m.mean {
		left, right := x, 1-x
		if k > 0 {
			left = x - m.mean[k-1]
		}
		if k+1 < len(m.mean) {
			right = m.mean[k+1] - x
		}
		m.width[k] = min(max(left, right, 1/float64(1+min(100, len(m.mean)))), 1)
	}
	return m
}

func (m mixture) draw(rng *rand.Rand) float64 {
	for range 100 {
		k := rng.IntN(len(m.mean))
		if u := m.mean[k] + m.width[k]*rng.NormFloat64(); u >= 0 && u <= 1 {
			return u
		}
	}
	return rng.Float64()
}

func (m mixture) density(u float64) float64 {
	sum := 0.0
	for k, mean := range m.mean {
		z := (u - mean) / m.width[k]
		inside := 0.5 * (math.Erf((1-mean)/m.width[k]/math.Sqrt2) + math.Erf(mean/m.width[k]/math.Sqrt2))
		sum += math.Exp(-z*z/2) / m.width[k] / max(inside, 1e-12)
	}
	return sum / float64(len(m.mean))
}
