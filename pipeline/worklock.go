package pipeline

import (
	"context"
	"sync"
)

// workLock holds the lock of the repository while workers look at it and write
// to it, and gives it back while all of them only wait for commands.
type workLock struct {
	r       *Repo
	mu      sync.Mutex
	unlock  func() // nil when the lock is not held
	busy    int    // workers that need the lock
	waiting int    // workers whose command runs
}

// newWorkLock takes over a lock that is held.
func newWorkLock(r *Repo, unlock func()) *workLock { return &workLock{r: r, unlock: unlock} }

// enter is called when a worker begins.
// It may wait for other processes; workers that enter meanwhile wait with it.
func (w *workLock) enter(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unlock == nil {
		unlock, err := w.r.p.Lock(ctx)
		if err != nil {
			return err
		}
		w.unlock = unlock
	}
	w.busy++
	return nil
}

// leave is called when a worker ends.
func (w *workLock) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
	w.giveBack()
}

// outside calls f, a command that may take long, without the lock.
func (w *workLock) outside(ctx context.Context, f func() error) error {
	w.mu.Lock()
	w.busy--
	w.waiting++
	w.giveBack()
	w.mu.Unlock()
	// Other processes may change the repository meanwhile, but not what is claimed.
	err := f()
	// The lock is taken also after an interrupt, for what has to be put right.
	lockErr := w.enter(context.WithoutCancel(ctx))
	w.mu.Lock()
	w.waiting--
	if lockErr != nil {
		w.busy++ // leave will be called all the same
	}
	w.mu.Unlock()
	if err == nil {
		err = lockErr
	}
	return err
}

// giveBack lets go of the lock when no worker needs it and some wait; w.mu is held.
func (w *workLock) giveBack() {
	if w.busy == 0 && w.waiting > 0 && w.unlock != nil {
		w.unlock()
		w.unlock = nil
	}
}

// close gives the lock back for good.
func (w *workLock) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unlock != nil {
		w.unlock()
		w.unlock = nil
	}
}
