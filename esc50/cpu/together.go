package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// Steps that follow one another and go row by row, as the sums, maxima and chains
// of a softmax or of a layer's normalisation, run together: some rows go through
// all of them before the next ones do, so that what one step writes the next reads
// from the caches. Every element comes from the same operations in the same order.

// byRows is how a step can be done row by row.
type byRows struct {
	rows int // zero: any number that divides size
	size int // elements of a chain, or that are reduced
	// bind returns what does rows r0 to r1-1 of so many.
	bind func(x *run, rows int) func(r0, r1 int, s *scratch)
	// loose are the values that are not read by the same rows.
	loose func(rows int) []*value
}

// fits tells whether a step can be cut in so many rows.
func (b *byRows) fits(rows int) bool {
	if b.rows > 0 {
		return b.rows == rows
	}
	return b.size%rows == 0
}

// rowReduction is how a node that reduces the last axes goes by rows, nil if it
// does not.
func rowReduction(n *node) *byRows {
	axes, ok := n.attr.([]int)
	if !ok || len(n.in) != 1 || n.in[0].shape.DType != dtypes.Float32 {
		return nil
	}
	switch n.op {
	case compute.OpTypeReduceSum, compute.OpTypeReduceMax, compute.OpTypeReduceMin:
	default:
		return nil
	}
	r := newReduction(n.in[0].shape.Dimensions, axes)
	if r.columns > 0 || len(r.outer) != 1 || r.n == 1 || r.size == 1 {
		return nil
	}
	do := reduceOn(n.op, dtypes.Float32)
	return &byRows{
		rows: r.size, size: r.size * r.n,
		bind: func(x *run, _ int) func(r0, r1 int, s *scratch) {
			src, dst := x.tensor(n.in[0]).f32(), x.tensor(n.out[0]).f32()
			return func(r0, r1 int, s *scratch) {
				part := &reduction{size: r1 - r0, first: r.first[r0:r1], outer: r.outer, n: r.n}
				x.alone(s, func(y *run) { do(y, part, dst[r0:r1], src) })
			}
		},
		loose: func(int) []*value { return nil },
	}
}

// alone calls f with a run whose tasks are all done by who calls it.
func (x *run) alone(s *scratch, f func(y *run)) {
	c := &crew{scratch: []scratch{*s}}
	f(&run{backend: x.backend, workers: 1, crew: c})
	*s = c.scratch[0]
}

// byRows is how a chain goes by rows, nil if it does not.
func (c *chain) byRows() *byRows {
	for _, o := range c.ops {
		if len(o.to) > 0 { // elsewhere
			return nil
		}
	}
	for _, l := range c.leaves {
		if l.drawn { // in pairs
			return nil
		}
	}
	return &byRows{
		size: c.size,
		bind: func(x *run, rows int) func(r0, r1 int, s *scratch) {
			do, width := c.bind(x), c.size/rows
			return func(r0, r1 int, s *scratch) { do(r0*width, r1*width, s) }
		},
		loose: func(rows int) []*value {
			var all []*value
			for _, l := range c.leaves {
				if !l.byRow(c.size, rows) {
					all = append(all, l.v)
				}
			}
			return all
		},
	}
}

// byRow tells whether every row of the result reads the same one of the operand.
func (l *view) byRow(size, rows int) bool {
	return l.cut.run == 0 && l.first == 0 && l.period*l.inner == size && l.period%rows == 0
}

// join joins steps that go by the same rows.
func (p *plan) join() {
	var joined []step
	for i := 0; i < len(p.steps); {
		n, rows := sameRows(p.steps[i:])
		if n < 2 {
			joined = append(joined, p.steps[i])
			i++
			continue
		}
		joined = append(joined, joinSteps(p.steps[i:i+n], rows))
		i += n
	}
	p.steps = joined
}

// sameRows is how many of the first steps can run together, and in how many rows.
func sameRows(steps []step) (n, rows int) {
	for _, s := range steps {
		if s.byRows == nil {
			break
		}
		if rows = s.byRows.rows; rows > 0 {
			break
		}
	}
	if rows == 0 {
		return 0, 0
	}
	written, loose := make(map[*value]bool), make(map[*value]bool)
	for ; n < len(steps); n++ {
		s := &steps[n]
		if s.byRows == nil || !s.byRows.fits(rows) {
			break
		}
		others := s.byRows.loose(rows)
		for _, v := range others {
			if written[root(v)] {
				return n, rows
			}
		}
		for _, v := range s.over {
			if v != nil && loose[root(v)] { // it would be read when part of it is written over
				return n, rows
			}
		}
		for _, v := range others {
			loose[root(v)] = true
		}
		for _, v := range s.write {
			written[root(v)] = true
		}
	}
	return n, rows
}

// rowsGrain is how many elements of the widest step are a task.
const rowsGrain = 1 << 13

// joinSteps makes one step of several.
func joinSteps(steps []step, rows int) step {
	widest := 1
	for _, s := range steps {
		widest = max(widest, s.byRows.size/rows)
	}
	each := max(1, rowsGrain/widest)
	return step{what: "rows", joined: steps, run: func(x *run) {
		do := make([]func(r0, r1 int, s *scratch), len(steps))
		for i, s := range steps {
			do[i] = s.byRows.bind(x, rows)
		}
		x.tasks((rows+each-1)/each, func(t int, s *scratch) {
			for _, f := range do {
				f(t*each, min(rows, (t+1)*each), s)
			}
		})
	}}
}
