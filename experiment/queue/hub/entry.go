package hub

import (
	"time"
	"unique"

	"github.com/reprodl/reprodl/experiment/queue"
)

// entry is a task in the hub's memory, and what is written of it.
type entry struct {
	Order  uint64 // place in the queue
	Rev    uint64 // of the last change
	TTL    time.Duration
	Losses int  // attempts whose worker did not come back, since the task was queued
	Gone   bool `json:",omitempty"` // written once, when the task was deleted
	queue.Task
}

// class is the same for tasks that need the same of a worker.
func (e *entry) class() string { return e.Options.Build + " " + e.Options.Resources.String() }

// intern makes texts that many tasks have in common one: there may be hundreds of
// thousands.
func (e *entry) intern() {
	for _, text := range []*string{&e.Baseline, &e.Options.Dir, &e.Options.Build, &e.Options.Message, &e.Lease.Worker, &e.Lease.Host, &e.Lease.Boot,
		&e.Lease.Build, &e.Lease.Offer.GPUType} {
		*text = unique.Make(*text).Value()
	}
}
