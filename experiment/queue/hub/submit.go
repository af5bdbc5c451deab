package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// What a client of another machine needs besides: the way of its commits to the
// hub, and of the results to its clone.
const (
	opTips   = "c.tips"
	opSubmit = "c.submit"
	opResult = "c.result"
	opCommit = "c.commits"
)

type (
	submitRequest struct {
		Task   queue.Task
		Pack   []byte
		Upload string // instead of Pack
	}
	resultAnswer struct {
		Name, Commit, Record string
		planAnswer
	}
)

// onTips lists what this repository has, or the last of it: marks, which tell of the
// baselines as well, come after experiments, and servers of the site's take a megabyte.
func (h *Hub) onTips(ctx context.Context, _ string, _ none) ([]string, error) {
	list, err := h.repo.Tips(ctx)
	return list[max(0, len(list)-h.limit()/tipBytes):], err
}

// tipBytes is more than a tip has in a message: the longest kind of id, quotes and a comma.
const tipBytes = 72

// onSubmit queues what another clone sends.
func (h *Hub) onSubmit(ctx context.Context, _ string, r submitRequest) (none, error) {
	pack := r.Pack
	if r.Upload != "" {
		name, err := h.uploadFile(r.Upload)
		if err != nil {
			return none{}, err
		}
		if pack, err = os.ReadFile(name); errors.Is(err, os.ErrNotExist) {
			return none{}, errNoUpload
		} else if err != nil {
			return none{}, err
		}
		defer os.Remove(name)
	}
	t := r.Task
	h.recording.Lock()
	err := h.repo.AcceptSubmission(ctx, &t.Plan, pack)
	h.recording.Unlock()
	if err != nil || !h.state.missing(t.ID) {
		return none{}, err
	}
	t.Log = h.logFile(t.ID)
	return none{}, h.state.put(ctx, t)
}

// onResult sends the experiment of a task.
func (h *Hub) onResult(ctx context.Context, _ string, id string) (resultAnswer, error) {
	t, _, err := h.state.get(id)
	if err != nil {
		return resultAnswer{}, err
	}
	e, err := h.repo.Recorded(ctx, &t.Plan)
	if err != nil {
		return resultAnswer{}, err
	}
	res, err := h.repo.PackResult(ctx, &t.Plan, e)
	if err != nil {
		return resultAnswer{}, err
	}
	a, err := h.inPieces(res.Pack)
	return resultAnswer{e.Name, res.Commit, res.Record, a}, err
}

// onCommits sends what tasks run to a clone that has their baselines.
func (h *Hub) onCommits(ctx context.Context, _ string, ids []string) (planAnswer, error) {
	var plans []experiment.Plan
	for _, id := range ids {
		if t, _, err := h.state.get(id); err == nil { // else it was removed
			plans = append(plans, t.Plan)
		}
	}
	var b bytes.Buffer
	if err := h.repo.PackCommits(ctx, &b, plans...); err != nil {
		return planAnswer{}, err
	}
	return h.inPieces(b.Bytes())
}

// Commits is that of [queue.Remote].
func (c *Conn) Commits(ctx context.Context, ids ...string) error {
	if c.clone == nil {
		return nil
	}
	for part := range slices.Chunk(ids, putSize) {
	again:
		a, err := call[planAnswer](ctx, c, opCommit, part)
		if err != nil {
			return err
		}
		err = c.rest(ctx, &a)
		if errors.Is(err, errNoUpload) {
			goto again // the hub has started anew
		}
		if err == nil {
			err = c.clone.AcceptObjects(ctx, a.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// submit sends tasks and their commits, one by one.
func (c *Conn) submit(ctx context.Context, tasks []queue.Task) error {
	tips, err := call[[]string](ctx, c, opTips, none{})
	if err != nil {
		return err
	}
	for _, t := range tasks {
		var b bytes.Buffer
		if err := c.clone.PackSubmission(ctx, &b, &t.Plan, tips); err != nil {
			return err
		}
		if err := c.send(ctx, t, b.Bytes()); err != nil {
			return err
		}
		// Of the next ones the hub needs the differences alone.
		tips = append(tips, t.Commit)
	}
	return nil
}

func (c *Conn) send(ctx context.Context, t queue.Task, pack []byte) error {
	for try := 0; ; try++ {
		r := submitRequest{Task: t, Pack: pack}
		if len(pack) > c.piece() {
			var err error
			r.Pack = nil
			if r.Upload, err = c.upload(ctx, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(pack)), nil }); err != nil {
				return err
			}
		}
		_, err := call[none](ctx, c, opSubmit, r)
		if !errors.Is(err, errNoUpload) || try == 10 {
			return err
		}
	}
}

// Collect brings the experiments of finished tasks into the clone of
// [DialOptions.Clone] that queued them, in place of the marks there. What is not
// done yet, or was removed, stays as it is.
func (c *Conn) Collect(ctx context.Context) error {
	if c.clone == nil {
		return nil
	}
	plans, err := c.clone.Plans(ctx)
	if err != nil || len(plans) == 0 {
		return err
	}
	done, err := c.List(ctx, queue.Success)
	if err != nil {
		return err
	}
	finished := map[string]bool{}
	for i := range done {
		finished[done[i].ID] = true
	}
	for i := range plans {
		if p := &plans[i]; finished[p.ID] {
			if err := c.Bring(ctx, p); err != nil && !isNotFound(err) {
				return fmt.Errorf("experiment '%s': %w", p.Name, err)
			}
		}
	}
	return nil
}

// Bring is that of [queue.Remote]. The hub's own repository has it already.
func (c *Conn) Bring(ctx context.Context, p *experiment.Plan) error {
	if c.clone == nil {
		return nil
	}
again:
	a, err := call[resultAnswer](ctx, c, opResult, p.ID)
	if err != nil {
		return err
	}
	err = c.rest(ctx, &a.planAnswer)
	if errors.Is(err, errNoUpload) {
		goto again // the hub has started anew
	}
	if err != nil {
		return err
	}
	p.Name = a.Name
	_, err = c.clone.Record(ctx, p, &experiment.Result{Commit: a.Commit, Record: a.Record, Pack: a.Data})
	return err
}

// clientToken is the file of the token by which a clone uses a hub elsewhere.
const clientToken = "hub.token"

// Use makes the commands of a clone use the hub of a token, on whatever machine that
// is; nil makes them do without again.
func Use(r *experiment.Repo, t *Token) error {
	name := filepath.Join(filesOf(r), clientToken)
	if t == nil {
		err := os.Remove(name)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	}
	if t.Role != Client {
		return errors.New("this is the token of a worker; 'queue token --client' makes one for those who queue")
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return writeSecret(name, []byte(t.String()))
}

// Used is the token that was given to Use; nil if there is none.
func Used(r *experiment.Repo) (*Token, error) {
	name := filepath.Join(filesOf(r), clientToken)
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseToken(string(data))
}
