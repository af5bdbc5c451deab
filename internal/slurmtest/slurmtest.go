//go:build linux

// Package slurmtest runs a Slurm cluster on this machine, for tests: munged,
// slurmctld and three slurmd, of Debian's slurm-wlm and munge.
package slurmtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Nodes are the names of the nodes, and so of what runs their slurmd; Controller is
// that of slurmctld.
var Nodes = []string{"node0", "node1", "node2"}

// Controller is the daemon that gives out jobs.
const Controller = "slurmctld"

// Cluster is what Start started.
type Cluster struct {
	testing.TB
	dir string

	mu      sync.Mutex
	daemons map[string]*exec.Cmd
	ended   bool
}

// Start starts a cluster of three nodes with two processors each, whose arrays may
// have indices below maxArray. REPRODL_SLURM=1 asks for it, as root; without it, and
// with -short, the test is skipped. There is no accounting, and no file outside of a directory of
// the test's.
func Start(t testing.TB, maxArray int) *Cluster {
	t.Helper()
	if os.Getenv("REPRODL_SLURM") == "" || testing.Short() {
		t.Skip("REPRODL_SLURM is not set; needs root, slurm-wlm and munge")
	}
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("REPRODL_SLURM is set: %v", err)
		}
	}
	c := &Cluster{TB: t, dir: t.TempDir(), daemons: map[string]*exec.Cmd{}}
	// munged and slurmctld want directories that others cannot write to, on the way too.
	for d := c.dir; d != "/"; d = filepath.Dir(d) {
		if fi, err := os.Stat(d); err == nil && d != os.TempDir() {
			os.Chmod(d, fi.Mode().Perm()|0o755)
		}
	}
	require.NoError(t, os.MkdirAll(c.path("state"), 0o755))
	require.NoError(t, os.WriteFile(c.path("slurm.conf"), []byte(c.config(maxArray)), 0o644))
	require.NoError(t, os.WriteFile(c.path("munge.key"), []byte(strings.Repeat("0123456789abcdef", 64)), 0o400))
	t.Cleanup(c.end)
	c.Run("munged")
	require.Eventually(t, func() bool { _, err := os.Stat(c.path("munge.sock")); return err == nil }, time.Minute, 10*time.Millisecond)
	c.Run(Controller)
	for _, n := range Nodes {
		c.Run(n)
	}
	require.Eventually(t, func() bool {
		out, err := c.Command("sinfo", "--noheader", "--format=%T %D").CombinedOutput()
		return err == nil && strings.TrimSpace(string(out)) == "idle 3"
	}, time.Minute, 100*time.Millisecond, "three idle nodes")
	return c
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

// Env is what leads Slurm's commands to the cluster.
func (c *Cluster) Env() []string { return []string{"SLURM_CONF=" + c.path("slurm.conf")} }

// Command is one of Slurm's, such as scontrol.
func (c *Cluster) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), c.Env()...)
	return cmd
}

// config is slurm.conf. What takes minutes elsewhere takes seconds here.
func (c *Cluster) config(maxArray int) string {
	me, err := user.Current()
	require.NoError(c, err)
	host, err := os.Hostname()
	require.NoError(c, err)
	ports := c.ports(1 + len(Nodes))
	conf := fmt.Sprintf(`ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
SlurmUser=%[2]s
SlurmdUser=%[2]s
AuthType=auth/munge
AuthInfo=socket=%[4]s/munge.sock
CredType=cred/munge
SlurmctldPort=%[3]s
StateSaveLocation=%[4]s/state
SlurmdSpoolDir=%[4]s/spool-%%n
SlurmctldPidFile=%[4]s/ctld.pid
SlurmdPidFile=%[4]s/%%n.pid
SlurmctldLogFile=%[4]s/ctld.log
SlurmdLogFile=%[4]s/%%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2
ReturnToService=2
MaxArraySize=%[5]d
MaxJobCount=30000
KillWait=10
MinJobAge=10
SlurmdTimeout=10
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
`, host, me.Username, ports[0], c.dir, maxArray)
	for i, n := range Nodes {
		conf += fmt.Sprintf("NodeName=%s NodeHostname=%s NodeAddr=127.0.0.1 Port=%s CPUs=2 State=UNKNOWN\n", n, host, ports[i+1])
	}
	return conf + "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO\n"
}

// ports are free ones.
func (c *Cluster) ports(n int) (list []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(c, err)
		defer l.Close() // until all are chosen
		_, port, _ := net.SplitHostPort(l.Addr().String())
		list = append(list, port)
	}
	return list
}

// Run starts a daemon.
func (c *Cluster) Run(name string) {
	c.Helper()
	var cmd *exec.Cmd
	switch name {
	case "munged":
		cmd = c.Command("munged", "--foreground", "--force", "--socket="+c.path("munge.sock"), "--key-file="+c.path("munge.key"),
			"--pid-file="+c.path("munge.pid"), "--log-file="+c.path("munge.log"), "--seed-file="+c.path("munge.seed"))
	case Controller:
		cmd = c.Command(Controller, "-D", "-i") // -i: go on where the state is
	default:
		cmd = c.Command("slurmd", "-D", "-N", name, "-f", c.path("slurm.conf"))
	}
	log, err := os.OpenFile(c.path(name+".out"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	require.NoError(c, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	require.NoError(c, cmd.Start())
	c.daemons[name] = cmd
}

// Kill ends a daemon by SIGKILL. What jobs a node runs goes on.
func (c *Cluster) Kill(name string) {
	c.mu.Lock()
	cmd := c.daemons[name]
	delete(c.daemons, name)
	c.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// KillNode ends a node with all that it runs, as when the power fails.
func (c *Cluster) KillNode(name string) {
	c.Kill(name)
	pids := c.Jobs(name)
	for _, pid := range c.Jobs(name) {
		if parent := parentOf(pid); isStep(parent) {
			pids = append(pids, parent)
		}
	}
	// At once: none shall see another one end.
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range pids {
			syscall.Kill(pid, signal)
		}
	}
}

// KillJob ends what a job on some node began with, and nothing of what that has
// started; false if none runs.
func (c *Cluster) KillJob() bool {
	pids := slices.DeleteFunc(c.Jobs(""), func(pid int) bool { return !isStep(parentOf(pid)) })
	return len(pids) > 0 && syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil
}

// Jobs are the processes of jobs on a node, on all of them if it has no name.
func (c *Cluster) Jobs(node string) []int {
	if node != "" {
		node += "\x00"
	}
	return c.processes("SLURMD_NODENAME=" + node)
}

// Running are the ids of the jobs that run, one for each element of an array, and
// none if the controller does not answer. It does what an administrator does after
// such accidents: jobs that were given back to the queue do not have to wait there
// for two minutes, jobs that are held are let go, and nodes that Slurm does not trust
// any more, after its controller forgot jobs that run there, are taken in again.
func (c *Cluster) Running() (ids []string) {
	if out, _ := c.Command("sinfo", "--noheader", "--format=%T").Output(); strings.Contains(string(out), "drain") {
		c.Command("scontrol", "update", "NodeName="+strings.Join(Nodes, ","), "State=RESUME").Run()
	}
	out, _ := c.Command("squeue", "--noheader", "--array", "--format=%i|%T|%R").Output()
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "|")
		switch {
		case len(f) < 3:
		case f[1] == "RUNNING":
			ids = append(ids, f[0])
		case f[1] == "PENDING" && f[2] == "(BeginTime)":
			c.Command("scontrol", "update", "JobId="+f[0], "StartTime=now").Run()
		case f[1] == "PENDING" && strings.Contains(f[2], "held"):
			c.Command("scontrol", "release", f[0]).Run()
		}
	}
	return ids
}

func parentOf(pid int) (parent int) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(data), ") ")
	var state string
	fmt.Sscan(rest, &state, &parent)
	return parent
}

// isStep reports whether a process is one of those by which slurmd starts jobs.
func isStep(pid int) bool {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Contains(string(data), "slurmstepd")
}

// processes of this cluster with a variable that begins so.
func (c *Cluster) processes(variable string) (list []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range files {
		data, err := os.ReadFile(name)
		env := "\x00" + string(data)
		if err != nil || !strings.Contains(env, "\x00SLURM_CONF="+c.path("slurm.conf")+"\x00") || !strings.Contains(env, "\x00"+variable) {
			continue
		}
		pid := 0
		fmt.Sscanf(name, "/proc/%d/", &pid)
		list = append(list, pid)
	}
	return list
}

// end leaves nothing running.
func (c *Cluster) end() {
	if c.Failed() {
		for _, name := range append([]string{Controller}, Nodes...) {
			data, _ := os.ReadFile(c.path(name + ".out"))
			c.Logf("%s: %s", name, data[max(0, len(data)-4000):])
		}
	}
	c.mu.Lock()
	c.ended = true
	daemons := c.daemons
	c.mu.Unlock()
	for _, cmd := range daemons {
		cmd.Process.Kill()
		cmd.Wait()
	}
	for range 3 { // slurmstepd, and what it begins meanwhile
		for _, pid := range c.processes("") {
			if pid != os.Getpid() {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}
