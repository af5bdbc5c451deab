package cpu

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// fft transforms rows of n complex numbers in double precision: by halving if n
// is a power of two, else by Bluestein's algorithm, which makes of it a
// convolution of a length that is. Nothing in it depends on the processor:
// libraries in Go let the compiler fuse multiplications with additions.
type fft struct {
	n        int
	root     []complex128 // exp(-2πik/n) of the halving
	chirp    []complex128 // exp(-πik²/n), of Bluestein
	inner    *fft         // the longer transform
	response []complex128 // transform of the conjugate chirp
}

// turn is exp(-πi p/q).
func turn(p, q int) complex128 {
	angle := float64(p) / float64(q)
	return complex(detmath.CosPi(angle), -detmath.SinPi(angle))
}

func newFFT(n int) *fft {
	f := &fft{n: n}
	if n&(n-1) == 0 {
		f.root = make([]complex128, n/2)
		for k := range f.root {
			f.root[k] = turn(2*k, n)
		}
		return f
	}
	f.inner = newFFT(1 << bits.Len(uint(2*n-2)))
	f.chirp = make([]complex128, n)
	f.response = make([]complex128, f.inner.n)
	for k := range f.chirp {
		f.chirp[k] = turn(k*k%(2*n), n)
		conj := complex(real(f.chirp[k]), -imag(f.chirp[k]))
		f.response[k] = conj
		if k > 0 {
			f.response[f.inner.n-k] = conj
		}
	}
	f.inner.forward(f.response)
	return f
}

// forward transforms x in place.
func (f *fft) forward(x []complex128) {
	if f.inner != nil {
		f.bluestein(x)
		return
	}
	shift := 64 - bits.Len(uint(f.n-1))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); f.n > 1 && i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= f.n; size *= 2 {
		half, step := size/2, f.n/size
		for at := 0; at < f.n; at += size {
			for k := range half {
				a, b := x[at+k], complexMul(x[at+half+k], f.root[k*step])
				x[at+k], x[at+half+k] = a+b, a-b
			}
		}
	}
}

// bluestein uses that -2jk is (j-k)²-j²-k².
func (f *fft) bluestein(x []complex128) {
	y := make([]complex128, f.inner.n)
	for k, v := range x {
		y[k] = complexMul(v, f.chirp[k])
	}
	f.inner.forward(y)
	for k := range y {
		y[k] = complexMul(y[k], f.response[k])
	}
	f.inner.backward(y)
	for k := range x {
		x[k] = complexMul(y[k], f.chirp[k])
	}
}

// backward is the inverse.
func (f *fft) backward(x []complex128) {
	flip := func() {
		for k, v := range x {
			x[k] = complex(imag(v), real(v))
		}
	}
	flip()
	f.forward(x)
	flip()
	scale := float64(f.n)
	for k, v := range x {
		x[k] = complex(real(v)/scale, imag(v)/scale)
	}
}

// FFT transforms along the last axes, one for each length; of real numbers the
// last axis has half of the frequencies, lengths[last]/2+1.
func (f *function) FFT(x compute.Value, kind compute.FFTType, lengths []int) (compute.Value, error) {
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	rank, axes := shape.Rank(), len(lengths)
	if axes == 0 || axes > rank {
		return nil, fmt.Errorf("FFT(%s): %d lengths", shape, axes)
	}
	out, want := shape.Clone(), slices.Clone(lengths)
	last := lengths[axes-1]
	switch kind {
	case compute.FFTForwardReal:
		if shape.DType != dtypes.Float32 && shape.DType != dtypes.Float64 {
			return nil, unsupported(compute.OpTypeFFT, shape.DType, "a transform of real numbers is of Float32 or Float64")
		}
		out = complexShape(out)
		out.Dimensions[rank-1] = last/2 + 1
	case compute.FFTInverseReal:
		want[axes-1] = last/2 + 1
		out.DType = out.DType.RealDType()
		out.Dimensions[rank-1] = last
	case compute.FFTForward, compute.FFTInverse:
	default:
		return nil, fmt.Errorf("FFT(%s): unknown kind %s", shape, kind)
	}
	if kind != compute.FFTForwardReal && !shape.DType.IsComplex() {
		return nil, unsupported(compute.OpTypeFFT, shape.DType, kind.String()+" takes complex numbers")
	}
	if got := shape.Dimensions[rank-axes:]; !slices.Equal(got, want) || slices.Contains(lengths, 0) {
		return nil, fmt.Errorf("FFT(%s): %s of lengths %v takes dimensions %v", shape, kind, lengths, want)
	}
	t := &transform{kind: kind, dims: shape.Dimensions, out: out.Dimensions}
	for _, n := range lengths {
		t.axes = append(t.axes, newFFT(n))
	}
	return f.add1(&node{op: compute.OpTypeFFT, in: in, run: func(x *run, in, out []tensor) { t.run(x, out[0], in[0]) }}, out)
}

// transform is an FFT along the last axes.
type transform struct {
	kind      compute.FFTType
	dims, out []int
	axes      []*fft
}

func (t *transform) run(x *run, out, in tensor) {
	work := make([]complex128, in.shape.Size())
	convertOn(in.shape.DType, dtypes.Complex128)(x, work, in.flat)
	rank, first := len(t.dims), len(t.dims)-len(t.axes)
	inverse := t.kind == compute.FFTInverse || t.kind == compute.FFTInverseReal
	dims := slices.Clone(t.dims)
	if t.kind == compute.FFTForwardReal {
		work = t.lines(x, work, dims, rank-1, t.out[rank-1], inverse)
		dims[rank-1] = t.out[rank-1]
	}
	for axis := first; axis < rank; axis++ {
		if axis == rank-1 && t.kind == compute.FFTForwardReal {
			break
		}
		work = t.lines(x, work, dims, axis, t.out[axis], inverse)
	}
	convertOn(dtypes.Complex128, out.shape.DType)(x, out.flat, work)
}

// lines transforms along one axis and keeps the first of the results.
func (t *transform) lines(x *run, from []complex128, dims []int, axis, keep int, inverse bool) []complex128 {
	f := t.axes[axis-(len(dims)-len(t.axes))]
	size, step := dims[axis], strides(dims)[axis]
	to := make([]complex128, len(from)/size*keep)
	x.tasks(len(from)/size, func(line int, _ *scratch) {
		row := make([]complex128, f.n)
		at := line/step*step*size + line%step
		for i := range min(size, f.n) {
			row[i] = from[at+i*step]
		}
		if size < f.n { // half of the frequencies: the others are conjugate
			for i := size; i < f.n; i++ {
				v := row[f.n-i]
				row[i] = complex(real(v), -imag(v))
			}
		}
		if inverse {
			f.backward(row)
		} else {
			f.forward(row)
		}
		at = line/step*step*keep + line%step
		for i := range keep {
			to[at+i*step] = row[i]
		}
	})
	return to
}
