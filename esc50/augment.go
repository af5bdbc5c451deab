package esc50

import "slices"

// augment changes the spectrogram x, [bands, frames], in place, as c says and
// r decides.
func (c Config) augment(x []float32, bands, frames int, r *random) {
	if c.TimeShift > 0 {
		most := int(c.TimeShift * float64(frames))
		if k := r.intN(2*most+1) - most; k != 0 {
			for b := range bands {
				rotate(x[b*frames:(b+1)*frames], k)
			}
		}
	}
	if c.FreqMask == 0 && c.TimeMask == 0 {
		return
	}
	mean := float32(meanOf(x))
	for range c.Masks {
		from, to := maskRange(c.FreqMask, bands, r)
		fill(x[from*frames:to*frames], mean)
		from, to = maskRange(c.TimeMask, frames, r)
		for b := range bands {
			fill(x[b*frames+from:b*frames+to], mean)
		}
	}
}

// maskRange draws a range of up to most of n places.
func maskRange(most, n int, r *random) (from, to int) {
	size := r.intN(min(most, n) + 1)
	from = r.intN(n - size + 1)
	return from, from + size
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// rotate moves the elements of x by k places towards the end, or by -k towards
// the start, around the ends.
func rotate(x []float32, k int) {
	k = ((k % len(x)) + len(x)) % len(x)
	slices.Reverse(x)
	slices.Reverse(x[:k])
	slices.Reverse(x[k:])
}

func meanOf(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	return sum / float64(len(x))
}

// blend sets x to w*x + (1-w)*y.
func blend(x, y []float32, w float32) {
	for i := range x {
		x[i] = float32(w*x[i]) + float32((1-w)*y[i])
	}
}
