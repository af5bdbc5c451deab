package queue

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
)

// Machine is what this machine has: its processors, its memory, and the graphics
// cards that nvidia-smi finds and CUDA_VISIBLE_DEVICES doesn't hide.
func Machine(ctx context.Context) Resources {
	r := Resources{CPUs: runtime.NumCPU(), Mem: memory() >> 20 << 20}
	c := FindCards(ctx, os.Environ())
	if r.GPUs = c.Len(); r.GPUs > 0 {
		r.GPUType = c.cards[0].name
	}
	return r
}

// accept refuses what no worker of a store could run: one that does not know its
// workers has those of this machine, and those that Slurm starts.
func accept(ctx context.Context, s Store, need Resources) error {
	if a, ok := s.(Accepter); ok {
		return a.Accept(ctx, need)
	}
	if need.IsZero() {
		return nil
	}
	if _, err := exec.LookPath("sbatch"); err == nil {
		return nil
	}
	if lacks := need.Lacks(Machine(ctx)); lacks != "" {
		return fmt.Errorf("this machine lacks %s, which the experiment needs (%s), and no hub with other workers is running; 'queue serve' starts one", lacks, need)
	}
	return nil
}

// Env is what tells a stage what it may use: the threads of the usual libraries. So
// results do not depend on the neighbours.
func Env(share Resources) []string { return workerEnv(max(1, share.CPUs)) }

// LineLogger writes messages as lines, as the logs of tasks have them.
func LineLogger(w io.Writer) *slog.Logger { return slog.New(&lineHandler{w}) }
