package live

import (
	"context"
	"errors"
)

// End finishes the run: the files are brought up to date, the report is made,
// the experiment is saved, and the editor's signal files are removed. If steps
// were completed, the step goes back to the last completed one, so that values
// logged after the last NextStep, such as a final score, enter the summary of
// that step. The logger remains usable. The context is for what may take long,
// git and [Options].Save; the files are written in any case.
func (l *Logger) End(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	monitor := l.opts.Monitor
	l.mu.Unlock()
	if monitor != nil {
		monitor.stop()
	}
	l.cacheImages(ctx)
	l.mu.Lock()
	if l.classic == nil {
		l.stepBack()
		l.syncLocked()
	}
	l.ended = true // whatever is logged from now on needs another End
	l.mu.Unlock()
	l.flush()
	l.finishReport()
	l.finishRun(ctx)
	l.finishProgress()
	return l.Err()
}

// Close ends the run, unless [Logger.End] was the last thing called, waits
// until the files are safe from a power failure, and releases the directory.
// It returns what kept something from being logged, see [Logger.Err]. A second Close does nothing.
func (l *Logger) Close() error { return l.shutdown(context.Background(), closeSink) }

// Shutdown is Close for a program that cannot wait for ever. Once ctx is done,
// git and [Options].Save are given up and sinks stop sending; the files are
// complete all the same, and the directory is released. A sink that has
// something left to send says so by its error, see [Shutdowner].
func (l *Logger) Shutdown(ctx context.Context) error { return l.shutdown(ctx, shutdownSink) }

func (l *Logger) shutdown(ctx context.Context, end func(context.Context, Sink) error) error {
	l.mu.Lock()
	closed, ended := l.closed, l.ended
	l.mu.Unlock()
	if closed {
		return nil
	}
	if !ended {
		_ = l.End(ctx) // its error is Err's
	}
	err := l.stop(func(s Sink) error { return end(ctx, s) })
	l.fsync()
	return errors.Join(l.Err(), err)
}

// stop writes what is pending and releases everything, without the effects of
// End. The sinks come last: they have got every record by then.
func (l *Logger) stop(end func(Sink) error) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.drained.Broadcast()
	l.mu.Unlock()
	if l.opts.Monitor != nil {
		l.opts.Monitor.stop()
	}
	// The writer ends; what is left is written below.
	close(l.quit)
	<-l.done
	l.flush()
	l.stopReport()
	var errs []error
	for _, s := range l.opts.Sinks {
		errs = append(errs, end(s))
	}
	return errors.Join(append(errs, l.unlock())...)
}

// closeSink and shutdownSink are the two ways to end a sink.
func closeSink(_ context.Context, s Sink) error { return s.Close() }

func shutdownSink(ctx context.Context, s Sink) error {
	if s, ok := s.(Shutdowner); ok {
		return s.Shutdown(ctx)
	}
	return s.Close()
}
