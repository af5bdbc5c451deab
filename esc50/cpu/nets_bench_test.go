//go:build linux

package cpu_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// BenchmarkNets takes training steps of every network of [nets] and [exampleNets]. It reports the
// fastest step, and the first call, which compiles.
func BenchmarkNets(b *testing.B) {
	for _, n := range slices.Concat(nets, exampleNets) {
		b.Run(n.name, func(b *testing.B) {
			w := n.train(b, cpu.Default())
			start := time.Now()
			w.run(b)
			first := time.Since(start)
			w.run(b)
			least := time.Duration(1 << 62)
			for b.Loop() {
				start := time.Now()
				w.run(b)
				least = min(least, time.Since(start))
			}
			b.ReportMetric(first.Seconds()*1e3, "ms/first")
			b.ReportMetric(least.Seconds()*1e3, "ms/least")
		})
	}
}

// torchNets runs the peer's script with time counted by $REPRODL_CLOCK of
// Python's module time, and prints the largest resident size at the end.
const torchNets = `
import os, resource, runpy, sys, time
time.perf_counter = getattr(time, os.environ.get("REPRODL_CLOCK") or "perf_counter")
script = sys.argv[1]
sys.argv = sys.argv[1:]
try:
    runpy.run_path(script, run_name="__main__")
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
`

var torchNet = regexp.MustCompile(`(?m)^(\S+) mean \S+ min (\S+)\n(?:.*\n)*peak (\d+)`)

// BenchmarkNetsAgainstPyTorch prints the time of a training step of every
// network, or of those that $REPRODL_NETS names, as a share of PyTorch's with
// as many threads ($REPRODL_THREADS, 2 unless set), each by its fastest step of
// b.N turns. The networks run in processes of their own on both sides, so that
// their peaks of memory can be told. It needs $REPRODL_TORCH_PYTHON, and the
// script torch_nets.py in $REPRODL_BENCH; that of the examples is in testdata.
// $REPRODL_CLOCK=process_time compares the processors' time instead of the
// wall's, on a machine that is not quiet.
func BenchmarkNetsAgainstPyTorch(b *testing.B) {
	python := os.Getenv("REPRODL_TORCH_PYTHON")
	if python == "" {
		b.Skip("set REPRODL_TORCH_PYTHON to a python that has torch")
	}
	scripts := os.Getenv("REPRODL_BENCH")
	if scripts == "" {
		scripts = filepath.Join("..", "..", "..", "shared", "bench")
	}
	threads := os.Getenv("REPRODL_THREADS")
	if threads == "" {
		threads = "2"
	}
	for _, n := range slices.Concat(nets, exampleNets) {
		if only := os.Getenv("REPRODL_NETS"); only != "" && !strings.Contains(","+only+",", ","+n.name+",") {
			continue
		}
		b.Run(n.name, func(b *testing.B) {
			script := filepath.Join(scripts, "torch_nets.py")
			if slices.ContainsFunc(exampleNets, func(e net) bool { return e.name == n.name }) {
				script = filepath.Join("testdata", "torch_examples.py")
			}
			ours, theirs := measured{}, measured{}
			for range b.N {
				theirs.run(b, nil, python, "-c", torchNets, script, threads, n.name)
				ours.run(b, []string{"REPRODL_NET=" + n.name, "GOMAXPROCS=" + threads}, os.Args[0], "-test.run=^TestStepsOfNet$")
			}
			fmt.Printf("%-12s %8.2f ms against %8.2f ms; peak %4.0f MB against %4.0f MB; first call %.0f ms\n",
				n.name, ours.step, theirs.step, ours.peak, theirs.peak, ours.first)
			b.ReportMetric(ours.step/theirs.step, "step/torch")
			b.ReportMetric(ours.peak/theirs.peak, "peak/torch")
		})
	}
}

// measured are the least milliseconds of a step and of a first call, and the
// megabytes of a peak.
type measured struct{ step, peak, first float64 }

var firstCall = regexp.MustCompile(`(?m)^first (\S+)`)

func (m *measured) run(b *testing.B, env []string, name string, args ...string) {
	cmd := exec.CommandContext(b.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", out)
	found := torchNet.FindStringSubmatch(string(out))
	require.NotNil(b, found, "%s", out)
	least := func(to *float64, text string) {
		v, err := strconv.ParseFloat(text, 64)
		require.NoError(b, err)
		if *to == 0 || v < *to {
			*to = v
		}
	}
	least(&m.step, found[2])
	least(&m.peak, found[3])
	if f := firstCall.FindStringSubmatch(string(out)); f != nil {
		least(&m.first, f[1])
	}
}

// TestStepsOfNet is our side of [BenchmarkNetsAgainstPyTorch].
func TestStepsOfNet(t *testing.T) {
	name := os.Getenv("REPRODL_NET")
	if name == "" {
		t.Skip("set REPRODL_NET to the name of a network")
	}
	for _, n := range slices.Concat(nets, exampleNets) {
		if n.name != name {
			continue
		}
		w := n.train(t, cpu.Default())
		start := clock()
		w.run(t)
		fmt.Printf("first %.2f\n", 1e3*(clock()-start))
		for range 3 {
			w.run(t)
		}
		least, begin := 1e9, time.Now()
		for i := 0; i < 10 || time.Since(begin) < 3*time.Second; i++ {
			start := clock()
			w.run(t)
			least = min(least, clock()-start)
		}
		fmt.Printf("%s mean 0 min %.3f\npeak %d\n", n.name, 1e3*least, peakMegabytes())
	}
}

// clock is the time in seconds: the processors' if $REPRODL_CLOCK says
// process_time.
func clock() float64 {
	if os.Getenv("REPRODL_CLOCK") != "process_time" {
		return float64(time.Now().UnixNano()) / 1e9
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// peakMegabytes is the largest resident size of this process so far.
func peakMegabytes() int {
	fields := strings.Fields(peakMemory())
	kilobytes, _ := strconv.Atoi(fields[0])
	return kilobytes / 1024
}
