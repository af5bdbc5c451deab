package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// RetryOptions say how long to go on; nil means the zero RetryOptions.
type RetryOptions struct {
	Tries int           // in all; 0 = 6, and 3 while the remote cannot be reached at all
	Wait  time.Duration // before the second try, doubled for each further one; 0 = 250 ms
	Max   time.Duration // longest wait between two tries; 0 = 20 s
	// Progress is asked after a failure: true means that the try got somewhere,
	// so that counting begins anew. Nil = never.
	Progress func() bool
	// Notify hears of each failure that will be tried again; may be nil.
	Notify func(err error, wait time.Duration)
}

// Retry calls do until it succeeds, fails for good, or has failed often
// enough. Only an [*Error] that is Temporary is tried again. The waits grow and
// are random by a half, so that many workers do not come back at once; a server
// that says how long to wait is obeyed up to Max.
func Retry(ctx context.Context, opts *RetryOptions, do func() error) error {
	o := RetryOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Wait <= 0 {
		o.Wait = 250 * time.Millisecond
	}
	if o.Max <= 0 {
		o.Max = 20 * time.Second
	}
	for try := 1; ; try++ {
		err := do()
		var e *Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &e) || !e.Temporary {
			return err
		}
		if o.Progress != nil && o.Progress() {
			try = 1
		}
		if try >= o.tries(e) {
			return err
		}
		wait := min(o.Max, o.Wait<<min(try-1, 20))
		wait = min(o.Max, max(wait/2+rand.N(wait/2+1), e.After))
		if o.Notify != nil {
			o.Notify(err, wait)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func (o *RetryOptions) tries(e *Error) int {
	switch {
	case o.Tries > 0:
		return o.Tries
	case e.Kind == ErrUnreachable:
		return 3
	}
	return 6
}
