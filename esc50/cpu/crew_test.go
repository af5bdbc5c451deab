package cpu

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCrewDoesEveryTaskOnce does jobs right after one another and with breaks in
// which workers leave; each worker's scratch is its own.
func TestCrewDoesEveryTaskOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		c := newCrew(workers)
		busy := make([]sync.Mutex, workers)
		for round := range 600 {
			n := 1 + round*7%23
			times := make([]int, n) // the race detector sees who writes what
			c.run(n, min(n, workers), func(i int, s *scratch) {
				for w := range c.scratch {
					if s == &c.scratch[w] {
						require.True(t, busy[w].TryLock())
						defer busy[w].Unlock()
					}
				}
				s.get(slotIn, 10)[i%10]++
				times[i]++
			})
			for i := range times {
				require.Equal(t, 1, times[i])
			}
			switch round % 100 {
			case 50:
				time.Sleep(2 * lookout)
			case 70:
				time.Sleep(lookout)
			}
		}
		c.end()
	}
}

func TestCrewPanics(t *testing.T) {
	c := newCrew(3)
	defer c.end()
	for _, bad := range []int{0, 4, 9} {
		assert.PanicsWithValue(t, "reason", func() {
			c.run(10, 3, func(i int, _ *scratch) {
				if i == bad {
					panic("reason")
				}
			})
		})
		done := make([]bool, 5)
		c.run(5, 3, func(i int, _ *scratch) { done[i] = true })
		assert.NotContains(t, done, false)
	}
}

// TestCrewLeaves waits for a long task of another worker, and for the workers to go.
func TestCrewLeaves(t *testing.T) {
	time.Sleep(10 * lookout) // those of other tests
	before := runtime.NumGoroutine()
	for range 20 {
		c := newCrew(4)
		c.run(4, 4, func(i int, _ *scratch) {
			if i > 0 {
				time.Sleep(5 * lookout)
			}
		})
		c.end()
	}
	for n := 0; runtime.NumGoroutine() > before; n++ {
		require.Less(t, n, 10_000, "workers stay")
		time.Sleep(time.Millisecond)
	}
}

// TestCrewsOfRuns has many runs one after the other and at a time, which take
// over crews whose workers may still be looking for a job.
func TestCrewsOfRuns(t *testing.T) {
	b := &Backend{workers: 3}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for round := range 200 {
				x := newRun(b)
				for job := range 1 + round%3 {
					done := make([]int, 2+round%5)
					x.tasks(len(done), func(i int, s *scratch) {
						s.get(slotIn, 100*job+10)[i] = 1
						done[i]++
					})
					for _, times := range done {
						assert.Equal(t, 1, times)
					}
				}
				x.end()
			}
		})
	}
	all.Wait()
}
