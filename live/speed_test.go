package live_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

// quiet keeps notices out of the output of tests.
func quiet(o live.Options) *live.Options {
	o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return &o
}

func TestLogDoesNotAllocate(t *testing.T) {
	t.Chdir(t.TempDir())
	l, err := live.Open("run", quiet(live.Options{}))
	require.NoError(t, err)
	defer l.Close()
	for i := range 100000 { // buffers reach their size
		l.Log("loss", 1/float64(i+1))
	}
	l.Drain()
	step := 0
	assert.Zero(t, testing.AllocsPerRun(20000, func() {
		step++
		l.Log("loss", 1/float64(step))
	}), "Log")
	assert.Zero(t, testing.AllocsPerRun(20000, func() {
		step++
		l.Log("loss", 1/float64(step))
		_ = l.NextStep()
	}), "Log and NextStep")
}

// run logs steps x metrics as bench/dvclive_ref.py does and returns the time
// from Open to the return of Close.
func run(b testing.TB, steps, metrics int, opts live.Options) time.Duration {
	dir := b.TempDir()
	names := []string{"loss"}
	if metrics > 1 {
		names = nil
		for i := range metrics {
			names = append(names, fmt.Sprintf("train/m%02d", i))
		}
	}
	old, err := os.Getwd()
	require.NoError(b, err)
	require.NoError(b, os.Chdir(dir))
	defer func() { require.NoError(b, os.Chdir(old)) }()
	start := time.Now()
	l, err := live.Open("dvclive", quiet(opts))
	require.NoError(b, err)
	for s := range steps {
		for i, name := range names {
			l.Log(name, 1/float64(s+1+i))
		}
		if err := l.NextStep(); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, l.Close())
	return time.Since(start)
}

// peerSeconds runs dvclive on the same work: import and construction are not
// counted.
func peerSeconds(b *testing.B, steps, metrics int, report string) float64 {
	python := peerPython(b)
	script := os.Getenv("REPRODL_BENCH")
	if script == "" {
		script = "../../shared/bench"
	}
	script, err := filepath.Abs(filepath.Join(script, "dvclive_ref.py"))
	require.NoError(b, err)
	if _, err := os.Stat(script); err != nil {
		b.Skip("no dvclive_ref.py: set REPRODL_BENCH to its folder")
	}
	cmd := exec.Command(python, script, strconv.Itoa(steps), strconv.Itoa(metrics), report, "yes", "steps")
	cmd.Env = peerEnv(b)
	out, err := cmd.Output()
	require.NoError(b, err)
	var result struct {
		Total float64 `json:"total_s"`
		End   float64 `json:"end_s"`
	}
	require.NoError(b, json.Unmarshal(out, &result))
	return result.Total + result.End
}

// BenchmarkRun measures whole runs. With -benchtime=1x it takes seconds.
func BenchmarkRun(b *testing.B) {
	for _, c := range []struct {
		steps, metrics int
		report         live.Report
	}{
		{10000, 1, live.NoReport},
		{10000, 1, live.HTMLReport},
		{1000, 50, live.NoReport},
		{1000, 50, live.HTMLReport},
		{1000000, 1, live.NoReport},
	} {
		b.Run(fmt.Sprintf("%dx%d/report=%s", c.steps, c.metrics, c.report), func(b *testing.B) {
			var total time.Duration
			for b.Loop() {
				total += run(b, c.steps, c.metrics, live.Options{Report: c.report})
			}
			b.ReportMetric(total.Seconds()/float64(b.N), "s/run")
			b.ReportMetric(total.Seconds()/float64(b.N)/float64(c.steps)*1e6, "µs/step")
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapSys)/(1<<20), "MB-heap")
		})
	}
}

// BenchmarkPeer runs both on the same work and reports how many times faster
// this package is. dvclive's cost grows with the square of the steps, so the
// work is a tenth of the unless REPRODL_LONG is set.
func BenchmarkPeer(b *testing.B) {
	scale := 10
	if os.Getenv("REPRODL_LONG") != "" {
		scale = 1
	}
	for _, c := range []struct {
		steps, metrics int
		report         live.Report
	}{{10000, 1, ""}, {10000, 1, "html"}, {1000, 50, ""}, {1000, 50, "html"}} {
		steps := c.steps / scale
		b.Run(fmt.Sprintf("%dx%d/report=%s", steps, c.metrics, c.report), func(b *testing.B) {
			report := "none"
			if c.report != "" {
				report = string(c.report)
			}
			theirs := peerSeconds(b, steps, c.metrics, report)
			var ours time.Duration
			for b.Loop() {
				ours += run(b, steps, c.metrics, live.Options{Report: c.report})
			}
			mean := ours.Seconds() / float64(b.N)
			b.ReportMetric(mean, "s/ours")
			b.ReportMetric(theirs, "s/dvclive")
			b.ReportMetric(theirs/mean, "ratio")
		})
	}
}
