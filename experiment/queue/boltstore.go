package queue

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/reprodl/reprodl/experiment"
)

// boltStore keeps tasks in a bbolt file, which survives a crash at any moment.
// Several processes use it, so it is opened for each transaction only, under
// bbolt's lock of the file.
type boltStore struct {
	file  string
	now   func() time.Time
	alive func(Lease) bool // nil believes the expiry alone
}

var bucketTasks = []byte("tasks")

// busyTimeout is how long another process may hold the file: transactions take
// milliseconds.
const busyTimeout = 20 * time.Second

// with runs fn in a transaction. A missing file is an empty queue: reading
// does not create it.
func (s *boltStore) with(ctx context.Context, write bool, fn func(b *bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !write {
		if _, err := os.Stat(s.file); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	} else if err := os.MkdirAll(filepath.Dir(s.file), 0o777); err != nil {
		return err
	}
	db, err := bbolt.Open(s.file, 0o666, &bbolt.Options{Timeout: busyTimeout, ReadOnly: !write})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("%s is held by another process", s.file)
	}
	if err != nil {
		return fmt.Errorf("queue %s: %w", s.file, err)
	}
	defer db.Close()
	if !write {
		return db.View(func(tx *bbolt.Tx) error {
			if b := tx.Bucket(bucketTasks); b != nil {
				return fn(b)
			}
			return nil
		})
	}
	return db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(bucketTasks)
		if err != nil {
			return err
		}
		return fn(b)
	})
}

func put(b *bbolt.Bucket, key []byte, t *Task) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return b.Put(key, data)
}

// each visits the tasks in order, with expired leases taken away.
func (s *boltStore) each(b *bbolt.Bucket, fn func(key []byte, t *Task) error) error {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		t := new(Task)
		if err := json.Unmarshal(v, t); err != nil {
			return fmt.Errorf("queue %s: task %x: %w", s.file, k, err)
		}
		if t.State == Running && !s.holds(t.Lease) {
			t.State = Queued
		}
		if err := fn(slices.Clone(k), t); err != nil {
			return err
		}
	}
	return nil
}

func (s *boltStore) holds(l Lease) bool {
	return s.now().Before(l.Expires) && (s.alive == nil || s.alive(l))
}

func (s *boltStore) Put(ctx context.Context, tasks ...Task) error {
	return s.with(ctx, true, func(b *bbolt.Bucket) error {
		for i := range tasks {
			n, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := put(b, binary.BigEndian.AppendUint64(nil, n), &tasks[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *boltStore) Tasks(ctx context.Context) ([]Task, error) {
	var list []Task
	err := s.with(ctx, false, func(b *bbolt.Bucket) error {
		return s.each(b, func(_ []byte, t *Task) error {
			list = append(list, *t)
			return nil
		})
	})
	return list, err
}

var errStop = errors.New("stop")

func (s *boltStore) Claim(ctx context.Context, l Lease) (*Task, error) {
	if list, err := s.Tasks(ctx); err != nil || !slices.ContainsFunc(list, func(t Task) bool { return t.State == Queued }) {
		return nil, err // an idle worker writes nothing
	}
	var claimed *Task
	err := s.with(ctx, true, func(b *bbolt.Bucket) error {
		err := s.each(b, func(k []byte, t *Task) error {
			if t.State != Queued {
				return nil
			}
			t.State, t.Lease, t.Kill = Running, l, ""
			t.Attempts++
			claimed = t
			if err := put(b, k, t); err != nil {
				return err
			}
			return errStop
		})
		if errors.Is(err, errStop) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

func (s *boltStore) Update(ctx context.Context, id, token string, fn func(*Task) error) error {
	found := false
	err := s.with(ctx, true, func(b *bbolt.Bucket) error {
		err := s.each(b, func(k []byte, t *Task) error {
			if t.ID != id {
				return nil
			}
			found = true
			// An expired lease still counts until another worker takes the
			// task over: the token tells.
			if token != "" && (t.Lease.Token != token || (t.State != Running && t.State != Queued)) {
				return ErrLeaseLost
			}
			if token != "" {
				t.State = Running
			}
			if err := fn(t); err != nil {
				return err
			}
			if err := put(b, k, t); err != nil {
				return err
			}
			return errStop
		})
		if errors.Is(err, errStop) {
			return nil
		}
		return err
	})
	if err == nil && !found {
		err = ErrLeaseLost
		if token == "" {
			err = fmt.Errorf("task %s: %w", id, experiment.ErrNotFound)
		}
	}
	return err
}

func (s *boltStore) Delete(ctx context.Context, ids ...string) ([]Task, error) {
	var gone []Task
	err := s.with(ctx, true, func(b *bbolt.Bucket) error {
		var keys [][]byte
		if err := s.each(b, func(k []byte, t *Task) error {
			if t.State != Running && slices.Contains(ids, t.ID) {
				keys = append(keys, k)
				gone = append(gone, *t)
			}
			return nil
		}); err != nil {
			return err
		}
		for _, k := range keys {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	return gone, err
}
