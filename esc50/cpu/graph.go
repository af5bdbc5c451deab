package cpu

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
)

// node is one operation of the graph.
type node struct {
	op   compute.OpType
	fn   *function
	in   []*value
	out  []*value
	attr any
	// run computes the outputs, whose elements may be anything before.
	run func(x *run, in, out []tensor)
}

// value is an output of a node; it is this backend's [compute.Value].
type value struct {
	node  *node
	index int // in node.out
	id    int // in the function
	shape shapes.Shape
}

// tensor is the memory of a value.
type tensor struct {
	shape shapes.Shape
	flat  any
}

func (t tensor) f32() []float32 { return t.flat.([]float32) }

// builder implements [compute.Builder].
type builder struct {
	notimplemented.Builder
	backend  *Backend
	name     string
	main     *function
	named    map[string]bool // the functions but main
	compiled bool
}

func newBuilder(b *Backend, name string) *builder {
	bl := &builder{backend: b, name: name, named: make(map[string]bool)}
	bl.ErrFn = refuse
	bl.main = bl.function(compute.MainName, nil)
	return bl
}

// refuse is the error for operations that this backend has not.
func refuse(op compute.OpType) error {
	return fmt.Errorf("backend %s has no %s: %w", BackendName, op, compute.ErrNotImplemented)
}

// Name returns the name of the computation.
func (b *builder) Name() string { return b.name }

// Main returns the function that is executed.
func (b *builder) Main() compute.Function { return b.main }

// OpShape returns the shape of a value of this builder.
func (b *builder) OpShape(v compute.Value) (shapes.Shape, error) { return b.main.Shape(v) }

// add appends a node with outputs of the shapes given.
func (f *function) add(n *node, out ...shapes.Shape) ([]*value, error) {
	if f.returned {
		return nil, fmt.Errorf("backend %s: %s after Return", BackendName, n.op)
	}
	for _, s := range out {
		if err := f.builder.backend.check(0, s); err != nil {
			return nil, fmt.Errorf("%s: %w", n.op, err)
		}
	}
	n.fn = f
	for i, s := range out {
		s.AxisNames = named(s.AxisNames)
		v := &value{node: n, index: i, id: len(f.values), shape: s}
		n.out = append(n.out, v)
		f.values = append(f.values, v)
	}
	return n.out, nil
}

// named is nil unless there is a name: shape inference makes lists of empty ones,
// which GoMLX tells from none.
func named(names []string) []string {
	if slices.ContainsFunc(names, func(name string) bool { return name != "" }) {
		return names
	}
	return nil
}

// add1 is add for one output.
func (f *function) add1(n *node, out shapes.Shape) (compute.Value, error) {
	v, err := f.add(n, out)
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

// unsupported is the error for an operation that exists, but not of a type, and
// says why if it is not just that nobody wrote it.
func unsupported(op compute.OpType, dtype dtypes.DType, why ...string) error {
	reason := ""
	if len(why) > 0 {
		reason = " (" + why[0] + ")"
	}
	return fmt.Errorf("backend %s has no %s of %s%s: %w", BackendName, op, dtype, reason, compute.ErrNotImplemented)
}

// Parameter adds an input.
func (f *function) Parameter(name string, shape shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	if sharding != nil {
		return nil, fmt.Errorf("backend %s: parameter %q is sharded: %w", BackendName, name, compute.ErrNotImplemented)
	}
	v, err := f.add(&node{op: compute.OpTypeParameter, attr: len(f.params)}, shape)
	if err != nil {
		return nil, err
	}
	f.params = append(f.params, v[0])
	f.names = append(f.names, name)
	return v[0], nil
}

// Constant adds a copy of the slice flat.
func (f *function) Constant(flat any, dims ...int) (compute.Value, error) {
	t := reflect.TypeOf(flat)
	if t == nil || t.Kind() != reflect.Slice {
		return nil, fmt.Errorf("backend %s: a constant of type %T", BackendName, flat)
	}
	shape := shapes.Make(dtypes.FromGoType(t.Elem()), dims...)
	if shape.Size() != length(flat) {
		return nil, fmt.Errorf("backend %s: constant of shape %s with %d elements", BackendName, shape, length(flat))
	}
	if err := f.builder.backend.check(0, shape); err != nil {
		return nil, err
	}
	held := dtypes.MakeAnySlice(shape.DType, shape.Size())
	if err := copyFlat(held, flat); err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeConstant, attr: held}, shape)
}

// Return sets the outputs.
func (f *function) Return(outputs []compute.Value, shardings []*compute.ShardingSpec) error {
	for _, s := range shardings {
		if s != nil {
			return fmt.Errorf("backend %s: an output is sharded: %w", BackendName, compute.ErrNotImplemented)
		}
	}
	own, err := f.own(outputs...)
	switch {
	case err != nil:
		return err
	case f.returned:
		return fmt.Errorf("backend %s: Return called twice", BackendName)
	}
	f.outputs, f.returned = own, true
	return nil
}

// Compile makes the computation executable.
func (b *builder) Compile() (compute.Executable, error) {
	switch {
	case b.compiled:
		return nil, fmt.Errorf("backend %s: computation %q is already compiled", BackendName, b.name)
	case !b.main.returned:
		return nil, errors.New("backend " + BackendName + ": Compile before Return")
	}
	b.compiled = true
	return b.main.compile(), nil
}
