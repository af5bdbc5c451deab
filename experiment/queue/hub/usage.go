package hub

import "slices"

// usage knows which messages of a journal still say something: those with the
// last version of a task, and those that tell of a deletion while there is an
// older message that tells of the task.
type usage struct {
	live  map[uint64]int      // message → how many things it has to say
	tasks map[uint64][]string // message → the tasks in it
	in    map[string][]uint64 // task → the messages it is in, in order
	gone  map[string]bool     // deleted, and still in a message
	empty []uint64            // messages to be deleted
}

func newUsage() usage {
	return usage{live: map[uint64]int{}, tasks: map[uint64][]string{}, in: map[string][]uint64{}, gone: map[string]bool{}}
}

// add notes that a message, the last so far, has a version of a task.
func (u *usage) add(e *entry, seq uint64) {
	list := u.in[e.ID]
	u.in[e.ID] = append(list, seq)
	u.tasks[seq] = append(u.tasks[seq], e.ID)
	u.live[seq]++
	delete(u.gone, e.ID) // it was added anew
	if e.Gone {
		u.gone[e.ID] = true
	}
	// Older versions say nothing any more; only the latest of them did.
	if len(list) > 0 {
		u.release(list[len(list)-1])
	}
	u.forget(e.ID)
}

func (u *usage) release(seq uint64) {
	if u.live[seq]--; u.live[seq] <= 0 {
		delete(u.live, seq)
		u.empty = append(u.empty, seq)
	}
}

// forget releases the deletion of a task that no other message tells of.
func (u *usage) forget(id string) {
	if list := u.in[id]; u.gone[id] && len(list) == 1 {
		delete(u.gone, id)
		u.release(list[0])
	}
}

// free returns the messages that may be deleted, in that order. The last one is
// kept.
func (u *usage) free(last uint64) (list []uint64) {
	var kept []uint64
	for len(u.empty) > 0 {
		seq := u.empty[0]
		u.empty = u.empty[1:]
		if seq == last {
			kept = append(kept, seq)
			continue
		}
		list = append(list, seq)
		for _, id := range u.tasks[seq] {
			u.in[id] = slices.DeleteFunc(u.in[id], func(s uint64) bool { return s == seq })
			if u.forget(id); len(u.in[id]) == 0 {
				delete(u.in, id)
			}
		}
		delete(u.tasks, seq)
	}
	u.empty = kept
	return list
}
