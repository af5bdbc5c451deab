package cpu

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// crew is the goroutines of a run beside the caller's. A recurrent network's run
// has hundreds of steps of some ten microseconds, in which time a goroutine is
// just started; so those that have nothing to do look for the next job for a
// while, and are gone only then.
type crew struct {
	job     atomic.Pointer[job] // the last one; nil = none yet
	ended   atomic.Bool
	there   []atomic.Bool // by worker; the first is the caller
	scratch []scratch
	moments []kernel.Moments
	wake    chan struct{} // holds one
}

// lookout is how long a worker looks for the next job.
const lookout = 60 * time.Microsecond

func newCrew(workers int) *crew {
	return &crew{there: make([]atomic.Bool, workers), scratch: make([]scratch, workers), wake: make(chan struct{}, 1)}
}

// crewOf is a crew of another run that has ended, with its scratch memory, or a
// new one.
func crewOf(b *Backend, workers int) *crew {
	if c, ok := b.crews.Get().(*crew); ok && len(c.there) == workers {
		c.ended.Store(false)
		return c
	}
	return newCrew(workers)
}

// end sends the workers away. The last job goes, with what it refers to.
func (c *crew) end() {
	c.job.Store(new(job))
	c.ended.Store(true)
}

// job is tasks 0 to n-1.
type job struct {
	do      func(task int, s *scratch)
	n       int64
	shares  []share      // by worker
	done    atomic.Int64 // how many tasks are
	waiting atomic.Int32
	failure atomic.Pointer[failed]
}

// share is the tasks that are a worker's first of all, neighbours, so that it does
// the same part of one step after the other, which its core's caches hold. Who
// has done their own take the last of others'.
type share struct {
	left atomic.Uint64 // the next, and the end in the upper half
	_    [56]byte      // a line of the cache of its own
}

// take returns a task that nobody has taken.
func (s *share) take(first bool) (task int, ok bool) {
	for {
		left := s.left.Load()
		next, end := uint32(left), uint32(left>>32)
		if next >= end {
			return 0, false
		}
		task = int(next)
		if first {
			next++
		} else {
			end--
			task = int(end)
		}
		if s.left.CompareAndSwap(left, uint64(next)|uint64(end)<<32) {
			return task, true
		}
	}
}

// The states of job.waiting.
const (
	notWaiting = iota
	waits      // the caller will receive from crew.wake
	woken      // whoever did the last task sends
)

// failed is the reason of a panic in a task.
type failed struct{ reason any }

// run does a job with so many workers, and panics as the first task that did.
func (c *crew) run(n, workers int, do func(task int, s *scratch)) {
	j := &job{do: do, n: int64(n), shares: make([]share, workers)}
	for w := range j.shares {
		j.shares[w].left.Store(uint64(w*n/workers) | uint64((w+1)*n/workers)<<32)
	}
	c.job.Store(j)
	for w := 1; w < workers; w++ {
		if c.there[w].CompareAndSwap(false, true) {
			go c.work(w)
		}
	}
	j.take(c, 0)
	j.wait(c)
	if f := j.failure.Load(); f != nil {
		panic(f.reason)
	}
}

// work is a worker's life.
func (c *crew) work(w int) {
	var last *job
	for {
		if j := c.await(last, w); j != nil {
			last = j
			j.take(c, w)
			continue
		}
		c.there[w].Store(false)
		// A job that came meanwhile counts on this worker, unless another was started.
		if c.ended.Load() || c.job.Load() == last || !c.there[w].CompareAndSwap(false, true) {
			return
		}
	}
}

// await looks for a job after the last one, and returns nil if there is none in
// time.
func (c *crew) await(last *job, w int) *job {
	if j := c.job.Load(); j != last {
		return j
	}
	if w >= runtime.GOMAXPROCS(0) {
		return nil // others have better uses for the processor
	}
	for start := time.Now(); !c.ended.Load() && time.Since(start) < lookout; {
		for range 64 {
			if j := c.job.Load(); j != last {
				return j
			}
		}
	}
	return nil
}

// take does tasks until all are taken.
func (j *job) take(c *crew, w int) {
	for i := range j.shares {
		s := &j.shares[(w+i)%len(j.shares)]
		for {
			task, ok := s.take(i == 0)
			if !ok {
				break
			}
			j.one(c, task, &c.scratch[w])
		}
	}
}

// one does a task, none any more after one that failed.
func (j *job) one(c *crew, i int, s *scratch) {
	defer func() {
		if r := recover(); r != nil {
			j.failure.CompareAndSwap(nil, &failed{r})
		}
		if j.done.Add(1) == j.n && j.waiting.CompareAndSwap(waits, woken) {
			c.wake <- struct{}{}
		}
	}()
	if j.failure.Load() == nil {
		j.do(i, s)
	}
}

// wait returns when all tasks are done, of which others have the last ones.
func (j *job) wait(c *crew) {
	for start := time.Now(); time.Since(start) < lookout; {
		for range 64 {
			if j.done.Load() == j.n {
				return
			}
		}
	}
	j.waiting.Store(waits)
	if j.done.Load() == j.n && j.waiting.CompareAndSwap(waits, notWaiting) {
		return
	}
	<-c.wake
}
