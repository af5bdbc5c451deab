package live

import "time"

// Abandon stops the logger as if the process had died after its last write.
func (l *Logger) Abandon() error { return l.stop(Sink.Close) }

// Drain writes everything that was logged.
func (l *Logger) Drain() { l.flush() }

// WithClock gives the options another clock.
func (o Options) WithClock(now func() time.Time) *Options {
	o.now = now
	return &o
}

// SummaryJSON returns the summary as it stands.
func (l *Logger) SummaryJSON() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(appendJSONGroup(nil, l.summary, 0))
}

// JSON returns a value as metrics.json would have it.
func JSON(v any) (string, error) {
	x, err := plain(v)
	return string(valueOf(x).appendJSON(nil, 0)), err
}
