package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// protocol is what both sides must have in common. It counts up when requests
// change their meaning.
const protocol = 1

// The subjects below the space: w.OP for whoever has a token, c.OP for clients.
// Events goes from the hub to clients, with each change of a task.
const (
	opHello = "w.hello"
	opClaim = "w.claim"
	opRenew = "w.renew"
	opLook  = "w.look"
	opEnd   = "w.end"
	opBye   = "w.bye"

	opPut    = "c.put"
	opGet    = "c.get"
	opList   = "c.list"
	opUpdate = "c.update"
	opDelete = "c.delete"

	opWorkers = "c.workers"
	opDismiss = "c.dismiss"

	events = "e"
)

// maxMessage is the largest message. What is larger travels in pieces.
const maxMessage = 8 << 20

// answer is what comes back of every request.
type answer[T any] struct {
	Err   *fault `json:",omitempty"`
	Who   bool   `json:",omitempty"` // the hub is new, and does not know who asks
	Value T
}

// fault is an error on the wire. Kind is one of the sentinels below.
type fault struct {
	Kind string `json:",omitempty"`
	Text string
}

var faultKinds = map[string]error{
	"lost": queue.ErrLeaseLost, "unknown": experiment.ErrNotFound, "conflict": errConflict, "refused": ErrRefused, "version": ErrVersion, "stopped": errStopped,
	"upload": errNoUpload, "dismissed": errDismissed,
}

func newFault(err error) *fault {
	for kind, is := range faultKinds {
		if errors.Is(err, is) {
			return &fault{kind, err.Error()}
		}
	}
	return &fault{Text: err.Error()}
}

// remoteError is an error of the hub; it wraps the sentinel that it had there.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

func (f *fault) err() error { return &remoteError{f.Text, faultKinds[f.Kind]} }

// call asks the hub. It repeats the request while the hub does not answer, as
// long as the connection's patience lasts: requests may arrive twice.
func call[Res, Req any](ctx context.Context, c *Conn, op string, req Req) (Res, error) {
	var a answer[Res]
	data, err := json.Marshal(req)
	if err != nil {
		return a.Value, err
	}
	if len(data) > c.limit() {
		return a.Value, fmt.Errorf("%s: a message of %d bytes is too large", op, len(data))
	}
	reply, err := c.request(ctx, op, data)
	if err != nil {
		return a.Value, err
	}
	if err := json.Unmarshal(reply, &a); err != nil {
		return a.Value, fmt.Errorf("the hub's answer to %s: %w", op, err)
	}
	if a.Who && op != opHello && op != opBye {
		go c.greetAgain()
	}
	if a.Err != nil {
		return a.Value, a.Err.err()
	}
	return a.Value, nil
}

// limitOf is how large a message may be over a connection: servers of the site's
// usually take a megabyte.
func limitOf(nc *nats.Conn) int { return min(maxMessage, int(nc.MaxPayload())-4<<10) }

func (c *Conn) limit() int { return limitOf(c.nc) }
func (h *Hub) limit() int  { return limitOf(h.nc) }

// pieceOf is how much of a file one message carries; in JSON it is a third more.
func pieceOf(limit int) int { return min(pieceSize, (limit-4<<10)/4*3) }

func (c *Conn) piece() int { return pieceOf(c.limit()) }
func (h *Hub) piece() int  { return pieceOf(h.limit()) }

// request is call with bytes.
func (c *Conn) request(ctx context.Context, op string, data []byte) ([]byte, error) {
	began := time.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m := nats.NewMsg(c.token.Space + "." + op)
		m.Data = data
		m.Header.Set(headerWorker, c.worker)
		try, cancel := context.WithTimeout(ctx, requestTimeout)
		reply, err := c.nc.RequestMsgWithContext(try, m)
		cancel()
		switch {
		case err == nil:
			return reply.Data, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case c.nc.IsClosed():
			return nil, c.whyClosed()
		case errors.Is(err, nats.ErrMaxPayload):
			return nil, err
		case c.patience >= 0 && time.Since(began) > c.patience && errors.Is(err, nats.ErrNoResponders):
			return nil, fmt.Errorf("%s: %w", c.address, errNoHub)
		case c.patience >= 0 && time.Since(began) > c.patience:
			return nil, fmt.Errorf("the hub at %s does not answer: %w", c.address, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// requestTimeout is how long one try of a request may take.
const requestTimeout = 15 * time.Second

// headerWorker tells the hub who asks, for the list of workers.
const headerWorker = "Reprodl-Worker"

// handle answers the requests of one kind, each in a goroutine of its own.
func handle[Res, Req any](h *Hub, op string, fn func(ctx context.Context, worker string, req Req) (Res, error)) error {
	sub, err := h.nc.Subscribe(h.space+"."+op, func(m *nats.Msg) {
		go func() {
			if !h.rule.holds() {
				return // another hub may answer by now, or this one soon again: they ask again
			}
			var a answer[Res]
			var req Req
			err := json.Unmarshal(m.Data, &req)
			if err == nil {
				worker := m.Header.Get(headerWorker)
				a.Who = !h.seenWorker(worker)
				a.Value, err = fn(h.ctx, worker, req)
			}
			if h.ctx.Err() != nil {
				return // the next hub answers
			}
			if err != nil {
				a.Err = newFault(err)
			}
			data, err := json.Marshal(a)
			if err == nil && len(data) > h.limit() {
				data, err = json.Marshal(answer[Res]{Err: &fault{Text: "the answer is too large"}})
			}
			if err == nil && h.rule.holds() {
				m.Respond(data)
			}
		}()
	})
	if err != nil {
		return err
	}
	// The buffer holds a request of each of some thousand workers.
	return sub.SetPendingLimits(65536, 256<<20)
}

type none struct{}

// errNoHub says that a server of the site's is there, but no hub.
var errNoHub = errors.New("no hub serves this queue there; 'queue serve' starts one")

var errNoUpload = errors.New("the hub does not know the upload")
