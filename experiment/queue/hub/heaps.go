package hub

import (
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// place is a task's place in the queue.
type place struct {
	order uint64
	id    string
}

// places is a heap of tasks that need the same, the first one on top.
type places struct {
	need  queue.Resources
	build string // of the program; "" is any
	list  []place
}

func (p *places) Len() int           { return len(p.list) }
func (p *places) Less(i, j int) bool { return p.list[i].order < p.list[j].order }
func (p *places) Swap(i, j int)      { p.list[i], p.list[j] = p.list[j], p.list[i] }
func (p *places) Push(x any)         { p.list = append(p.list, x.(place)) }
func (p *places) Pop() any           { return pop(&p.list) }

// expiry is when a lease ends, if nobody renews it.
type expiry struct {
	at time.Time
	id string
}

// expiries is a heap, the one that ends first on top.
type expiries []expiry

func (x expiries) Len() int           { return len(x) }
func (x expiries) Less(i, j int) bool { return x[i].at.Before(x[j].at) }
func (x expiries) Swap(i, j int)      { x[i], x[j] = x[j], x[i] }
func (x *expiries) Push(v any)        { *x = append(*x, v.(expiry)) }
func (x *expiries) Pop() any          { return pop((*[]expiry)(x)) }

// pop removes the last element.
func pop[T any](list *[]T) any {
	n := len(*list) - 1
	v := (*list)[n]
	*list = (*list)[:n]
	return v
}
