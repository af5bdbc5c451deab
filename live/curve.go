package live

import (
	"os"

	"github.com/reprodl/reprodl/internal/report"
)

// maxBuckets bounds what is kept of a metric for the report: four points of
// each bucket.
const maxBuckets = 512

// curve is a thinned-out history that grows no further: neighbouring points
// share a bucket, of which the first, the last, the least and the greatest
// are kept. When there are too many buckets, they are merged in pairs.
type curve struct {
	buckets []bucket
	stride  int // points that a bucket takes
	count   int
}

// bucket is a stretch of neighbouring points; n is how many they were.
type bucket struct {
	first, low, high, last report.Point
	n                      int
}

// add takes one point in. While there is room a bucket takes stride points; at
// maxBuckets each two become one and stride doubles, so that the cost of a point
// stays constant on average and the memory is bounded.
func (c *curve) add(step int, v float64) {
	if c.stride == 0 {
		c.stride = 1
	}
	c.count++
	p := report.Point{Step: step, Value: v}
	if n := len(c.buckets); n > 0 && c.buckets[n-1].n < c.stride {
		c.buckets[n-1].merge(bucket{p, p, p, p, 1})
		return
	}
	if len(c.buckets) == maxBuckets {
		for i := range maxBuckets / 2 {
			c.buckets[i] = c.buckets[2*i]
			c.buckets[i].merge(c.buckets[2*i+1])
		}
		c.buckets = c.buckets[:maxBuckets/2]
		c.stride *= 2
	}
	c.buckets = append(c.buckets, bucket{p, p, p, p, 1})
}

// merge takes in the bucket that follows.
func (b *bucket) merge(next bucket) {
	b.last = next.last
	b.n += next.n
	if !(b.low.Value <= next.low.Value) { // also when it is NaN
		b.low = next.low
	}
	if !(b.high.Value >= next.high.Value) {
		b.high = next.high
	}
}

// points lists what is kept, in the order in which it was logged.
func (c *curve) points() []report.Point {
	out := make([]report.Point, 0, 4*len(c.buckets))
	for _, b := range c.buckets {
		middle := [2]report.Point{b.low, b.high}
		if b.high.Step < b.low.Step {
			middle = [2]report.Point{b.high, b.low}
		}
		for _, p := range [...]report.Point{b.first, middle[0], middle[1], b.last} {
			if len(out) == 0 || out[len(out)-1].Step != p.Step || out[len(out)-1].Value != p.Value {
				out = append(out, p)
			}
		}
	}
	return out
}

// newCurve starts the curve of a metric, with what an earlier run logged if
// that is being resumed.
func (l *Logger) newCurve(s *series) *curve {
	c := new(curve)
	if !l.opts.Resume {
		return c
	}
	for p, err := range Points(os.DirFS(l.path), s.name) {
		if err != nil {
			l.slog.Warn("live: the report lacks a part of a history", "metric", s.name, "err", err)
			break
		}
		if p.Step < l.from {
			c.add(p.Step, p.Value)
		}
	}
	return c
}
