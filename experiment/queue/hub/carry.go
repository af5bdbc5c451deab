package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

const (
	opUpload = "w.upload"
	opPlan   = "w.plan"
	opRead   = "w.read"
	opRecord = "w.record"
)

type (
	planRequest struct {
		ID, Token string
		Have      []string // baselines
	}
	planAnswer struct {
		piece
		File string // of the rest, if Data is not all
	}
	recordRequest struct {
		ID             string
		Commit, Record string
		Pack           []byte
		Upload         string // instead of Pack
	}
)

// onPlan sends a worker what it needs to run its task.
func (h *Hub) onPlan(ctx context.Context, _ string, r planRequest) (planAnswer, error) {
	t, _, err := h.state.get(r.ID)
	if isNotFound(err) || err == nil && (r.Token == "" || t.Lease.Token != r.Token) {
		return planAnswer{}, queue.ErrLeaseLost
	}
	if err != nil {
		return planAnswer{}, err
	}
	var b bytes.Buffer
	if err := h.repo.PackPlan(ctx, &b, &t.Plan, r.Have); err != nil {
		return planAnswer{}, err
	}
	return h.inPieces(b.Bytes())
}

// inPieces is the answer to who asked for a file: the first piece, and where the rest is.
func (h *Hub) inPieces(data []byte) (planAnswer, error) {
	a := planAnswer{piece: piece{Size: int64(len(data)), Data: data}}
	if len(data) <= h.piece() {
		return a, nil
	}
	a.File, a.Data = rand.Text(), data[:h.piece()]
	name, err := h.uploadFile(a.File)
	if err == nil {
		err = os.WriteFile(name, data, 0o600)
	}
	return a, err
}

func (h *Hub) onRead(_ context.Context, _ string, r readRequest) (piece, error) {
	name, err := h.uploadFile(r.ID)
	if err != nil {
		return piece{}, err
	}
	p, err := readPiece(name, r.Off, int64(h.piece()))
	if errors.Is(err, os.ErrNotExist) {
		err = errNoUpload
	}
	if err == nil && r.Off+int64(len(p.Data)) == p.Size {
		os.Remove(name)
	}
	return p, err
}

// bring fetches what a task needs from git.
func (c *Conn) bring(ctx context.Context, t *queue.Task, into *experiment.Repo) error {
	have, err := into.Bases(ctx)
	if err != nil {
		return err
	}
again:
	a, err := call[planAnswer](ctx, c, opPlan, planRequest{t.ID, t.Lease.Token, have})
	if err != nil {
		return err
	}
	err = c.rest(ctx, &a)
	if errors.Is(err, errNoUpload) {
		goto again // the hub has started anew
	}
	if err != nil {
		return err
	}
	return into.AcceptPlan(ctx, &t.Plan, a.Data)
}

// rest fetches the other pieces of an answer.
func (c *Conn) rest(ctx context.Context, a *planAnswer) error {
	for int64(len(a.Data)) < a.Size {
		p, err := call[piece](ctx, c, opRead, readRequest{a.File, int64(len(a.Data))})
		if err != nil {
			return err
		}
		a.Data = append(a.Data, p.Data...)
	}
	return nil
}

// onRecord records a result, whoever sends it: of several attempts the first
// one counts, also that of a worker that was cut off and lost its lease.
func (h *Hub) onRecord(ctx context.Context, worker string, r recordRequest) (*experiment.Experiment, error) {
	t, _, err := h.state.get(r.ID)
	if err != nil {
		return nil, err
	}
	res := &experiment.Result{Commit: r.Commit, Record: r.Record, Pack: r.Pack}
	if r.Upload != "" {
		name, err := h.uploadFile(r.Upload)
		if err != nil {
			return nil, err
		}
		if res.Pack, err = os.ReadFile(name); errors.Is(err, os.ErrNotExist) {
			return nil, errNoUpload
		} else if err != nil {
			return nil, err
		}
		defer os.Remove(name)
	}
	// One at a time: git's lock of packed references would be in the way.
	h.recording.Lock()
	e, err := h.repo.Record(ctx, &t.Plan, res)
	h.recording.Unlock()
	if err != nil {
		return nil, err
	}
	h.idle(worker, r.ID)
	return e, h.recorded(ctx, r.ID, e)
}

// recorded notes that a task is done, whoever is at it.
func (h *Hub) recorded(ctx context.Context, id string, e *experiment.Experiment) error {
	err := h.state.replace(ctx, id, "", 0, func(t *queue.Task) {
		t.State, t.Result, t.Error, t.Kill, t.Ended = queue.Success, e.Rev, "", "", time.Now()
		t.Name = e.Name
	})
	if isNotFound(err) {
		err = nil // removed meanwhile
	}
	return err
}

// record sends a result, and returns the experiment that counts.
func (c *Conn) record(ctx context.Context, t *queue.Task, res *experiment.Result) (*experiment.Experiment, error) {
	for try := 0; ; try++ {
		r := recordRequest{ID: t.ID, Commit: res.Commit, Record: res.Record, Pack: res.Pack}
		if len(res.Pack) > c.piece() {
			var err error
			r.Pack = nil
			r.Upload, err = c.upload(ctx, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(res.Pack)), nil })
			if err != nil {
				return nil, err
			}
		}
		e, err := call[*experiment.Experiment](ctx, c, opRecord, r)
		if !errors.Is(err, errNoUpload) || try == 10 {
			return e, err
		}
	}
}
