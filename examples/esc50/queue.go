package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/reprodl/reprodl/experiment/queue"
)

// work executes the queued experiments, each with a worker, and prints what
// they print as they go, every line behind the experiment's name.
func (w *walk) work(ctx context.Context, tasks *queue.Queue, names []string) error {
	follow, stop := context.WithCancel(ctx)
	defer stop()
	width := 0
	for _, name := range names {
		width = max(width, len(name))
	}
	var printing sync.Mutex
	var followers sync.WaitGroup
	for _, name := range names {
		lines := &lineWriter{out: w.out, mu: &printing, prefix: fmt.Sprintf("%-*s | ", width, name)}
		followers.Go(func() { _ = tasks.Log(follow, name, lines, &queue.LogOptions{Follow: true}) }) // what matters comes from WorkAll
	}
	failed, err := tasks.WorkAll(ctx, len(names), nil)
	if err != nil {
		stop()
	}
	followers.Wait()
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%w; `reprodl queue logs %s` tells more", failed[0], failed[0].Name)
	}
	w.sayf("\nTo apply the results of an experiment to your workspace run:\n\n\treprodl exp apply %s\n\n", names[0])
	return nil
}

// lineWriter writes whole lines behind a prefix; blank ones are left out.
type lineWriter struct {
	out    io.Writer
	mu     *sync.Mutex // of out
	prefix string
	rest   []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		if line := bytes.TrimSpace(l.rest[:i]); len(line) > 0 {
			if _, err := fmt.Fprintf(l.out, "%s%s\n", l.prefix, line); err != nil {
				return len(p), err
			}
		}
		l.rest = l.rest[i+1:]
	}
}
