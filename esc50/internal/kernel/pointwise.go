package kernel

import "math"

// Op is an arithmetic operation.
type Op int

// The operations of [Binary].
const (
	Add Op = iota
	Sub
	Mul
	Div
)

// Binary sets dst to x op y. An operand of one element stands for as many as
// needed; dst may be an operand.
func Binary(op Op, dst, x, y []float32) {
	n := len(dst)
	if n == 0 {
		return
	}
	mode := 0 // both vectors
	switch {
	case len(y) == 1 && n > 1:
		mode = 1
	case len(x) == 1 && n > 1:
		mode = 2
	}
	if mode != 2 {
		need(len(x), n)
	}
	if mode != 1 {
		need(len(y), n)
	}
	switch level {
	case AVX512:
		binaryAVX512[op][mode](&dst[0], &x[0], &y[0], n)
	case AVX2:
		binaryAVX2[op][mode](&dst[0], &x[0], &y[0], n)
	default:
		binaryGeneric(op, dst, x, y)
	}
}

// Sqrt sets dst to the square roots of x; dst may be x.
func Sqrt(dst, x []float32) {
	n := len(dst)
	need(len(x), n)
	switch {
	case n == 0:
	case level == AVX512:
		sqrtAVX512(&dst[0], &x[0], n)
	case level == AVX2:
		sqrtAVX2(&dst[0], &x[0], n)
	default:
		for i, v := range x[:n] {
			dst[i] = float32(math.Sqrt(float64(v)))
		}
	}
}

func binaryGeneric(op Op, dst, x, y []float32) {
	for i := range dst {
		a, b := x[min(i, len(x)-1)], y[min(i, len(y)-1)]
		switch op {
		case Add:
			dst[i] = a + b
		case Sub:
			dst[i] = a - b
		case Mul:
			dst[i] = a * b
		case Div:
			dst[i] = a / b
		}
	}
}
