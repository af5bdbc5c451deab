package cpu

import "github.com/gomlx/compute"

// rewrite builds operations; the first error sticks.
type rewrite struct {
	f   *function
	err error
}

func (b *rewrite) do(v compute.Value, err error) compute.Value {
	if b.err == nil {
		b.err = err
	}
	return v
}
