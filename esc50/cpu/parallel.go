package cpu

import (
	"runtime"
	"slices"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// run is one execution of a program.
type run struct {
	backend *Backend
	workers int
	values  []tensor                      // by value id
	norms   []*norms                      // by batch normalisation
	parts   map[*value][][]kernel.Moments // sums of values, for batch normalisation
	crew    *crew
	donated []*buffer // by parameter, what may go before the end
}

// keep holds sums of v for the batch normalisation that reads it.
func (x *run) keep(v *value, parts [][]kernel.Moments) { x.parts[v] = parts }

// scratch is the memory of one worker, kept between tasks.
type scratch struct {
	slots [scratchSlots][]float32
}

// The uses of scratch memory that may be live at the same time.
const (
	slotIn = iota
	slotOut
	slotGrad
	slotRows
	slotSpare
	slotBoth
	slotTiles
	scratchSlots
)

// get returns n elements, which may be anything, in a slot.
func (s *scratch) get(slot, n int) []float32 {
	if cap(s.slots[slot]) < n {
		s.slots[slot] = make([]float32, n)
	}
	return s.slots[slot][:n]
}

// moments are n sums of zero, for one step.
func (x *run) moments(n int) []kernel.Moments {
	m := &x.crew.moments
	*m = slices.Grow((*m)[:0], n)[:n]
	clear(*m)
	return *m
}

func newRun(b *Backend) *run {
	n := b.workers
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return &run{backend: b, workers: n, crew: crewOf(b, n), parts: make(map[*value][][]kernel.Moments)}
}

// end lets another run have the crew.
func (x *run) end() {
	x.crew.end()
	x.backend.crews.Put(x.crew)
}

// tasks runs f for 0 to n-1, spread over the workers in no particular order: a
// task must write what no other task reads or writes.
func (x *run) tasks(n int, f func(task int, s *scratch)) {
	workers := min(n, x.workers)
	if workers <= 1 {
		for i := range n {
			f(i, &x.crew.scratch[0])
		}
		return
	}
	x.crew.run(n, workers, f)
}

// grain is the number of elements that are worth a task of their own.
const grain = 1 << 13

// spans splits 0 to n-1 into spans for the workers.
func (x *run) spans(n int, f func(lo, hi int)) {
	tasks := (n + grain - 1) / grain
	x.tasks(tasks, func(i int, _ *scratch) {
		f(i*grain, min(n, (i+1)*grain))
	})
}
