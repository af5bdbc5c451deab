package kernel

// turnHigh is how many runs and elements of them the assembler takes at a time.
const turnHigh = 8

// Turn writes sixteen runs of n elements, which begin at the given places, side
// by side: dst[16*k+j] = src[columns[j]+k].
func Turn(dst, src []float32, columns *[Panel]int, n int) {
	if n == 0 {
		return
	}
	need(len(dst), Panel*n)
	var places [Panel]int64
	for j, c := range columns {
		if c < 0 {
			panic("kernel: negative place")
		}
		need(len(src), c+n)
		places[j] = 4 * int64(c)
	}
	whole := 0
	if n >= turnHigh && turn(dst, src, &places, n/turnHigh*turnHigh) {
		whole = n / turnHigh * turnHigh
	}
	if whole == n {
		return
	}
	for j, c := range columns {
		to := dst[Panel*whole+j:]
		for k, v := range src[c+whole : c+n] {
			to[Panel*k] = v
		}
	}
}

// PackedPanels is how many panels [PackPanels] writes.
const PackedPanels = 4

// PackPanels writes, for depths k0 to k1-1, rows of 64 elements as four panels so
// far apart: element j of depth k is src[depth k + j], and goes to
// dst[j/16*apart + 16*(k-k0) + j%16].
func PackPanels(dst []float32, apart int, src []float32, depth *Taps, k0, k1 int) {
	if k0 >= k1 {
		return
	}
	need(len(dst), (PackedPanels-1)*apart+Panel*(k1-k0))
	need(len(src), depth.reach+PackedPanels*Panel)
	need(depth.Len(), k1)
	if pack(dst, apart, src, depth.bytes[k0:k1]) {
		return
	}
	for k, at := range depth.bytes[k0:k1] {
		for i := range PackedPanels {
			*(*[Panel]float32)(dst[i*apart+k*Panel:]) = *(*[Panel]float32)(src[int(at/4)+i*Panel:])
		}
	}
}
