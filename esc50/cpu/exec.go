package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// program is a compiled computation; it implements [compute.Executable].
type program struct {
	backend *Backend
	name    string
	names   []string
	params  []*value
	// captures are values of the enclosing function, inputs after params.
	captures []*value
	outputs  []*value
	values   int // number of ids
	norms    int
	consts   []*value
	steps    []step
}

// step computes some values. Memory for the written ones is taken before, and
// that of the dead ones returned after it.
type step struct {
	what  string
	read  []*value
	write []*value
	dead  []*value // may go after it
	over  []*value // by what is written: a value that is read last here, and gives its memory; nil for none
	chain *chain   // that it runs; nil if another operation
	spent []int    // parameters that may go if they are donated
	run   func(x *run)
	// byRows is how it can be done row by row, nil if it cannot. joined are the
	// steps that it does so.
	byRows *byRows
	joined []step
}

// Finalize frees nothing: a program holds no memory between executions.
func (p *program) Finalize() {}

// Inputs returns the names and shapes of the parameters.
func (p *program) Inputs() ([]string, []shapes.Shape) { return p.names, shapesOf(p.params) }

// Outputs returns the shapes of the results.
func (p *program) Outputs() []shapes.Shape { return shapesOf(p.outputs) }

func shapesOf(values []*value) []shapes.Shape {
	all := make([]shapes.Shape, len(values))
	for i, v := range values {
		all[i] = v.shape
	}
	return all
}

// Execute computes the outputs.
func (p *program) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) (out []compute.Buffer, err error) {
	x := newRun(p.backend)
	defer x.end()
	x.values = make([]tensor, p.values)
	x.norms = make([]*norms, p.norms)
	if err := p.bind(x, inputs, device); err != nil {
		return nil, err
	}
	x.donated = donated(inputs, donate)
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("backend %s: computation %q: %v", BackendName, p.name, r)
		}
	}()
	p.compute(x)
	out = make([]compute.Buffer, len(p.outputs))
	for i, v := range p.outputs {
		out[i] = &buffer{backend: p.backend, shape: v.shape, flat: x.values[v.id].flat}
	}
	for i := range inputs {
		if i < len(donate) && donate[i] {
			if err := inputs[i].Finalize(); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// donated are the inputs whose memory may be used again as soon as no step reads
// them, nil for others: a buffer that is given twice stays to the end.
func donated(inputs []compute.Buffer, donate []bool) []*buffer {
	var own []*buffer
	given := make(map[compute.Buffer]int)
	for i, in := range inputs {
		given[in]++
		if i < len(donate) && donate[i] {
			own = append(own, make([]*buffer, i+1-len(own))...)
			own[i] = in.(*buffer)
		}
	}
	for i, b := range own {
		if b != nil && given[b] > 1 {
			own[i] = nil
		}
	}
	return own
}

// compute runs the steps, given the parameters' memory.
func (p *program) compute(x *run) {
	for _, c := range p.consts {
		x.values[c.id] = tensor{c.shape, c.node.attr}
	}
	for i := range p.steps {
		s := &p.steps[i]
		s.open(x)
		s.run(x)
		s.close(x)
	}
}

// open takes memory for what the step writes.
func (s *step) open(x *run) {
	for i := range s.joined {
		s.joined[i].open(x)
	}
	for i, v := range s.write {
		x.values[v.id] = tensor{v.shape, s.place(x, i)}
	}
}

// close gives back the memory of what nobody reads any more.
func (s *step) close(x *run) {
	for i := range s.joined {
		s.joined[i].close(x)
	}
	for _, v := range s.dead {
		x.backend.pool.put(v.shape.DType, x.values[v.id].flat)
		x.values[v.id] = tensor{}
	}
	for _, i := range s.spent {
		if b := x.given(i); b != nil {
			_ = b.Finalize() // which has no error
		}
	}
}

// place is memory for a value that the step writes.
func (s *step) place(x *run, i int) any {
	v := s.write[i]
	if i < len(s.over) && s.over[i] != nil {
		from := s.over[i]
		flat := x.values[from.id].flat
		parameter, ok := from.node.attr.(int)
		if !ok || from.node.op != compute.OpTypeParameter {
			return flat
		}
		if b := x.given(parameter); b != nil {
			b.flat = nil
			return flat
		}
	}
	return x.backend.pool.get(v.shape.DType, v.shape.Size())
}

// given is the buffer of a parameter that may go, nil if it may not.
func (x *run) given(parameter int) *buffer {
	if parameter < len(x.donated) {
		return x.donated[parameter]
	}
	return nil
}

// call computes the outputs of a function, in memory of their own, as part of
// another's run.
func (p *program) call(x *run, in []tensor) []tensor {
	y := &run{backend: x.backend, workers: x.workers, crew: x.crew, parts: make(map[*value][][]kernel.Moments)}
	y.values = make([]tensor, p.values)
	y.norms = make([]*norms, p.norms)
	for i, v := range p.params {
		y.values[v.id] = tensor{v.shape, in[i].flat}
	}
	for i, v := range p.captures {
		y.values[v.id] = tensor{v.shape, in[len(p.params)+i].flat}
	}
	p.compute(y)
	out := make([]tensor, len(p.outputs))
	for i, v := range p.outputs {
		out[i] = tensor{v.shape, y.values[v.id].flat}
	}
	return out
}

// release gives the memory of tensors back.
func (x *run) release(all []tensor) {
	for _, t := range all {
		x.backend.pool.put(t.shape.DType, t.flat)
	}
}

// bind sets the parameters' memory.
func (p *program) bind(x *run, inputs []compute.Buffer, device compute.DeviceNum) error {
	if len(inputs) != len(p.params) {
		return fmt.Errorf("backend %s: computation %q takes %d inputs, not %d", BackendName, p.name, len(p.params), len(inputs))
	}
	if device != 0 {
		return fmt.Errorf("backend %s: no device %d", BackendName, device)
	}
	for i, in := range inputs {
		b, ok := in.(*buffer)
		if !ok || b.backend != p.backend {
			return fmt.Errorf("backend %s: input %d (%s) is of another backend", BackendName, i, p.names[i])
		}
		if b.flat == nil {
			return fmt.Errorf("backend %s: input %d (%s): %w", BackendName, i, p.names[i], errFinalized)
		}
		if want := p.params[i].shape; !want.Equal(b.shape) {
			return fmt.Errorf("backend %s: input %d (%s) is %s, not %s", BackendName, i, p.names[i], b.shape, want)
		}
		x.values[p.params[i].id] = tensor{b.shape, b.flat}
	}
	return nil
}

// alloc is memory of n elements within a step; give it back with free.
func (x *run) alloc(n int) []float32 {
	return x.backend.pool.get(dtypes.Float32, n).([]float32)
}

func (x *run) free(f []float32) { x.backend.pool.put(dtypes.Float32, f) }
