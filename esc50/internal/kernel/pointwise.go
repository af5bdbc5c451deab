package kernel

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
