package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/reprodl/reprodl/experiment/queue"
)

// serve answers requests until the hub ends.
func (h *Hub) serve() error {
	err := errors.Join(
		handle(h, opHello, h.onHello),
		handle(h, opClaim, func(ctx context.Context, worker string, r claimRequest) (*queue.Task, error) {
			if r.Lease.Token == "" || r.TTL <= 0 {
				return nil, errors.New("a claim needs a token and a time")
			}
			if err := h.mayClaim(worker); err != nil {
				return nil, err
			}
			t, err := h.state.claim(ctx, r.Lease, r.TTL, r.Ready)
			h.busy(worker, t)
			return t, err
		}),
		handle(h, opRenew, func(_ context.Context, _ string, r leaseRequest) (*queue.Task, error) {
			return h.state.renew(r.ID, r.Token, r.TTL)
		}),
		handle(h, opLook, func(_ context.Context, _ string, r leaseRequest) (versioned, error) {
			t, rev, err := h.state.get(r.ID)
			// Whoever does not hold the task learns nothing of it.
			if isNotFound(err) || err == nil && (r.Token == "" || t.Lease.Token != r.Token || !h.state.running(r.ID)) {
				return versioned{}, queue.ErrLeaseLost
			}
			if err == nil {
				t.State = queue.Running // for the worker expiry alone does not matter
			}
			return versioned{t, rev}, err
		}),
		handle(h, opEnd, func(ctx context.Context, worker string, r updateRequest) (none, error) {
			if r.Token == "" {
				return none{}, queue.ErrLeaseLost
			}
			err := h.state.replace(ctx, r.ID, r.Token, r.Rev, func(t *queue.Task) {
				n := &r.Task
				// Success without a record would lose the experiment.
				t.State, t.Ended, t.Error, t.Result, t.Kill = n.State, n.Ended, n.Error, n.Result, n.Kill
			})
			if err == nil {
				h.idle(worker, r.ID)
				os.Remove(h.liveFile(r.ID)) // of one that runs alone
			}
			return none{}, err
		}),
		handle(h, opBye, func(_ context.Context, worker string, _ none) (none, error) { h.left(worker); return none{}, nil }),
		handle(h, opPut, func(ctx context.Context, _ string, tasks []queue.Task) (none, error) {
			return none{}, h.state.put(ctx, tasks...)
		}),
		handle(h, opGet, func(_ context.Context, _ string, id string) (versioned, error) {
			t, rev, err := h.state.get(id)
			return versioned{t, rev}, err
		}),
		handle(h, opList, h.onList),
		handle(h, "c.rev", func(context.Context, string, none) (uint64, error) { return h.state.revision(), nil }),
		handle(h, opUpdate, func(ctx context.Context, _ string, r updateRequest) (none, error) {
			return none{}, h.state.replace(ctx, r.ID, r.Token, r.Rev, func(t *queue.Task) { *t = r.Task })
		}),
		handle(h, opUpload, h.onUpload),
		handle(h, opPlan, h.onPlan),
		handle(h, opAhead, h.onAhead),
		handle(h, opRead, h.onRead),
		handle(h, opRecord, h.onRecord),
		handle(h, opLog, h.onLog),
		handle(h, opLive, h.onLive),
		handle(h, opReadTo, h.onReadLog),
		handle(h, opLiveOf, h.onLiveOf),
		handle(h, opObject, h.onObject),
		handle(h, opKeep, h.onKeep),
		handle(h, opDismiss, func(context.Context, string, none) (none, error) { h.dismiss(); return none{}, nil }),
		handle(h, opTips, h.onTips),
		handle(h, opSubmit, h.onSubmit),
		handle(h, opResult, h.onResult),
		handle(h, opCommit, h.onCommits),
		handle(h, opWorkers, func(context.Context, string, none) ([]WorkerInfo, error) { return h.Workers(), nil }),
		handle(h, opDelete, func(ctx context.Context, _ string, ids []string) ([]queue.Task, error) {
			gone, err := h.state.remove(ctx, ids...)
			if err != nil || len(gone) == 0 {
				return gone, err
			}
			// A client of another clone can't take marks and logs away.
			done := make([]string, len(gone))
			for i := range gone {
				done[i] = gone[i].ID
			}
			h.forget(gone...)
			if h.repo != nil {
				err = h.repo.Discard(ctx, done...)
			}
			return gone, err
		}),
	)
	if err == nil && h.server == nil {
		// What the account may not do is told at some later time.
		if err = h.nc.FlushTimeout(outsideTimeout); err == nil && errors.Is(h.nc.LastError(), nats.ErrPermissionViolation) {
			err = h.nc.LastError()
		}
		err = h.siteError(err)
	}
	return err
}

func (h *Hub) onHello(_ context.Context, worker string, r hello) (hello, error) {
	mine := hello{Protocol: protocol, Version: version(), Hub: Info{Dir: h.dir, Lease: h.opts.Lease, Data: h.data}, Checkout: h.checkout}
	if r.Protocol != protocol {
		return mine, fmt.Errorf("%w: the hub has %s, the program that wants to join %s", ErrVersion, mine.Version, r.Version)
	}
	h.met(worker, r.Worker)
	return mine, nil
}

// pageBytes is how much of a list goes into one answer at most.
const pageBytes = 4 << 20

func (h *Hub) onList(_ context.Context, _ string, r listRequest) (listAnswer, error) {
	list, rev := h.state.list(r.After, r.States...)
	a := listAnswer{Rev: rev}
	size := 0
	for _, t := range list[min(r.Skip, len(list)):] {
		data, err := json.Marshal(t)
		if err != nil {
			return a, err
		}
		if size += len(data) + 1; size > min(pageBytes, h.limit()-4<<10) && len(a.Tasks) > 0 {
			a.More = true
			break
		}
		a.Tasks = append(a.Tasks, t)
	}
	return a, nil
}

// tell publishes the change of a task, for those who watch.
func (h *Hub) tell(e *entry) {
	if data, err := json.Marshal(event{e.Rev, e.Gone, *h.state.seen(e)}); err == nil {
		h.nc.Publish(h.space+"."+events, data)
	}
}

// sinceSeen is how long ago a worker was heard of.
func sinceSeen(w *WorkerInfo, now time.Time) time.Duration { return now.Sub(w.Seen) }
