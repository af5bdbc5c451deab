package hub

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// journal is the stream that holds the tasks. All changes that arrive while one
// message is being written, and synced to disk, become the next one, so that a
// thousand workers do not wait for a thousand syncs.
type journal struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	changes chan change
	last    uint64 // sequence of the last message: nobody else may write
	used    usage
	limit   int             // bytes of a message
	ctx     context.Context // of the hub: when it ends no server is waited for
	patient bool            // the server is not the hub's own: it may be away for a while
	fail    func(error)     // told of an error after which nothing can be written
	done    chan struct{}
}

type change struct {
	e       *entry
	written chan error
}

// maxBatch is how many changes a message has at most; of a kilobyte each.
const maxBatch = 500

// writeTimeout is how long a write may take before the callers are told.
const writeTimeout = 20 * time.Second

// openJournal makes the stream if there is none and hands what is in it to
// restore, in the order it was written.
//
// With a server of the site's, a hub that was thought dead may still write. So the
// first message of this one says nothing but that its predecessors' are over: if one
// of theirs came before it, that is read first.
func (h *Hub) openJournal(ctx context.Context, js jetstream.JetStream, restore func(*entry)) (*journal, error) {
	j := &journal{js: js, subject: h.space + ".journal", changes: make(chan change, 4*maxBatch), done: make(chan struct{}), limit: h.limit(), ctx: ctx, patient: h.rule != nil}
	var err error
	j.stream, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: streamOf(h.space), Subjects: []string{j.subject}, Storage: jetstream.FileStorage,
		Replicas: max(1, h.replicas), Duplicates: time.Second, Description: "tasks of a queue of experiments"})
	if err != nil {
		return nil, fmt.Errorf("the stream of tasks: %w", err)
	}
	j.used = newUsage()
	for {
		info, err := j.stream.Info(ctx)
		if err != nil {
			return nil, err
		}
		if info.State.Msgs > 0 && info.State.LastSeq > j.last {
			if err := j.read(ctx, j.last+1, info.State.LastSeq, restore); err != nil {
				return nil, fmt.Errorf("the stream of tasks: %w", err)
			}
		}
		j.last = info.State.LastSeq
		if !j.patient {
			return j, nil
		}
		err = j.publish(ctx, []byte("[]"))
		if err == nil {
			j.used.empty = append(j.used.empty, j.last)
		}
		if !errors.Is(err, errReplaced) {
			return j, err
		}
	}
}

// read replays the stream, from a message to the last one. What is kept on several
// servers may be read from one that is behind: it is waited for.
func (j *journal) read(ctx context.Context, from, last uint64, restore func(*entry)) error {
	c, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from})
	if err != nil {
		return err
	}
	msgs, err := c.Messages()
	if err != nil {
		return err
	}
	defer msgs.Stop()
	for {
		m, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		var list []*entry
		if err := json.Unmarshal(m.Data(), &list); err != nil {
			return fmt.Errorf("message %d of the stream of tasks: %w", meta.Sequence.Stream, err)
		}
		for _, e := range list {
			j.used.add(e, meta.Sequence.Stream)
			restore(e)
		}
		if len(list) == 0 {
			j.used.empty = append(j.used.empty, meta.Sequence.Stream)
		}
		if meta.Sequence.Stream >= last {
			return nil
		}
	}
}

// start begins to write what add is given, until ctx ends.
func (j *journal) start(ctx context.Context) {
	erase := make(chan []uint64, 1)
	go j.erase(erase)
	go j.run(ctx, erase)
}

// add writes an entry as it is now. The channel gets the result.
func (j *journal) add(e *entry) <-chan error {
	c := *e
	w := make(chan error, 1)
	select {
	case <-j.done:
		w <- errStopped
	case j.changes <- change{&c, w}:
	}
	return w
}

var errStopped = errors.New("the hub has stopped")

func (j *journal) run(ctx context.Context, erase chan<- []uint64) {
	defer close(erase)
	defer close(j.done)
	var free []uint64
	for {
		var batch []change
		select {
		case <-ctx.Done():
			return
		case c := <-j.changes:
			batch = append(batch, c)
		}
	more:
		for len(batch) < maxBatch {
			select {
			case c := <-j.changes:
				batch = append(batch, c)
			default:
				break more
			}
		}
		err := j.write(batch)
		for _, c := range batch {
			c.written <- err
		}
		if err != nil {
			j.fail(err)
			return
		}
		free = append(free, j.used.free(j.last)...)
		select {
		case erase <- free:
			free = nil
		default: // it is busy; the next time
		}
	}
}

// erase deletes messages that say nothing any more. One that stays is read once
// more in vain.
func (j *journal) erase(lists <-chan []uint64) {
	for list := range lists {
		for _, seq := range list {
			ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
			j.stream.DeleteMsg(ctx, seq)
			cancel()
		}
	}
}

// write makes a message of a batch, or several where servers take small ones only: of
// several changes of a task the last.
func (j *journal) write(batch []change) error {
	last := map[string]int{}
	for i, c := range batch {
		last[c.e.ID] = i
	}
	var list []*entry
	var data []byte
	flush := func() error {
		if len(list) == 0 {
			return nil
		}
		if err := j.publish(j.ctx, append(data, ']')); err != nil {
			return err
		}
		for _, e := range list {
			j.used.add(e, j.last)
		}
		list, data = nil, nil
		return nil
	}
	for i, c := range batch {
		if last[c.e.ID] != i {
			continue
		}
		one, err := json.Marshal(c.e)
		if err != nil {
			return err
		}
		if len(data)+len(one)+2 > j.limit {
			if err := flush(); err != nil {
				return err
			}
		}
		sep := byte(',')
		if len(list) == 0 {
			sep = '['
		}
		list, data = append(list, c.e), append(append(data, sep), one...)
	}
	return flush()
}

// publish writes a message after the last one. If the server does not answer, whether
// it has it is found out; a patient journal waits for as long as that takes.
func (j *journal) publish(ctx context.Context, data []byte) error {
	id, began := rand.Text(), time.Now()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		seq, err := j.try(ctx, id, data)
		behind := false
		if wrongSequence(err) {
			seq, err = j.who(ctx, id)
			behind = errors.Is(err, errBehind) && time.Since(began) < writeTimeout
		}
		switch {
		case err == nil:
			j.last = seq
			return nil
		case errors.Is(err, errReplaced):
			return err
		case ctx.Err() != nil, !behind && (!j.patient || !passing(err)):
			return fmt.Errorf("the hub's tasks cannot be written: %w", err)
		}
		if sleep(ctx, wait) != nil {
			return errStopped
		}
	}
}

// errBehind says that a server does not know, or not yet, what it had confirmed.
var errBehind = errors.New("the server has lost the last messages; a hub that is started anew makes what is missing from the marks in git")

func (j *journal) try(ctx context.Context, id string, data []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout) // what was begun is ended
	defer cancel()
	m := nats.NewMsg(j.subject)
	m.Data = data
	m.Header.Set(jetstream.MsgIDHeader, id)
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(j.last, 10))
	ack, err := j.js.PublishMsg(ctx, m)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// who finds out whose message came after the last one.
func (j *journal) who(ctx context.Context, id string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	info, err := j.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	if info.State.LastSeq <= j.last {
		return 0, errBehind
	}
	m, err := j.stream.GetMsg(ctx, j.last+1)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, err
	}
	if err == nil && m.Header.Get(jetstream.MsgIDHeader) == id {
		return j.last + 1, nil
	}
	return 0, errReplaced
}
