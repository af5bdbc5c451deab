package cpu_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

var torchLine = regexp.MustCompile(`step min ([0-9.]+) .*infer min ([0-9.]+) .*VmHWM ([0-9]+) MiB`)

// BenchmarkAgainstPyTorch prints the time of a training step and of inference
// as a share of PyTorch's with two threads, the better of its two layouts, in
// turns. It needs $REPRODL_TORCH_PYTHON, a python that has torch, and the
// script torch_step.py in $REPRODL_BENCH (default ../shared/bench from the
// module root). Each side counts by its fastest step of all turns.
func BenchmarkAgainstPyTorch(b *testing.B) {
	python := os.Getenv("REPRODL_TORCH_PYTHON")
	if python == "" {
		b.Skip("set REPRODL_TORCH_PYTHON to a python that has torch")
	}
	scripts := os.Getenv("REPRODL_BENCH")
	if scripts == "" {
		scripts = filepath.Join("..", "..", "..", "shared", "bench")
	}
	w := newWorkload(b, cpu.Default(), 32, 8, 128, 201, 50)
	w.train(b)
	_, err := w.infer.Call1(w.x)
	require.NoError(b, err)
	var ours, theirs [2]float64
	least := func(to *float64, v float64) {
		if *to == 0 || v < *to {
			*to = v
		}
	}
	for range b.N {
		for _, layout := range []string{"nchw", "cl"} {
			out, err := exec.CommandContext(b.Context(), python, filepath.Join(scripts, "torch_step.py"), "2", layout, "0").CombinedOutput()
			require.NoError(b, err, "%s", out)
			m := torchLine.FindStringSubmatch(string(out))
			require.NotNil(b, m, "%s", out)
			for i := range theirs {
				v, err := strconv.ParseFloat(m[i+1], 64)
				require.NoError(b, err)
				least(&theirs[i], v)
			}
			for range 12 {
				start := time.Now()
				w.train(b)
				least(&ours[0], time.Since(start).Seconds())
				start = time.Now()
				logits, err := w.infer.Call1(w.x)
				require.NoError(b, err)
				least(&ours[1], time.Since(start).Seconds())
				require.NoError(b, logits.FinalizeAll())
			}
		}
	}
	fmt.Printf("step %.3f s against %.3f s; inference %.3f s against %.3f s; peak %s\n",
		ours[0], theirs[0], ours[1], theirs[1], peakMemory())
	b.ReportMetric(ours[0]/theirs[0], "step/torch")
	b.ReportMetric(ours[1]/theirs[1], "inference/torch")
}

// peakMemory is the largest resident size of this process so far.
func peakMemory() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	m := regexp.MustCompile(`VmHWM:\s*(.*)`).FindSubmatch(status)
	if m == nil {
		return "unknown"
	}
	return string(m[1])
}
