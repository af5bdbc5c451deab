package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// isHalf tells whether v is of a 16 bit float type.
func isHalf(v compute.Value) bool {
	own, ok := v.(*value)
	return ok && own != nil && own.shape.DType.IsHalfPrecision()
}

// wide converts operands of 16 bit floats to float32.
func (f *function) wide(operands ...compute.Value) ([]compute.Value, error) {
	all := make([]compute.Value, len(operands))
	for i, v := range operands {
		all[i] = v
		if isHalf(v) {
			w, err := f.ConvertDType(v, dtypes.Float32)
			if err != nil {
				return nil, err
			}
			all[i] = w
		}
	}
	return all, nil
}

// narrow converts a result back to the type of the operand like.
func (f *function) narrow(v compute.Value, err error, like compute.Value) (compute.Value, error) {
	if err != nil {
		return nil, err
	}
	return f.ConvertDType(v, like.(*value).shape.DType)
}
