package hub

import (
	"context"
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
	fail    func(error) // told of an error after which nothing can be written
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
func openJournal(ctx context.Context, js jetstream.JetStream, space string, replicas int, restore func(*entry)) (*journal, error) {
	j := &journal{js: js, subject: space + ".journal", changes: make(chan change, 4*maxBatch), done: make(chan struct{})}
	var err error
	j.stream, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "REPRODL_" + space, Subjects: []string{j.subject}, Storage: jetstream.FileStorage,
		Replicas: max(1, replicas), Duplicates: time.Second, Description: "tasks of a queue of experiments"})
	if err != nil {
		return nil, fmt.Errorf("the stream of tasks: %w", err)
	}
	info, err := j.stream.Info(ctx)
	if err != nil {
		return nil, err
	}
	j.last = info.State.LastSeq
	j.used = newUsage()
	return j, j.read(ctx, info.State.Msgs, restore)
}

// read replays the stream.
func (j *journal) read(ctx context.Context, n uint64, restore func(*entry)) error {
	if n == 0 {
		return nil
	}
	c, err := j.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
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
		if meta.NumPending == 0 {
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

// write makes a message of a batch: of several changes of a task the last.
func (j *journal) write(batch []change) error {
	last := map[string]int{}
	for i, c := range batch {
		last[c.e.ID] = i
	}
	var list []*entry
	for i, c := range batch {
		if last[c.e.ID] == i {
			list = append(list, c.e)
		}
	}
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	m := nats.NewMsg(j.subject)
	m.Data = data
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(j.last, 10))
	ack, err := j.js.PublishMsg(ctx, m)
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence:
		return errors.New("another hub serves this queue now")
	case err != nil:
		return fmt.Errorf("the hub's tasks cannot be written: %w", err)
	}
	j.last = ack.Sequence
	for _, e := range list {
		j.used.add(e, ack.Sequence)
	}
	return nil
}
