package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// flow is the bytes of one object on their way: they are counted, held to the
// bandwidth, and watched. When none has moved for a while the context of the
// calls ends, and another try is made.
type flow struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	s      *Store
	meter  *meter
	timer  *time.Timer

	mu    sync.Mutex
	moved int64 // bytes, in this try
	sent  int64 // the same, also after the try has failed
}

var errStalled = errors.New("nothing has moved for a while")

// patience is how long a server may think once it has all the bytes: gigabytes
// of parts are put together then.
const patience = 10 * time.Minute

// newFlow starts the clock: connecting and waiting for the first byte must not
// take longer than Stall either. The flow ends with end.
func (s *Store) newFlow(ctx context.Context, m *meter) *flow {
	f := &flow{s: s, meter: m}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	f.timer = time.AfterFunc(s.opts.Stall, func() { f.cancel(errStalled) })
	return f
}

// end must be called, or the timer fires and the context is never released. The
// cause nil makes a late call end as cancelled and not as stalled.
func (f *flow) end() {
	f.timer.Stop()
	f.cancel(nil)
}

// failed takes back what a failed try has counted, and says what its error is.
// Stalled errors are Temporary, as the next connection may do better.
func (f *flow) failed(op, key string, err error) error {
	f.mu.Lock()
	f.meter.add(0, -f.moved)
	f.moved = 0
	f.mu.Unlock()
	if err != nil && context.Cause(f.ctx) == errStalled {
		return &remote.Error{Op: op, Remote: f.s.Name, URL: key, Temporary: true,
			Err: fmt.Errorf("%w (%s)", errStalled, f.s.opts.Stall)}
	}
	return err
}

// furthest tells whether tries get on. Bytes that have left this machine may have
// arrived nowhere: it is no progress to send the same ones again and again.
type furthest struct{ bytes int64 }

// enough is more than connections buffer: who gets rid of so many in one try has
// somebody to talk to.
const enough = 32 << 20

// passed reports whether a try that failed got further than all before it.
func (u *furthest) passed(f *flow) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	on := f.sent > u.bytes || f.sent >= enough
	u.bytes = max(u.bytes, f.sent)
	return on
}

// move notes n bytes, and gives the flow time for more; last tells that none will
// come, so that now the server may think.
func (f *flow) move(n int, last bool) {
	f.mu.Lock()
	f.moved += int64(n)
	f.sent = f.moved
	f.mu.Unlock()
	if last {
		f.timer.Reset(patience)
	} else {
		f.timer.Reset(f.s.opts.Stall)
	}
	f.meter.add(0, int64(n))
}

// reader counts what is read from r. size is what the flow has in all; negative
// = not known.
func (f *flow) reader(r io.ReadCloser, size int64) io.ReadCloser {
	return &flowReader{f: f, r: r, size: size}
}

// flowReader is a reader of a flow. Several may belong to one flow, as a driver
// sends the parts of an object side by side.
type flowReader struct {
	f    *flow
	r    io.ReadCloser
	size int64
}

func (r *flowReader) Read(p []byte) (int, error) {
	if l := r.f.s.limit; l != nil {
		// The limiter refuses to wait for more than its burst at once.
		p = p[:min(len(p), l.Burst())]
	}
	n, err := r.r.Read(p)
	if n > 0 {
		if l := r.f.s.limit; l != nil {
			if werr := l.WaitN(r.f.ctx, n); werr != nil {
				return 0, werr
			}
		}
		r.f.mu.Lock()
		last := r.size >= 0 && r.f.moved+int64(n) >= r.size
		r.f.mu.Unlock()
		r.f.move(n, last)
	}
	return n, err
}

func (r *flowReader) Close() error { return r.r.Close() }

// source is an object of the cache as a remote wants it. It is read only once,
// yet damage is noticed before the last byte has gone: a reader from the
// beginning hashes what it reads, and the end of any other waits until the
// object as a whole has been hashed.
func (f *flow) source(h object.Hash, size int64) remote.Source { return f.sourceIn(f.s.cache, h, size) }

func (f *flow) sourceIn(cache *object.Cache, h object.Hash, size int64) remote.Source {
	whole := sync.OnceValue(func() error { return cache.VerifyObject(f.ctx, h) })
	return remote.Source{Size: size, MD5: h.MD5(), Open: func(offset int64) (io.ReadCloser, error) {
		if offset == 0 {
			r, err := cache.Open(h)
			if err != nil {
				return nil, err
			}
			return f.reader(r, size), nil
		}
		r, err := cache.OpenAt(h, offset)
		if err != nil {
			return nil, err
		}
		return f.reader(&verified{r, whole}, size), nil
	}}
}

// verified is a reader whose end is the verdict of a check.
type verified struct {
	io.ReadCloser
	check func() error
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	if n == 0 && err == io.EOF {
		if bad := v.check(); bad != nil {
			return 0, bad
		}
	}
	return n, err
}
