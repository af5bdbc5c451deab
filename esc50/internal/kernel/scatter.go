package kernel

// scattering are the arguments of the assembler of [ScatterMax], in bytes.
type scattering struct {
	dst, src, grad *float32
	places         *int64
	n              int // places
	lanes          int // channels
}

// ScatterMax adds, for every channel c, grad[c] to the element of dst at the
// first of the places p where src[p+c] is largest: dst[p+c] += grad[c]. What
// is not a number is largest if it comes first, and never else. No element of dst
// is -0.
func ScatterMax(dst, src []float32, places *Taps, grad []float32) {
	n := len(grad)
	if n == 0 || places.Len() == 0 {
		return
	}
	need(len(dst), places.reach+n)
	need(len(src), places.reach+n)
	whole := wholeChannels(n)
	if whole > 0 {
		scatterMax(&scattering{&dst[0], &src[0], &grad[0], &places.bytes[0], places.Len(), whole})
	}
	for c := whole; c < n; c++ {
		best := places.bytes[0]/4 + int64(c)
		for _, p := range places.bytes[1:] {
			if at := p/4 + int64(c); src[at] > src[best] {
				best = at
			}
		}
		dst[best] += grad[c]
	}
}
