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
