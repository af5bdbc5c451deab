package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"
	"time"
)

// Monitor logs the use of processor, memory and disks, under DVCLive's names:
// system/cpu/usage (%), system/cpu/parallelization (%) (the share of cores at
// 20 % or more), system/ram/usage (%) and (GB), system/disk/usage (%)/KEY and
// (GB)/KEY; and in the summary only system/cpu/count, system/ram/total (GB) and
// system/disk/total (GB)/KEY. A GB is 2^30 bytes.
//
// Where nvidia-smi finds NVIDIA graphics cards there are also, by the number N
// of the card, system/gpu/usage (%)/N, system/vram/usage (%)/N and (GB)/N, one
// look a row, and in the summary system/gpu/count and system/vram/total (GB)/N.
//
// The zero value is ready to use; one Monitor serves one logger.
// It works on Linux and does nothing elsewhere.
type Monitor struct {
	// Interval is the time between samples; 0 means 50 ms, and 100 ms is the
	// most.
	Interval time.Duration
	// Samples is how many samples make one row, their mean; 0 means 20, and 30
	// is the most.
	Samples int
	// Dirs are the directories whose disks are looked at, by the key that
	// stands in the metric's name; nil means {"main": "/"}.
	Dirs map[string]string

	quit, done chan struct{}
	once       sync.Once
}

const gigabyte = 1 << 30

// sample is one look at the machine: metrics by name, and those of them that
// have no history.
type sample map[string]float64

// plotted tells the metrics with a history from those that don't change.
func plottedMetric(name string) bool {
	for _, constant := range []string{"system/cpu/count", "system/ram/total (GB)", "system/disk/total (GB)/*",
		gpuCount, "system/vram/total (GB)/*"} {
		if ok, err := path.Match(constant, name); ok || err != nil {
			return false
		}
	}
	return true
}

// check completes the options.
func (m *Monitor) check() error {
	if m.Interval <= 0 {
		m.Interval = 50 * time.Millisecond
	}
	m.Interval = min(m.Interval, 100*time.Millisecond)
	if m.Samples <= 0 {
		m.Samples = 20
	}
	m.Samples = min(m.Samples, 30)
	if m.Dirs == nil {
		m.Dirs = map[string]string{"main": "/"}
	}
	for key := range m.Dirs {
		if key == "" || path.Clean(key) != key || path.IsAbs(key) {
			return fmt.Errorf("%w: monitor: %q is no name for a disk", ErrOption, key)
		}
		if _, err := localFile(key); err != nil {
			return fmt.Errorf("monitor: %w", err)
		}
	}
	return nil
}

// start samples until stop.
func (m *Monitor) start(l *Logger) {
	p, err := newProbe(m.Dirs)
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if err != nil {
		l.warn(fmt.Errorf("the machine's use isn't logged: %w", err))
		return
	}
	m.quit, m.done = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-m.quit
		cancel() // an nvidia-smi under way is not waited for
	}()
	go func() {
		defer close(m.done)
		cards := newNvidia(ctx)
		for first := true; m.row(ctx, l, p, cards, first); first = false {
		}
	}()
}

// row takes the samples of one row and logs their mean. It reports whether to
// go on. The last row, cut short, is the mean of the samples it has; DVCLive
// divides by the full number. The first has one sample at least: a run that ends
// before any was due has its row, too.
func (m *Monitor) row(ctx context.Context, l *Logger, p *probe, cards *nvidia, first bool) bool {
	asked := make(chan sample, 1)
	go func() {
		var s sample
		if cards != nil {
			s, _ = cards.sample(ctx) // a row without them is better than none
		}
		asked <- s
	}()
	sum, n, more := make(sample), 0, true
	ticker := time.NewTicker(m.Interval)
	defer ticker.Stop()
	for n < m.Samples && more {
		select {
		case <-ticker.C:
		case <-m.quit:
			more = false
			if n > 0 || !first {
				continue
			}
		}
		s, err := p.sample()
		if err != nil {
			l.warn(fmt.Errorf("the machine's use isn't logged any longer: %w", err))
			return false
		}
		for name, v := range s {
			sum[name] += v
		}
		n++
	}
	for name := range sum {
		sum[name] /= float64(n)
	}
	maps.Copy(sum, <-asked)
	for _, name := range slices.Sorted(maps.Keys(sum)) {
		opts := &MetricOptions{Timestamp: true, NoPlot: !plottedMetric(name)}
		if l.LogValue(name, sum[name], opts) != nil {
			return false
		}
	}
	return more
}

// stop ends the sampling, once.
func (m *Monitor) stop() {
	if m.quit == nil {
		return
	}
	m.once.Do(func() { close(m.quit) })
	<-m.done
}
