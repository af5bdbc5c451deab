package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
)

// ArgMinMax finds the place of the first smallest or largest element, or of the
// first that is not a number, along an axis.
func (f *function) ArgMinMax(x compute.Value, axis int, dtype dtypes.DType, isMin bool) (compute.Value, error) {
	if t := orderedType(typeOf(x)); t != typeOf(x) {
		w, err := f.ConvertDType(x, t)
		if err != nil {
			return nil, err
		}
		return f.ArgMinMax(w, axis, dtype, isMin)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.ArgMinMax(in[0].shape, axis, dtype)
	if err != nil {
		return nil, err
	}
	dims := in[0].shape.Dimensions
	o := &order{size: dims[axis], step: strides(dims)[axis], count: out.Size()}
	find := argOn(in[0].shape.DType, isMin)
	toOut := convertOn(dtypes.Int64, dtype)
	switch {
	case find == nil:
		return nil, unsupported(compute.OpTypeArgMinMax, in[0].shape.DType)
	case !dtype.IsInt() || toOut == nil:
		return nil, unsupported(compute.OpTypeArgMinMax, in[0].shape.DType, "places as "+dtype.String())
	}
	return f.add1(&node{op: compute.OpTypeArgMinMax, in: in, run: func(x *run, in, out []tensor) {
		places := make([]int64, o.count)
		find(x, o, places, in[0].flat)
		toOut(x, out[0].flat, places)
	}}, out)
}

// orderedType is the type to compare elements in: false is less than true.
func orderedType(dtype dtypes.DType) dtypes.DType {
	if dtype == dtypes.Bool {
		return dtypes.Uint8
	}
	return wideType(dtype)
}

type argRun func(x *run, o *order, places []int64, src any)

func argOn(dtype dtypes.DType, isMin bool) argRun {
	switch dtype {
	case dtypes.Int8:
		return argNumber[int8](isMin)
	case dtypes.Int16:
		return argNumber[int16](isMin)
	case dtypes.Int32:
		return argNumber[int32](isMin)
	case dtypes.Int64:
		return argNumber[int64](isMin)
	case dtypes.Uint8:
		return argNumber[uint8](isMin)
	case dtypes.Uint16:
		return argNumber[uint16](isMin)
	case dtypes.Uint32:
		return argNumber[uint32](isMin)
	case dtypes.Uint64:
		return argNumber[uint64](isMin)
	case dtypes.Float32:
		return argNumber[float32](isMin)
	case dtypes.Float64:
		return argNumber[float64](isMin)
	}
	return nil
}

func argNumber[T number](isMin bool) argRun {
	return func(x *run, o *order, places []int64, src any) {
		s := src.([]T)
		per := max(1, grain/max(1, o.size))
		x.tasks((len(places)+per-1)/per, func(t int, _ *scratch) {
			for i := t * per; i < min(len(places), (t+1)*per); i++ {
				at := o.start(i)
				best := 0
				for j := 1; j < o.size; j++ {
					v, b := s[at+j*o.step], s[at+best*o.step]
					if b == b && (v != v || isMin && v < b || !isMin && v > b) {
						best = j
					}
				}
				places[i] = int64(best)
			}
		})
	}
}
