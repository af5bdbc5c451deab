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
	Max // not a number if either is not one; 0 is more than -0
	Min
	opCount
)

// Which operands of Binary stand for as many elements as needed.
const (
	bothVectors = iota
	yScalar
	xScalar
)

// binaryFunc is an operation in one of these modes.
type binaryFunc func(dst, x, y *float32, n int)

// Binary sets dst to x op y. An operand of one element stands for as many as
// needed; dst may be an operand.
func Binary(op Op, dst, x, y []float32) {
	n := len(dst)
	if n == 0 {
		return
	}
	mode := bothVectors
	switch {
	case len(y) == 1 && n > 1:
		mode = yScalar
	case len(x) == 1 && n > 1:
		mode = xScalar
	}
	if mode != xScalar {
		need(len(x), n)
	}
	if mode != yScalar {
		need(len(y), n)
	}
	binary(op, mode, dst, x, y)
}

// Sqrt sets dst to the square roots of x; dst may be x.
func Sqrt(dst, x []float32) {
	n := len(dst)
	need(len(x), n)
	sqrt(dst, x[:n])
}

func sqrtGeneric(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(math.Sqrt(float64(v)))
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
		case Max:
			dst[i] = max(a, b)
		case Min:
			dst[i] = min(a, b)
		}
	}
}

// Sign sets dst to -1 or 1 by the sign of x, and to x where that is zero or not
// a number; dst may be x.
func Sign(dst, x []float32) {
	n := len(dst)
	need(len(x), n)
	sign(dst, x[:n])
}

func signGeneric(dst, x []float32) {
	for i, v := range x {
		switch {
		case v > 0:
			dst[i] = 1
		case v < 0:
			dst[i] = -1
		default:
			dst[i] = v
		}
	}
}
