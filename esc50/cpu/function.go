package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
)

// function implements [compute.Function]: main, one that is called by name, or a
// closure. A closure reads values of the functions around it as captures, which
// are parameters that the operation it is given to fills in.
type function struct {
	notimplemented.Function
	builder  *builder
	name     string // empty for a closure
	parent   *function
	values   []*value
	params   []*value
	names    []string
	captures []*value // of this function, in the order of captured
	captured []*value // of the parent
	outputs  []*value
	returned bool
	program  *program // once something runs it
}

func (b *builder) function(name string, parent *function) *function {
	f := &function{builder: b, name: name, parent: parent}
	f.ErrFn = refuse
	return f
}

// NewFunction returns a function to call from others.
func (b *builder) NewFunction(name string) (compute.Function, error) {
	switch {
	case b.compiled:
		return nil, fmt.Errorf("backend %s: computation %q is already compiled", BackendName, b.name)
	case name == "" || name == compute.MainName || b.named[name]:
		return nil, fmt.Errorf("backend %s: a second function named %q", BackendName, name)
	}
	b.named[name] = true
	return b.function(name, nil), nil
}

// Name returns the name, empty for a closure.
func (f *function) Name() string { return f.name }

// Builder returns the builder.
func (f *function) Builder() compute.Builder { return f.builder }

// Parent returns the function around a closure, nil for others.
func (f *function) Parent() compute.Function {
	if f.parent == nil {
		return nil // not an interface that holds nil
	}
	return f.parent
}

// Closure returns a function that can read the values of this one.
func (f *function) Closure() (compute.Function, error) {
	if f.builder.compiled {
		return nil, fmt.Errorf("backend %s: computation %q is already compiled", BackendName, f.builder.name)
	}
	return f.builder.function("", f), nil
}

// Shape returns the shape of a value of any function of the computation.
func (f *function) Shape(v compute.Value) (shapes.Shape, error) {
	o, ok := v.(*value)
	if !ok || o == nil || o.node.fn.builder != f.builder {
		return shapes.Invalid(), fmt.Errorf("backend %s: %T is not of this computation", BackendName, v)
	}
	return o.shape, nil
}

// own checks that values come from this function or those around it, and
// captures the latter.
func (f *function) own(values ...compute.Value) ([]*value, error) {
	if f.builder.compiled {
		return nil, fmt.Errorf("backend %s: computation %q is already compiled", BackendName, f.builder.name)
	}
	own := make([]*value, len(values))
	for i, v := range values {
		o, ok := v.(*value)
		if !ok || o == nil || !o.node.fn.surrounds(f) {
			return nil, fmt.Errorf("backend %s: operand %d (%T) is not of this computation", BackendName, i, v)
		}
		var err error
		if own[i], err = f.capture(o); err != nil {
			return nil, err
		}
	}
	return own, nil
}

// surrounds tells whether g is f or a closure in it.
func (f *function) surrounds(g *function) bool {
	for ; g != nil; g = g.parent {
		if g == f {
			return true
		}
	}
	return false
}

// capture returns what v, of a function around this one, is called here.
func (f *function) capture(v *value) (*value, error) {
	if v.node.fn == f {
		return v, nil
	}
	outer, err := f.parent.capture(v)
	if err != nil {
		return nil, err
	}
	for i, c := range f.captured {
		if c == outer {
			return f.captures[i], nil
		}
	}
	n := &node{op: compute.OpTypeParameter}
	if outer.node.op == compute.OpTypeConstant {
		n = &node{op: compute.OpTypeConstant, attr: outer.node.attr} // known here too
	}
	own, err := f.add(n, outer.shape)
	if err != nil {
		return nil, err
	}
	if n.op == compute.OpTypeParameter {
		f.captures, f.captured = append(f.captures, own[0]), append(f.captured, outer)
	}
	return own[0], nil
}

// callee checks a function that an operation of f runs, and returns what it
// needs besides arguments.
func (f *function) callee(op compute.OpType, role string, target compute.Function) (*function, []*value, error) {
	g, ok := target.(*function)
	switch {
	case !ok || g == nil || g.builder != f.builder:
		return nil, nil, fmt.Errorf("%s: %s (%T) is not a function of this computation", op, role, target)
	case !g.returned:
		return nil, nil, fmt.Errorf("%s: %s has no Return yet", op, role)
	case g.parent != nil && !g.parent.surrounds(f):
		return nil, nil, fmt.Errorf("%s: %s is a closure of another function", op, role)
	}
	captured := make([]*value, len(g.captured))
	for i, v := range g.captured {
		var err error
		if captured[i], err = f.capture(v); err != nil {
			return nil, nil, err
		}
	}
	return g, captured, nil
}

// compile returns the program of a function that has returned.
func (f *function) compile() *program {
	if f.program == nil {
		f.program = compile(f)
	}
	return f.program
}
