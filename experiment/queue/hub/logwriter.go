package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// logWriter sends what a task prints, in pieces: the first at once, and then what has
// gathered. It delays the program only when very much waits. The last of what was sent is
// kept for a hub in the place of another one, whose machine had it.
type logWriter struct {
	c     *Conn
	t     *queue.Task
	wake  chan struct{}
	done  chan struct{}
	hurry chan struct{} // closed when somebody waits for the end
	away  time.Duration // after what time without an answer the hub is away

	mu     sync.Mutex
	room   *sync.Cond
	text   []byte // what the task printed, from start on
	start  int64  // of text within the attempt
	off    int64  // up to which it was sent
	most   int    // how much may wait
	closed bool
}

const (
	// logGather is how long lines gather before they are sent.
	logGather = 20 * time.Millisecond
	// logRoom is how much may wait while the hub answers.
	logRoom = 8 << 20
	// awayRoom is how much may wait while it does not: a program had better go on.
	awayRoom = 64 << 20
	// logAway is the time without an answer after which a hub is away.
	logAway = 2 * time.Second
	// logPause is between two tries to send what the hub could not write.
	logPause = time.Second
	// logTries is how often that is tried when the task has no more to say.
	logTries = 5
)

func (c *Conn) newLog(ctx context.Context, t *queue.Task) *logWriter {
	return c.newLogAway(ctx, t, logAway)
}

// newLogAway is newLog with another patience.
func (c *Conn) newLogAway(ctx context.Context, t *queue.Task, away time.Duration) *logWriter {
	w := &logWriter{c: c, t: t, away: away, most: logRoom, wake: make(chan struct{}, 1), done: make(chan struct{}), hurry: make(chan struct{})}
	w.room = sync.NewCond(&w.mu)
	go w.send(ctx)
	return w
}

// waiting is how much was not sent yet; the caller has the lock.
func (w *logWriter) waiting() int { return len(w.text) - int(w.off-w.start) }

func (w *logWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	for w.waiting() > w.most && !w.closed {
		w.room.Wait()
	}
	if !w.closed {
		w.text = append(w.text, p...)
	}
	w.mu.Unlock()
	w.rouse()
	return len(p), nil
}

func (w *logWriter) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// allow lets so much wait.
func (w *logWriter) allow(most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.most = most
	w.room.Broadcast()
}

// send sends until Close, or the task is somebody else's.
func (w *logWriter) send(ctx context.Context) {
	defer close(w.done)
	defer w.end()
	for tries := logTries; ; {
		r, closed := w.next()
		if len(r.Data) == 0 {
			if closed {
				return
			}
			<-w.wake
			continue
		}
		away := time.AfterFunc(w.away, func() { w.allow(awayRoom) })
		a, err := call[logAnswer](ctx, w.c, opLog, r)
		if away.Stop() || err == nil {
			w.allow(logRoom)
		}
		pause := logGather
		switch failed := (*remoteError)(nil); {
		case err == nil:
			w.sent(len(r.Data), a.Again)
		// Its disk is full, as a rule.
		case errors.As(err, &failed) && failed.is == nil && tries > 0:
			if pause = logPause; w.hurried() {
				tries--
			}
			time.Sleep(pause)
			continue
		default:
			return
		}
		if !closed {
			select {
			case <-w.hurry:
			case <-time.After(pause):
			}
		}
	}
}

// next is what is to be sent.
func (w *logWriter) next() (r logRequest, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Write changes nothing of what is there, and nobody else trims it.
	data := w.text[w.off-w.start:]
	return logRequest{w.t.ID, w.t.Lease.Token, w.t.Attempts, w.off, data[:min(len(data), w.c.piece())], w.off - w.start}, w.closed
}

// sent counts a piece that the hub has, or goes back to what it wants again.
func (w *logWriter) sent(n int, again int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if again > 0 {
		w.off = max(w.start, w.off-again)
		return
	}
	w.off += int64(n)
	if old := int(w.off-w.start) - keptLog; old > keptLog {
		w.text = w.text[:copy(w.text, w.text[old:])]
		w.start += int64(old)
	}
	w.room.Broadcast()
}

// hurried reports whether the task has no more to say.
func (w *logWriter) hurried() bool {
	select {
	case <-w.hurry:
		return true
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// end gives up what was not sent.
func (w *logWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed, w.text, w.start = true, nil, w.off
	w.room.Broadcast()
}

// drain waits until what was written is sent, or ctx ends. It is called once, when the
// task has no more to say.
func (w *logWriter) drain(ctx context.Context) {
	close(w.hurry)
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.room.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.waiting() > 0 && !w.closed && ctx.Err() == nil {
		w.room.Wait()
	}
}

// Close waits until all is sent, or ctx of newLog has ended.
func (w *logWriter) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.rouse()
	<-w.done
	return nil
}
