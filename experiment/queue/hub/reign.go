package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// With a server of the site's, hubs may be started on several machines. One at a
// time answers: the one that has the key of the queue's bucket, and changes it every
// now and then. Another one takes the key when it has not changed for a term. No
// clocks are compared: each hub measures the term by its own, from the moment it
// wrote the key, or saw it first, and the key changes hands by its revision. A hub
// that was stopped for longer than that says nothing more when it goes on, and
// cannot write: the new one wrote to the journal first.
type reign struct {
	kv   jetstream.KeyValue
	me   ruler
	term time.Duration

	mu    sync.Mutex
	rev   uint64
	until time.Time // by this machine's clock: nobody else answers before

	stop context.CancelFunc
	done chan struct{} // closed when nothing is kept any more
}

// ruler is what the key holds: for messages, and to know one's own.
type ruler struct {
	ID   string
	Host string
	Dir  string
	PID  int
}

// reignKey is the key of a bucket.
const reignKey = "hub"

// defaultTerm is how long a hub may be silent before another one takes its place.
const defaultTerm = 10 * time.Second

// errReplaced ends a hub whose place another one has.
var errReplaced = errors.New("another hub serves this queue now")

func bucketOf(space string) string { return "REPRODL_" + space }
func streamOf(space string) string { return "REPRODL_" + space }

// reign takes the key, and keeps it until the hub ends.
func (h *Hub) reign(js jetstream.JetStream) error {
	r := &reign{term: h.opts.term, done: make(chan struct{}), me: ruler{ID: rand.Text(), Dir: h.path, PID: os.Getpid()}}
	if r.term <= 0 {
		r.term = defaultTerm
	}
	r.me.Host, _ = os.Hostname()
	if h.repo != nil {
		r.me.Dir = h.repo.Root()
	}
	err := h.settled(func() (err error) {
		config := jetstream.KeyValueConfig{Bucket: bucketOf(h.space), Replicas: h.replicas, Description: "which hub serves a queue of experiments"}
		if r.kv, err = js.KeyValue(h.ctx, config.Bucket); errors.Is(err, jetstream.ErrBucketNotFound) || err == nil && h.opts.Replicas > 0 {
			r.kv, err = js.CreateOrUpdateKeyValue(h.ctx, config)
		}
		return err
	})
	if err == nil {
		err = r.take(h.ctx)
	}
	if err != nil {
		return err
	}
	h.rule = r
	ctx, stop := context.WithCancel(h.ctx)
	r.stop = stop
	go func() {
		defer close(r.done)
		// It ends only by an error.
		if err := r.keep(ctx); ctx.Err() == nil {
			h.log.Error(err.Error())
			h.cancel(err)
		}
	}()
	return nil
}

// take waits until the key is free, or the one who has it was silent for a term. If
// that one says something, it is refused.
func (r *reign) take(ctx context.Context) error {
	value, err := json.Marshal(r.me)
	if err != nil {
		return err
	}
	var seen uint64
	var since time.Time
	for {
		began := time.Now()
		e, err := r.kv.Get(ctx, reignKey)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			if r.rev, err = r.kv.Create(ctx, reignKey, value); err == nil {
				r.until = began.Add(r.term)
				return nil
			}
		case err != nil:
		case seen == 0:
			seen, since = e.Revision(), time.Now()
		case e.Revision() != seen:
			var other ruler
			json.Unmarshal(e.Value(), &other)
			return fmt.Errorf("%w: on %s, process %d, for %s", errRunning, other.Host, other.PID, other.Dir)
		case time.Since(since) > r.term:
			if r.rev, err = r.kv.Update(ctx, reignKey, value, seen); err == nil {
				r.until = began.Add(r.term)
				return nil
			}
		}
		if err != nil && !passing(err) && !wrongSequence(err) {
			return err
		}
		if err := sleep(ctx, r.term/40); err != nil {
			return err
		}
	}
}

// keep changes the key again and again. While the server is away it goes on trying:
// whether somebody else has the key meanwhile, it alone can tell.
func (r *reign) keep(ctx context.Context) error {
	value, err := json.Marshal(r.me)
	if err != nil {
		return err
	}
	for {
		if err := sleep(ctx, r.term/5); err != nil {
			return err
		}
		began := time.Now()
		short, cancel := context.WithTimeout(ctx, max(r.term/2, time.Second))
		rev, err := r.kv.Update(short, reignKey, value, r.rev)
		until := began.Add(r.term)
		if wrongSequence(err) {
			// When that change was made is not known: it prolongs nothing.
			until = r.until
			rev, err = r.look(short)
		}
		cancel()
		switch {
		case err == nil:
			r.mu.Lock()
			r.rev, r.until = rev, until
			r.mu.Unlock()
		case errors.Is(err, errReplaced):
			return err
		}
	}
}

// look finds out who has the key, of which this hub does not know the revision: its
// own last change may have been made without its being told.
func (r *reign) look(ctx context.Context) (uint64, error) {
	e, err := r.kv.Get(ctx, reignKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, errReplaced
	}
	if err != nil {
		return 0, err
	}
	var who ruler
	if json.Unmarshal(e.Value(), &who) != nil || who.ID != r.me.ID {
		return 0, fmt.Errorf("%w: on %s, process %d, for %s", errReplaced, who.Host, who.PID, who.Dir)
	}
	if e.Revision() == r.rev {
		return 0, errors.New("the answer was of a server that is behind")
	}
	return e.Revision(), nil
}

// holds reports whether no other hub can answer by now.
func (r *reign) holds() bool {
	if r == nil {
		return true // the server is the hub's own
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// One of the two clocks stands still while a machine sleeps.
	now := time.Now()
	return now.Before(r.until) && now.Round(0).Before(r.until.Round(0))
}

// end gives the key away, so that nobody has to wait for it.
func (r *reign) end() {
	if r == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), outsideTimeout)
	defer cancel()
	r.stop()
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = time.Time{}
	r.kv.Delete(ctx, reignKey, jetstream.LastRevision(r.rev)) // if not, it is free after a term
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
