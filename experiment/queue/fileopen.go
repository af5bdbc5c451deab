package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/reprodl/reprodl/internal/host"
)

// busyTimeout is how long another process may hold the file: transactions take
// milliseconds.
const busyTimeout = 20 * time.Second

// damage says that the file is not, or no longer, a store.
type damage struct{ err error }

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

// errMissing asks for the file to be made.
var errMissing = &damage{fs.ErrNotExist}

// view runs fn in a transaction that reads. Readers share the lock of the file.
func (s *fileStore) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := os.Stat(s.file); errors.Is(err, fs.ErrNotExist) {
		// A queue nobody used is empty, and reading does not make the file.
		if lost, err := s.lost(ctx); err != nil || len(lost) == 0 {
			return err
		}
	}
	return s.with(ctx, &bbolt.Options{Timeout: busyTimeout, ReadOnly: true}, func(db *bbolt.DB) error { return db.View(fn) })
}

// update does not wait for the disk where the system tells one boot from
// another. A kill loses nothing by that. After a power cut the file may be old
// or damaged: the first update of the next boot looks (see repair), and what is
// yet to be done is in git.
func (s *fileStore) update(ctx context.Context, fn func(*bbolt.Tx) error) error {
	careless := host.Boot() != ""
	opts := &bbolt.Options{Timeout: busyTimeout, NoSync: careless, NoGrowSync: careless}
	return s.with(ctx, opts, func(db *bbolt.DB) error { return db.Update(fn) })
}

// with opens the file for one transaction. One that is missing is made, one
// that is damaged is set aside first, and then the transaction is tried again.
func (s *fileStore) with(ctx context.Context, opts *bbolt.Options, fn func(*bbolt.DB) error) error {
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.open(opts, fn)
		var d *damage
		if !errors.As(err, &d) || try == 2 {
			return err
		}
		if err := s.repair(ctx); err != nil {
			return err
		}
	}
}

// open opens the file and calls fn. bbolt reads a mapping of the file and
// trusts its pages: of a damaged file it panics, of a short one the mapping
// faults. Both become errors here.
func (s *fileStore) open(opts *bbolt.Options, fn func(*bbolt.DB) error) error {
	fi, err := os.Stat(s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errMissing
	case err != nil:
		return err
	case fi.Size() == 0: // bbolt would make a store of it, which has no tasks
		return &damage{errors.New("the file is empty")}
	}
	return s.guarded(opts, func(db *bbolt.DB) error {
		if err := s.check(db); err != nil {
			return err
		}
		return fn(db)
	})
}

// guarded turns what bbolt makes of a damaged file into errors.
func (s *fileStore) guarded(opts *bbolt.Options, fn func(*bbolt.DB) error) (err error) {
	// bbolt's own file is out of reach after a panic, so it is opened here.
	var file *os.File
	o := *opts
	o.OpenFile = func(name string, flag int, perm os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(name, flag, perm)
		return file, err
	}
	// A fault in the mapping becomes a panic; the setting is the goroutine's.
	defer func(old bool) { debug.SetPanicOnFault(old) }(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if file != nil {
				// A panic in bbolt.Open leaves the mapping, which keeps the lock.
				host.Unlock(file)
				file.Close()
			}
			if c, ok := p.(callerPanic); ok {
				panic(c.value)
			}
			err = &damage{fmt.Errorf("%v", p)}
		}
	}()
	db, err := bbolt.Open(s.file, 0o666, &o)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s is held by another process", s.file)
	case errors.Is(err, fs.ErrNotExist):
		return errMissing
	case errors.Is(err, fs.ErrPermission):
		return err
	case err != nil:
		return &damage{err}
	}
	defer db.Close()
	return fn(db)
}

// check tells whether the file has this layout and, before it is written to,
// whether it was looked at since the machine booted.
func (s *fileStore) check(db *bbolt.DB) error {
	return db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketMeta)
		if b == nil {
			return errOldLayout
		}
		if v := string(b.Get(keyVersion)); v != layout {
			// Not damage: a file of a later version must not be set aside.
			return fmt.Errorf("%s has the layout %q of a later version; this one reads %q", s.file, v, layout)
		}
		if !db.IsReadOnly() && string(b.Get(keyBoot)) != host.Boot() {
			return errRebooted
		}
		return nil
	})
}

// Reasons to repair a file that may be sound.
var (
	errOldLayout = &damage{errors.New("the layout is that of an earlier version")}
	errRebooted  = &damage{errors.New("the machine was started anew since the last change")}
)

// repair leaves a store of this layout, with everything that is marked, in the
// place of a missing, damaged or old one. One process does it at a time.
func (s *fileStore) repair(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(s.file), 0o777); err != nil {
		return err
	}
	lock, err := os.OpenFile(s.file+".lock", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer lock.Close()
	for {
		ok, err := host.TryLock(lock)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	// Another process may have done it meanwhile.
	err = s.open(&bbolt.Options{Timeout: busyTimeout}, func(db *bbolt.DB) error { return db.View(whole) })
	var d *damage
	switch {
	case err == nil || !errors.As(err, &d):
		return err
	}
	tasks, merr := s.lost(ctx)
	if merr != nil {
		return merr
	}
	switch {
	// A file that is whole but old is changed in place and keeps what only it
	// knows: states, attempts, errors.
	case errors.Is(err, errOldLayout):
		err = s.renovate(migrate)
	case errors.Is(err, errRebooted):
		err = s.renovate(func(tx *bbolt.Tx) error { return errors.Join(whole(tx), lay(tx), add(tx, tasks)) })
	}
	if err == nil || !errors.As(err, &d) {
		return err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		// Kept, not deleted: its tasks' outcomes may be of use to somebody.
		aside := fmt.Sprintf("%s.damaged-%s", s.file, s.now().UTC().Format("20060102T150405.000000"))
		if err := os.Rename(s.file, aside); err != nil {
			return err
		}
		s.log.Warn(fmt.Sprintf("the queue %s is damaged (%v) and has been set aside as %s; %d experiments are queued again from their marks in git",
			s.file, d, filepath.Base(aside), len(tasks)))
	}
	return s.make(tasks)
}

// lost is what git says is to be done.
func (s *fileStore) lost(ctx context.Context) ([]Task, error) {
	if s.marks == nil {
		return nil, nil
	}
	return s.marks(ctx)
}

// whole reads everything once, so that damage anywhere is found.
func whole(tx *bbolt.Tx) error {
	for _, state := range states {
		b := tx.Bucket([]byte(state))
		if b == nil {
			return &damage{fmt.Errorf("there is no index of %s tasks", state)}
		}
		if err := b.ForEach(func(_, id []byte) error { _, err := load(tx, string(id)); return err }); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketChange).ForEach(func(_, _ []byte) error { return nil })
}

// renovate makes a change of the whole file, in one transaction.
func (s *fileStore) renovate(fn func(*bbolt.Tx) error) error {
	return s.guarded(&bbolt.Options{Timeout: busyTimeout}, func(db *bbolt.DB) error { return db.Update(fn) })
}

// make writes a new store beside its place and moves it there, so that a kill
// or a full disk leaves none rather than half of one.
func (s *fileStore) make(tasks []Task) error {
	// One that is there was left by a kill; the caller holds the lock, so
	// nobody else is writing it.
	tmp := s.file + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(tmp, 0o666, &bbolt.Options{Timeout: busyTimeout})
	if err != nil {
		return fmt.Errorf("queue %s: %w", s.file, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if err := lay(tx); err != nil {
			return err
		}
		return add(tx, tasks)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("queue %s: %w", s.file, err)
	}
	return os.Rename(tmp, s.file)
}

// lay makes the buckets.
func lay(tx *bbolt.Tx) error {
	for _, name := range append([]TaskState{TaskState(bucketTask), TaskState(bucketChange)}, states...) {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	b, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err != nil {
		return err
	}
	return errors.Join(b.Put(keyVersion, []byte(layout)), b.Put(keyBoot, []byte(host.Boot())))
}

// migrate turns the first layout into this one.
func migrate(tx *bbolt.Tx) error {
	old := tx.Bucket(bucketOld)
	if old == nil {
		return &damage{errors.New("the file has no tasks")}
	}
	var tasks []Task
	err := old.ForEach(func(k, v []byte) error {
		var t Task
		if err := json.Unmarshal(v, &t); err != nil {
			return &damage{fmt.Errorf("task %x: %w", k, err)}
		}
		tasks = append(tasks, t)
		return nil
	})
	if err != nil {
		return err
	}
	if err := errors.Join(lay(tx), add(tx, tasks)); err != nil {
		return err
	}
	return tx.DeleteBucket(bucketOld)
}
