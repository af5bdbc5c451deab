package pipeline

import (
	"context"
	"slices"
)

// schedule hands out the places of a plan, each after those it waits for. The
// plan is in an order in which nothing waits for what comes later.
type schedule struct {
	waits     []int   // how many are still awaited, per place
	consumers [][]int // who waits
	ready     []int   // sorted
	blocked   []bool
	stopped   bool
}

func newSchedule(n int, producers func(int) []int) *schedule {
	s := &schedule{waits: make([]int, n), consumers: make([][]int, n), blocked: make([]bool, n)}
	for i := range n {
		for _, on := range producers(i) {
			if on != i {
				s.waits[i]++
				s.consumers[on] = append(s.consumers[on], i)
			}
		}
		if s.waits[i] == 0 {
			s.ready = append(s.ready, i)
		}
	}
	return s
}

// run calls do for every place, up to jobs at a time, and done, always from
// the goroutine of the caller, when one has returned. It returns when nothing
// runs any more: after all places, or after stop or the end of ctx.
func (s *schedule) run(ctx context.Context, jobs int, do, done func(int)) {
	finished := make(chan int)
	for running := 0; ; {
		for running < jobs && len(s.ready) > 0 && !s.stopped && ctx.Err() == nil {
			i := s.ready[0]
			s.ready = s.ready[1:]
			if s.blocked[i] {
				s.release(i)
				continue
			}
			// On the caller's own goroutine: with one job nothing runs beside it, and the
			// order of all output is DVC's.
			if jobs == 1 {
				do(i)
				s.release(i)
				done(i)
				continue
			}
			running++
			go func() {
				do(i)
				finished <- i
			}()
		}
		if running == 0 {
			return
		}
		i := <-finished
		running--
		s.release(i)
		done(i)
	}
}

// release lets those go on that waited for i.
func (s *schedule) release(i int) {
	for _, c := range s.consumers[i] {
		// ready stays sorted, so that of several the first of the plan is taken, as
		// DVC would.
		if s.waits[c]--; s.waits[c] == 0 {
			at, _ := slices.BinarySearch(s.ready, c)
			s.ready = slices.Insert(s.ready, at, c)
		}
	}
}

// stop starts nothing more.
func (s *schedule) stop() { s.stopped = true }

// block leaves out everything that depends on i, and returns it in order.
// Those are released like the others when their turn comes, but not run.
func (s *schedule) block(i int) []int {
	var list []int
	for _, c := range s.consumers[i] {
		if !s.blocked[c] {
			s.blocked[c] = true
			list = append(append(list, c), s.block(c)...)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
