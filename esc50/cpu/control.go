package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Call runs a function on inputs.
func (f *function) Call(target compute.Function, inputs ...compute.Value) ([]compute.Value, error) {
	g, captured, err := f.callee(compute.OpTypeCall, "the function", target)
	if err != nil {
		return nil, err
	}
	in, err := f.own(inputs...)
	if err != nil {
		return nil, err
	}
	if err := takes(compute.OpTypeCall, fmt.Sprintf("function %q", g.name), g, shapesOf(in)); err != nil {
		return nil, err
	}
	p := g.compile()
	return f.addAll(&node{op: compute.OpTypeCall, in: append(in, captured...), run: func(x *run, in, out []tensor) {
		x.settle(out, p.call(x, in))
	}}, shapesOf(g.outputs))
}

// If runs one of two closures without parameters.
func (f *function) If(condition compute.Value, onTrue, onFalse compute.Function) ([]compute.Value, error) {
	in, err := f.own(condition)
	if err != nil {
		return nil, err
	}
	if !in[0].shape.IsScalar() || in[0].shape.DType != dtypes.Bool {
		return nil, fmt.Errorf("If: the condition is %s, not a scalar bool", in[0].shape)
	}
	yes, ofYes, err := f.callee(compute.OpTypeIf, "the branch for true", onTrue)
	if err != nil {
		return nil, err
	}
	no, ofNo, err := f.callee(compute.OpTypeIf, "the branch for false", onFalse)
	if err != nil {
		return nil, err
	}
	for _, g := range []*function{yes, no} {
		if err := takes(compute.OpTypeIf, "a branch", g, nil); err != nil {
			return nil, err
		}
	}
	if err := returns(compute.OpTypeIf, "the branch for false", no, shapesOf(yes.outputs)); err != nil {
		return nil, err
	}
	first, second := yes.compile(), no.compile()
	n := &node{op: compute.OpTypeIf, in: append(append(in, ofYes...), ofNo...)}
	n.run = func(x *run, in, out []tensor) {
		p, in := first, in
		if c := in[0].flat.([]bool); !c[0] {
			p, in = second, in[len(ofYes):]
		}
		x.settle(out, p.call(x, in[1:]))
	}
	return f.addAll(n, shapesOf(yes.outputs))
}

// While runs body on the state as long as condition holds for it.
func (f *function) While(condition, body compute.Function, state ...compute.Value) ([]compute.Value, error) {
	in, err := f.own(state...)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("While: no state")
	}
	test, ofTest, err := f.callee(compute.OpTypeWhile, "the condition", condition)
	if err != nil {
		return nil, err
	}
	step, ofStep, err := f.callee(compute.OpTypeWhile, "the body", body)
	if err != nil {
		return nil, err
	}
	shape := shapesOf(in)
	for _, err := range []error{
		takes(compute.OpTypeWhile, "the condition", test, shape),
		takes(compute.OpTypeWhile, "the body", step, shape),
		returns(compute.OpTypeWhile, "the condition", test, []shapes.Shape{shapes.Make(dtypes.Bool)}),
		returns(compute.OpTypeWhile, "the body", step, shape),
	} {
		if err != nil {
			return nil, err
		}
	}
	again, once := test.compile(), step.compile()
	n := &node{op: compute.OpTypeWhile, in: append(append(in, ofTest...), ofStep...)}
	n.run = func(x *run, in, out []tensor) {
		size := len(out)
		ofTest, ofStep := in[size:size+len(ofTest)], in[size+len(ofTest):]
		state := in[:size:size]
		for first := true; ; first = false {
			answer := again.call(x, append(state, ofTest...))
			more := answer[0].flat.([]bool)[0]
			x.release(answer)
			if !more && first {
				for i := range out {
					copySame(out[i].flat, state[i].flat)
				}
				return
			}
			if !more {
				x.settle(out, state)
				return
			}
			next := once.call(x, append(state, ofStep...))
			if !first {
				x.release(state)
			}
			state = next[:size:size]
		}
	}
	return f.addAll(n, shape)
}

// settle moves computed tensors to the memory that a step has for them.
func (x *run) settle(out, from []tensor) {
	for i := range out {
		copySame(out[i].flat, from[i].flat)
	}
	x.release(from)
}

// copySame copies between slices known to be of one type and length.
func copySame(to, from any) {
	if err := copyFlat(to, from); err != nil {
		panic(err)
	}
}

// takes checks a function's parameters.
func takes(op compute.OpType, role string, g *function, in []shapes.Shape) error {
	return same(op, role+" takes", shapesOf(g.params), in)
}

// returns checks a function's outputs.
func returns(op compute.OpType, role string, g *function, out []shapes.Shape) error {
	return same(op, role+" returns", shapesOf(g.outputs), out)
}

func same(op compute.OpType, what string, got, want []shapes.Shape) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %s %d values, not %d", op, what, len(got), len(want))
	}
	for i := range got {
		if !got[i].Equal(want[i]) {
			return fmt.Errorf("%s: %s %s as value %d, not %s", op, what, got[i], i, want[i])
		}
	}
	return nil
}

// addAll is add for operations with a list of results.
func (f *function) addAll(n *node, out []shapes.Shape) ([]compute.Value, error) {
	own, err := f.add(n, out...)
	if err != nil {
		return nil, err
	}
	all := make([]compute.Value, len(own))
	for i, v := range own {
		all[i] = v
	}
	return all, nil
}

// OptimizationBarrier returns its operands. Nothing is computed twice or merged
// in this backend, so that there is nothing to keep from being optimised.
func (f *function) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	in, err := f.own(operands...)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("OptimizationBarrier: no operands")
	}
	return f.addAll(&node{op: compute.OpTypeOptimizationBarrier, in: in}, shapesOf(in))
}

// SchedulingBarrier returns the operand, after all dependencies are computed.
func (f *function) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
	in, err := f.own(append([]compute.Value{operand}, dependencies...)...)
	if err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeSchedulingBarrier, in: in}, in[0].shape)
}
