package pipeline

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// diamond: 1 and 2 wait for 0, 3 for both, 4 for nothing.
func diamond(i int) []int {
	return [][]int{nil, {0}, {0}, {1, 2}, nil}[i]
}

func TestScheduleInOrder(t *testing.T) {
	var order []int
	s := newSchedule(5, diamond)
	s.run(t.Context(), 1, func(i int) { order = append(order, i) }, func(int) {})
	assert.Equal(t, []int{0, 1, 2, 3, 4}, order)
}

func TestScheduleParallel(t *testing.T) {
	var mu sync.Mutex
	done := map[int]bool{}
	s := newSchedule(5, diamond)
	s.run(t.Context(), 3, func(i int) {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range diamond(i) {
			assert.True(t, done[p], "%d before %d", i, p)
		}
		done[i] = true
	}, func(int) {})
	assert.Len(t, done, 5)
}

func TestScheduleBlock(t *testing.T) {
	for _, jobs := range []int{1, 4} {
		var blocked []int
		ran := make([]bool, 5)
		s := newSchedule(5, diamond)
		s.run(t.Context(), jobs, func(i int) { ran[i] = true }, func(i int) {
			if i == 1 {
				blocked = s.block(1)
			}
		})
		assert.Equal(t, []int{3}, blocked)
		assert.Equal(t, []bool{true, true, true, false, true}, ran)
	}
}

func TestScheduleStops(t *testing.T) {
	var order []int
	s := newSchedule(5, diamond)
	s.run(t.Context(), 1, func(i int) { order = append(order, i) }, func(i int) {
		if i == 2 {
			s.stop()
		}
	})
	assert.Equal(t, []int{0, 1, 2}, order)

	ctx, cancel := context.WithCancel(t.Context())
	order = nil
	newSchedule(5, diamond).run(ctx, 1, func(i int) {
		order = append(order, i)
		cancel()
	}, func(int) {})
	assert.Equal(t, []int{0}, order)
}
