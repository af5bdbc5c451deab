//go:build unix

package slurm_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
)

// TestMain is also the job, and Slurm's commands when it is called by their names.
func TestMain(m *testing.M) {
	var err error
	switch name := filepath.Base(os.Args[0]); {
	case name == "sbatch" || name == "squeue" || name == "scancel" || name == "scontrol":
		err = fake(name, os.Args[1:])
	case len(os.Args) == 4 && os.Args[1] == "slurm-task":
		var r *experiment.Repo
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if r, err = experiment.Open(".", nil); err == nil {
			err = slurm.Open(r, nil).Run(ctx, os.Args[2], os.Args[3])
		}
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// fake is Slurm in a directory, $FAKE: a file for each job, which has its line
// of squeue; the test runs the jobs. Arrays above $FAKE_LIMIT jobs are refused.
func fake(name string, args []string) error {
	dir := os.Getenv("FAKE")
	switch name {
	case "scontrol":
		fmt.Println("MaxArraySize            = 4")
	case "squeue":
		files, _ := filepath.Glob(filepath.Join(dir, "job", "*"))
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			fmt.Println(string(data))
		}
	case "scancel":
		for _, id := range args {
			os.Remove(filepath.Join(dir, "job", id))
		}
	case "sbatch":
		script, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		calls, _ := filepath.Glob(filepath.Join(dir, "args*"))
		id := 100 + len(calls)
		jobName, last := "", 0
		for _, a := range args {
			if v, ok := strings.CutPrefix(a, "--job-name="); ok {
				jobName = v
			}
			if v, ok := strings.CutPrefix(a, "--array=0-"); ok {
				v, _, _ = strings.Cut(v, "%")
				last, _ = strconv.Atoi(v)
			}
		}
		if limit, _ := strconv.Atoi(os.Getenv("FAKE_LIMIT")); limit > 0 {
			jobs, _ := filepath.Glob(filepath.Join(dir, "job", "*"))
			if len(jobs)+last+1 > limit {
				return fmt.Errorf("sbatch: error: AssocMaxSubmitJobLimit")
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("args", id)), []byte(strings.Join(args, "\n")), 0o666); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("script", id)), script, 0o777); err != nil {
			return err
		}
		for i := range last + 1 {
			job := fmt.Sprintf("%d_%d", id, i)
			if err := os.WriteFile(filepath.Join(dir, "job", job), []byte(fmt.Sprintf("%s|%s|PENDING|(Priority)|", job, jobName)), 0o666); err != nil {
				return err
			}
		}
		fmt.Println(id)
	}
	return nil
}

// cluster is a repository and a fake Slurm.
type cluster struct {
	*exptest.Project
	dir   string
	repo  *experiment.Repo
	slurm *slurm.Cluster
	queue *queue.Queue
	self  string
}

func newCluster(t *testing.T, files map[string]string) *cluster {
	t.Helper()
	c := &cluster{Project: exptest.New(t, files), dir: t.TempDir()}
	var err error
	c.self, err = os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "job"), 0o777))
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "bin"), 0o777))
	for _, name := range []string{"sbatch", "squeue", "scancel", "scontrol"} {
		require.NoError(t, os.Symlink(c.self, filepath.Join(c.dir, "bin", name)))
	}
	c.Env = append(c.Env, "FAKE="+c.dir, "PATH="+filepath.Join(c.dir, "bin")+":"+os.Getenv("PATH"))
	c.open()
	return c
}

func (c *cluster) open() {
	c.repo = c.Open()
	c.slurm, c.queue = slurm.Open(c.repo, &slurm.Options{Env: c.Env}), queue.Open(c.repo, nil)
}

func (c *cluster) submit(o slurm.SubmitOptions) int {
	c.Helper()
	o.Program = []string{c.self, "slurm-task"}
	n, err := c.slurm.Submit(c.Context(), &o)
	require.NoError(c, err)
	return n
}

// waiting lists the jobs that Slurm has.
func (c *cluster) waiting() []string {
	files, _ := filepath.Glob(filepath.Join(c.dir, "job", "*"))
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

// start marks a job as running and returns its process.
func (c *cluster) start(job string, env ...string) *exec.Cmd {
	c.Helper()
	file := filepath.Join(c.dir, "job", job)
	data, err := os.ReadFile(file)
	require.NoError(c, err)
	line := strings.Replace(string(data), "|PENDING|(Priority)|", "|RUNNING|node1|node1", 1)
	require.NoError(c, os.WriteFile(file, []byte(line), 0o666))
	id, index, _ := strings.Cut(job, "_")
	cmd := exec.Command(filepath.Join(c.dir, "script"+id))
	cmd.Dir, cmd.Env = c.Dir, append(slices.Concat(c.Env, env), "SLURM_ARRAY_TASK_ID="+index, "SLURM_JOB_ID="+id, "SLURM_CPUS_PER_TASK=1")
	require.NoError(c, cmd.Start())
	c.T.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// end forgets a job, as Slurm does when it is over.
func (c *cluster) end(job string) { os.Remove(filepath.Join(c.dir, "job", job)) }

// args are the arguments of the n-th call of sbatch.
func (c *cluster) args(n int) []string {
	c.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, fmt.Sprint("args", 100+n)))
	require.NoError(c, err)
	return strings.Split(string(data), "\n")
}

// tasks are the states of the queue, by name.
func (c *cluster) tasks() map[string]queue.Task {
	c.Helper()
	require.NoError(c, c.slurm.Sync(c.Context(), c.queue))
	list, err := c.queue.Tasks(c.Context())
	require.NoError(c, err)
	m := map[string]queue.Task{}
	for _, t := range list {
		m[t.Name] = t
	}
	return m
}
