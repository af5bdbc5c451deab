package kernel

// Sizes of a step of the depthwise kernels.
const (
	deepPixels = 4 // of Depthwise
	deepTaps   = 3 // of DepthwiseGrad
)

// deep are the arguments of the assembler of both, in bytes. The places are
// those of four pixels, or of three taps.
type deep struct {
	out    [deepPixels]*float32
	in     [deepPixels]*float32
	places *int64 // the others: taps, or pixels
	n      int
	side   *float32 // weights by tap, or gradients by pixel
	apart  int      // between those
	lanes  int      // channels
}

// Depthwise sets, for pixels p and channels c,
//
//	out[p*channels+c] = sum over taps t of in[pixel p + tap t + c] * w[t*channels+c]
//
// as one chain of fused multiply-adds from zero, in the order of the taps.
func Depthwise(out, in []float32, pixels, taps *Taps, n, channels int, w []float32) {
	if n == 0 || channels == 0 {
		return
	}
	need(pixels.Len(), n)
	need(len(out), n*channels)
	if taps.Len() == 0 {
		clear(out[:n*channels])
		return
	}
	need(len(in), pixels.reach+taps.reach+channels)
	need(len(w), taps.Len()*channels)
	d := deep{places: &taps.bytes[0], n: taps.Len(), side: &w[0], apart: 4 * channels, lanes: wholeChannels(channels)}
	for p := 0; p < n && d.lanes > 0; p += deepPixels {
		for i := range d.in {
			at := min(p+i, n-1)
			d.in[i], d.out[i] = &in[pixels.bytes[at]/4], &out[at*channels]
		}
		depthwise(&d)
	}
	for p := 0; p < n && d.lanes < channels; p++ {
		at := pixels.bytes[p] / 4
		for c := d.lanes; c < channels; c++ {
			var sum float32
			for t, tap := range taps.bytes {
				sum = FMA(in[at+tap/4+int64(c)], w[t*channels+c], sum)
			}
			out[p*channels+c] = sum
		}
	}
}

// DepthwiseGrad adds, for taps t and channels c,
//
//	out[t*channels+c] += sum over n pixels p of in[pixel p + tap t + c] * grad[p*channels+c]
//
// as one chain of fused multiply-adds, in the order of the pixels.
func DepthwiseGrad(out, in []float32, pixels, taps *Taps, n, channels int, grad []float32) {
	if n == 0 || channels == 0 || taps.Len() == 0 {
		return
	}
	need(pixels.Len(), n)
	need(len(out), taps.Len()*channels)
	need(len(in), pixels.reach+taps.reach+channels)
	need(len(grad), n*channels)
	d := deep{places: &pixels.bytes[0], n: n, side: &grad[0], apart: 4 * channels, lanes: wholeChannels(channels)}
	for t := 0; t < taps.Len() && d.lanes > 0; t += deepTaps {
		for i := range deepTaps {
			at := min(t+i, taps.Len()-1)
			d.in[i], d.out[i] = &in[taps.bytes[at]/4], &out[at*channels]
		}
		depthwiseGrad(&d)
	}
	for t := 0; t < taps.Len() && d.lanes < channels; t++ {
		at := taps.bytes[t] / 4
		for c := d.lanes; c < channels; c++ {
			sum := out[t*channels+c]
			for p, pixel := range pixels.bytes[:n] {
				sum = FMA(in[at+pixel/4+int64(c)], grad[p*channels+c], sum)
			}
			out[t*channels+c] = sum
		}
	}
}
