//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlurmJobs: what sbatch is given runs the experiments when Slurm starts it.
func TestSlurmJobs(t *testing.T) {
	r := newFleetRepo(t)
	bin := filepath.Join(filepath.Dir(r.dir), "bin")
	require.NoError(t, os.Mkdir(bin, 0o777))
	for name, script := range map[string]string{
		"sbatch":   "cat >\"$0.script\"; echo \"$@\" >\"$0.args\"; echo 7",
		"squeue":   "exit 0",
		"scancel":  "exit 0",
		"scontrol": "echo 'MaxArraySize = 100'",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o777))
	}
	r.env = append(r.env, "PATH="+bin+":"+os.Getenv("PATH"))
	r.dvc("exp", "run", "--queue", "-n", "s", "-S", "lr=5,6")
	assert.Contains(t, r.dvc("queue", "start", "--on", "slurm", "-j", "2", "--sbatch", "--partition=gpu"), "Submitted 2 experiments to Slurm.")
	assert.Contains(t, readFile(t, filepath.Join(bin, "sbatch.args")), "--partition=gpu")
	for _, index := range []string{"0", "1"} {
		job := r.command("/bin/sh", filepath.Join(bin, "sbatch.script"))
		job.Env = append(job.Env, "SLURM_ARRAY_TASK_ID="+index, "SLURM_JOB_ID=7", "SLURM_CPUS_PER_TASK=1")
		out, err := job.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	status := r.dvc("queue", "status")
	assert.Regexp(t, `s-1\s+.*Success`, status)
	assert.Regexp(t, `s-2\s+.*Success`, status)
	assert.Contains(t, r.dvc("queue", "logs", "s-1"), "trained")
}
