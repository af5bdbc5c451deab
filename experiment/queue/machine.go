package queue

import (
	"context"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is what this machine has: its processors, and its graphics cards if
// nvidia-smi finds some.
func Machine(ctx context.Context) Resources {
	r := Resources{CPUs: runtime.NumCPU(), Mem: memory() >> 20 << 20}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name", "--format=csv,noheader").Output()
	if err != nil {
		return r
	}
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); name != "" {
			r.GPUs++
			r.GPUType = name
		}
	}
	return r
}

// Env is what tells a stage what it may use: the threads of the usual libraries,
// and the graphics cards of the n-th of several workers that share a machine.
// So results do not depend on the neighbours.
func Env(share Resources, n int) []string {
	env := workerEnv(max(1, share.CPUs))
	if share.GPUs > 0 {
		var cards []string
		for i := range share.GPUs {
			cards = append(cards, strconv.Itoa(n*share.GPUs+i))
		}
		env = append(env, "CUDA_VISIBLE_DEVICES="+strings.Join(cards, ","))
	}
	return env
}

// LineLogger writes messages as lines, as the logs of tasks have them.
func LineLogger(w io.Writer) *slog.Logger { return slog.New(&lineHandler{w}) }
