package queue

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/reprodl/reprodl/experiment"
)

// fileStore keeps tasks in a bbolt file, which survives a kill at any moment.
// Several processes use it, so it is opened for each transaction only, under
// bbolt's lock of the file. A transaction touches the pages of one task and of
// the indexes that it is in, however many others there are:
//
//	task     id → record
//	Queued, Running, Failed, Success
//	         sequence → id, so that the first queued task is found at once
//	change   revision → id, one entry a task, so that a watcher reads what is new
//	meta     the version of this layout
//
// The first layout was a single bucket, tasks: sequence → task.
type fileStore struct {
	file  string
	now   func() time.Time
	alive func(Lease) bool                      // nil believes the expiry alone
	marks func(context.Context) ([]Task, error) // what git says is to be done; nil says nothing
	log   *slog.Logger
}

// newFileStore is the store in a file. It starts with what marks returns, and
// with that alone if the file is found damaged.
func newFileStore(file string, marks func(context.Context) ([]Task, error), log *slog.Logger) *fileStore {
	return &fileStore{file: file, now: time.Now, alive: leaseAlive, marks: marks, log: log}
}

var (
	bucketTask   = []byte("task")
	bucketChange = []byte("change")
	bucketMeta   = []byte("meta")
	bucketOld    = []byte("tasks")
	keyVersion   = []byte("version")
	keyBoot      = []byte("boot")
	states       = []TaskState{Queued, Running, Failed, Success}
)

// layout is what keyVersion has. A file with another one is not touched.
const layout = "2"

// record is a task with its places in the indexes.
type record struct {
	Seq, Rev uint64
	Task
}

// key is big-endian, so that bbolt's order of bytes is that of numbers.
func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// decode reads a record. One that cannot be read is damage of the whole file.
func decode(id string, data []byte) (*record, error) {
	r := new(record)
	if data == nil {
		return nil, &damage{fmt.Errorf("task %s is in an index and nowhere else", id)}
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, &damage{fmt.Errorf("task %s: %w", id, err)}
	}
	return r, nil
}

// load reads the task that an index names.
func load(tx *bbolt.Tx, id string) (*record, error) {
	return decode(id, tx.Bucket(bucketTask).Get([]byte(id)))
}

// place writes a record and moves it between the indexes. was is the state that
// it had, "" if it is new.
func place(tx *bbolt.Tx, r *record, was TaskState) error {
	id := []byte(r.ID)
	changes := tx.Bucket(bucketChange)
	// A task has one entry among the changes: the one of its last change.
	if r.Rev != 0 {
		if err := changes.Delete(key(r.Rev)); err != nil {
			return err
		}
	}
	var err error
	if r.Rev, err = changes.NextSequence(); err != nil {
		return err
	}
	if err := changes.Put(key(r.Rev), id); err != nil {
		return err
	}
	if was != r.State {
		if was != "" {
			if err := tx.Bucket([]byte(was)).Delete(key(r.Seq)); err != nil {
				return err
			}
		}
		b := tx.Bucket([]byte(r.State))
		if b == nil {
			return fmt.Errorf("task %s: %q is not a state", r.ID, r.State)
		}
		if err := b.Put(key(r.Seq), id); err != nil {
			return err
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketTask).Put(id, data)
}

// holds reports whether a lease counts: it has not expired, and its worker is
// not known to be gone.
func (s *fileStore) holds(l Lease) bool {
	return s.now().Before(l.Expires) && (s.alive == nil || s.alive(l))
}

// seen is the task as others are to see it: without a lease that is void.
func (s *fileStore) seen(r *record) *Task {
	if r.State == Running && !s.holds(r.Lease) {
		r.State = Queued
	}
	return &r.Task
}

func (s *fileStore) Put(ctx context.Context, tasks ...Task) error {
	if len(tasks) == 0 {
		return ctx.Err()
	}
	return s.update(ctx, func(tx *bbolt.Tx) error { return add(tx, tasks) })
}

// add is Put within a transaction.
func add(tx *bbolt.Tx, tasks []Task) error {
	b := tx.Bucket(bucketTask)
	for i := range tasks {
		if tasks[i].ID == "" {
			return errors.New("a task needs an ID")
		}
		if b.Get([]byte(tasks[i].ID)) != nil {
			continue
		}
		n, err := b.NextSequence()
		if err != nil {
			return err
		}
		if err := place(tx, &record{Seq: n, Task: tasks[i]}, ""); err != nil {
			return err
		}
	}
	return nil
}

func (s *fileStore) Get(ctx context.Context, id string) (*Task, error) {
	var t *Task
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		data := tx.Bucket(bucketTask).Get([]byte(id))
		if data == nil {
			return nil
		}
		r, err := decode(id, data)
		if err == nil {
			t = s.seen(r)
		}
		return err
	})
	if err == nil && t == nil {
		err = unknownTask(id)
	}
	return t, err
}

func unknownTask(id string) error { return fmt.Errorf("task %s: %w", id, experiment.ErrNotFound) }

func (s *fileStore) List(ctx context.Context, want ...TaskState) ([]Task, error) {
	read := want
	switch {
	case len(want) == 0:
		read, want = states, states
	case slices.Contains(want, Queued) && !slices.Contains(want, Running):
		read = append(slices.Clone(want), Running) // the lease may be void
	}
	var found []*record
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		// with may call this again after a repair.
		found = nil
		for _, state := range read {
			b := tx.Bucket([]byte(state))
			if b == nil {
				return fmt.Errorf("%q is not a state of tasks", state)
			}
			err := b.ForEach(func(_, id []byte) error {
				r, err := load(tx, string(id))
				if err == nil && slices.Contains(want, s.seen(r).State) {
					found = append(found, r)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b *record) int { return int(int64(a.Seq) - int64(b.Seq)) })
	list := make([]Task, len(found))
	for i, r := range found {
		list[i] = r.Task
	}
	return list, err
}

func (s *fileStore) Claim(ctx context.Context, l Lease) (*Task, error) {
	id := ""
	// The look is repeated in the transaction that writes: in between, another
	// worker may have claimed the task.
	find := func(tx *bbolt.Tx) (err error) { id, err = s.next(tx, l.Offer); return err }
	// An idle worker writes nothing, and waits for nobody who does.
	if err := s.view(ctx, find); err != nil || id == "" {
		return nil, err
	}
	var claimed *Task
	err := s.update(ctx, func(tx *bbolt.Tx) error {
		claimed = nil
		if err := find(tx); err != nil || id == "" {
			return err
		}
		r, err := load(tx, id)
		if err != nil {
			return err
		}
		was := r.State
		r.State, r.Lease, r.Kill = Running, l, ""
		r.Attempts++
		claimed = &r.Task
		return place(tx, r, was)
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// next is the task to be claimed: the first in the queue that fits, or one that
// is ahead of it and whose worker is gone. As many tasks run as there are
// workers.
func (s *fileStore) next(tx *bbolt.Tx, offer Resources) (string, error) {
	first, queued, err := firstQueued(tx, offer)
	if err != nil {
		return "", err
	}
	c := tx.Bucket([]byte(Running)).Cursor()
	for seq, id := c.First(); seq != nil; seq, id = c.Next() {
		// Sequences are the keys: the first queued task is older than this
		// and all running ones that follow.
		if first != nil && string(seq) > string(first) {
			break
		}
		r, err := load(tx, string(id))
		if err != nil {
			return "", err
		}
		if !s.holds(r.Lease) && r.Options.Resources.Fits(offer) {
			return string(id), nil
		}
	}
	return string(queued), nil
}

// firstQueued is the first task that fits an offer. All fit a zero one.
func firstQueued(tx *bbolt.Tx, offer Resources) (seq, id []byte, err error) {
	c := tx.Bucket([]byte(Queued)).Cursor()
	for seq, id = c.First(); seq != nil && !offer.IsZero(); seq, id = c.Next() {
		r, err := load(tx, string(id))
		if err != nil {
			return nil, nil, err
		}
		if r.Options.Resources.Fits(offer) {
			break
		}
	}
	return seq, id, nil
}

func (s *fileStore) Renew(ctx context.Context, id, token string, until time.Time) (*Task, error) {
	var t *Task
	err := s.Update(ctx, id, token, func(now *Task) error {
		now.Lease.Expires = until
		t = now
		return nil
	})
	return t, err
}

func (s *fileStore) Update(ctx context.Context, id, token string, fn func(*Task) error) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		data := tx.Bucket(bucketTask).Get([]byte(id))
		switch {
		case data == nil && token != "":
			return ErrLeaseLost
		case data == nil:
			return unknownTask(id)
		}
		r, err := decode(id, data)
		if err != nil {
			return err
		}
		// An expired lease still counts until another worker takes the task
		// over: the token tells.
		if token != "" && (r.Lease.Token != token || r.State != Running) {
			return ErrLeaseLost
		}
		was := r.State
		// Without a token fn sees what others see: a task whose worker is gone
		// is queued. The record is written with that state.
		if token == "" {
			s.seen(r)
		}
		if err := call(fn, &r.Task); err != nil {
			return err
		}
		r.ID = id // it is the key
		return place(tx, r, was)
	})
}

// callerPanic tells a panic of the caller's function from one of bbolt's.
type callerPanic struct{ value any }

// call runs the caller's function within a transaction, which a panic ends.
func call(fn func(*Task) error, t *Task) error {
	defer func() {
		if p := recover(); p != nil {
			panic(callerPanic{p})
		}
	}()
	return fn(t)
}

func (s *fileStore) Delete(ctx context.Context, ids ...string) ([]Task, error) {
	var gone []Task
	err := s.update(ctx, func(tx *bbolt.Tx) error {
		gone = nil
		for _, id := range ids {
			data := tx.Bucket(bucketTask).Get([]byte(id))
			if data == nil {
				continue
			}
			r, err := decode(id, data)
			if err != nil {
				return err
			}
			was := r.State
			if s.seen(r).State == Running {
				continue
			}
			if err := errors.Join(tx.Bucket(bucketTask).Delete([]byte(id)), tx.Bucket([]byte(was)).Delete(key(r.Seq)),
				tx.Bucket(bucketChange).Delete(key(r.Rev))); err != nil {
				return err
			}
			gone = append(gone, r.Task)
		}
		return nil
	})
	return gone, err
}
