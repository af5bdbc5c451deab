//go:build linux

package slurm_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
)

// TestRealSlurm runs a cluster of three nodes on this machine: munged, slurmctld
// and three slurmd, of Debian's slurm-wlm and munge. REPRODL_SLURM=1 asks for it,
// as root: no accounting, no files outside of a directory of its own.
func TestRealSlurm(t *testing.T) {
	if os.Getenv("REPRODL_SLURM") == "" {
		t.Skip("REPRODL_SLURM is not set; needs root, slurm-wlm and munge")
	}
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("REPRODL_SLURM is set: %v", err)
		}
	}
	c := &cluster{Project: exptest.New(t, map[string]string{"dvc.yaml": flagStage})}
	c.dir = c.startSlurm()
	var err error
	c.self, err = os.Executable()
	require.NoError(t, err)
	mark := filepath.Join(t.TempDir(), "mark")
	c.Env = append(c.Env, "SLURM_CONF="+filepath.Join(c.dir, "slurm.conf"), "MARK="+mark)
	c.open()
	ctx := t.Context()
	_, err = c.queue.Add(ctx, &experiment.RunOptions{Name: "s", Set: []string{"lr=range(0,10)"}})
	require.NoError(t, err)
	assert.Equal(t, 10, c.submit(slurm.SubmitOptions{Jobs: 4, Need: experiment.Resources{CPUs: 1, Time: 10 * time.Minute}}))
	assert.Equal(t, 0, c.submit(slurm.SubmitOptions{}), "Slurm has them")
	// MaxArraySize is 4 here, so three arrays; none runs twice.
	require.Eventually(t, func() bool {
		n := 0
		for _, task := range c.tasks() {
			require.NotEqual(t, queue.Failed, task.State, task.Error)
			if task.State == queue.Success {
				n++
			}
		}
		return n == 10
	}, 2*time.Minute, 200*time.Millisecond)
	for name, task := range c.tasks() {
		assert.Equal(t, 1, task.Attempts, name)
	}
	assert.Empty(t, c.Git("for-each-ref", "refs/reprodl/queue"))

	// One that runs is killed, one that is killed behind Slurm's back is run again.
	require.NoError(t, os.WriteFile(mark+".hold", nil, 0o666))
	_, err = c.queue.Add(ctx, &experiment.RunOptions{Name: "h", Set: []string{"lr=20,21"}})
	require.NoError(t, err)
	require.Equal(t, 2, c.submit(slurm.SubmitOptions{}))
	running := func(name string) bool { return c.tasks()[name].State == queue.Running }
	require.Eventually(t, func() bool { return running("h-1") && running("h-2") }, time.Minute, 100*time.Millisecond)
	assert.Contains(t, c.tasks()["h-1"].Lease.Worker, "node")
	require.NoError(t, c.slurm.Kill(ctx, c.tasks()["h-1"].ID))
	require.Eventually(t, func() bool { return c.tasks()["h-1"].State == queue.Failed }, time.Minute, 100*time.Millisecond)
	assert.Equal(t, "killed by the user", c.tasks()["h-1"].Error)
	require.NoError(t, os.Remove(mark+".hold"))
	id, _, _ := strings.Cut(c.tasks()["h-2"].Lease.Worker, " ")
	out, err := exec.Command("pgrep", "-f", c.self+" slurm-task").Output()
	require.NoError(t, err, id)
	for _, pid := range strings.Fields(string(out)) {
		require.NoError(t, exec.Command("kill", "-9", pid).Run())
	}
	require.Eventually(t, func() bool { return c.submit(slurm.SubmitOptions{}) == 1 }, time.Minute, 100*time.Millisecond)
	require.Eventually(t, func() bool { return c.tasks()["h-2"].State == queue.Success }, time.Minute, 100*time.Millisecond)
	assert.Equal(t, 2, c.tasks()["h-2"].Attempts)
	c.Fsck()
}

// startSlurm starts the daemons and returns their directory.
func (c *cluster) startSlurm() string {
	c.Helper()
	dir := c.T.TempDir()
	// munged and slurmctld want directories that others cannot write to, on the way too.
	for d := dir; d != "/"; d = filepath.Dir(d) {
		if fi, err := os.Stat(d); err == nil && d != os.TempDir() {
			os.Chmod(d, fi.Mode().Perm()|0o755)
		}
	}
	me, err := user.Current()
	require.NoError(c, err)
	host, err := os.Hostname()
	require.NoError(c, err)
	var ports []string
	var held []net.Listener // until all are chosen
	for range 4 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(c, err)
		held = append(held, l)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	for _, l := range held {
		l.Close()
	}
	socket := filepath.Join(dir, "munge.sock")
	conf := fmt.Sprintf(`ClusterName=test
SlurmctldHost=%[1]s(127.0.0.1)
SlurmUser=%[2]s
SlurmdUser=%[2]s
AuthType=auth/munge
AuthInfo=socket=%[3]s
CredType=cred/munge
SlurmctldPort=%[4]s
StateSaveLocation=%[5]s/state
SlurmdSpoolDir=%[5]s/spool-%%n
SlurmctldPidFile=%[5]s/ctld.pid
SlurmdPidFile=%[5]s/%%n.pid
SlurmctldLogFile=%[5]s/ctld.log
SlurmdLogFile=%[5]s/%%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2
ReturnToService=2
MaxArraySize=4
KillWait=10
MinJobAge=10
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
`, host, me.Username, socket, ports[0], dir)
	for i := range 3 {
		conf += fmt.Sprintf("NodeName=node%d NodeHostname=%s NodeAddr=127.0.0.1 Port=%s CPUs=2 State=UNKNOWN\n", i, host, ports[i+1])
	}
	conf += "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO\n"
	require.NoError(c, os.MkdirAll(filepath.Join(dir, "state"), 0o755))
	require.NoError(c, os.WriteFile(filepath.Join(dir, "slurm.conf"), []byte(conf), 0o644))
	require.NoError(c, os.WriteFile(filepath.Join(dir, "munge.key"), []byte(strings.Repeat("0123456789abcdef", 64)), 0o400))
	start := func(name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Env = append(slices.Clone(os.Environ()), "SLURM_CONF="+filepath.Join(dir, "slurm.conf"))
		log, err := os.Create(filepath.Join(dir, filepath.Base(name)+"-"+fmt.Sprint(len(args))+".out"))
		require.NoError(c, err)
		cmd.Stdout, cmd.Stderr = log, log
		require.NoError(c, cmd.Start())
		c.T.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
			log.Close()
			if c.Failed() {
				data, _ := os.ReadFile(log.Name())
				c.Logf("%s: %s", name, data)
			}
		})
	}
	start("munged", "--foreground", "--force", "--socket="+socket, "--key-file="+filepath.Join(dir, "munge.key"),
		"--pid-file="+filepath.Join(dir, "munge.pid"), "--log-file="+filepath.Join(dir, "munge.log"), "--seed-file="+filepath.Join(dir, "munge.seed"))
	require.Eventually(c, func() bool { _, err := os.Stat(socket); return err == nil }, time.Minute, 10*time.Millisecond)
	start("slurmctld", "-D", "-i")
	for i := range 3 {
		start("slurmd", "-D", "-N", fmt.Sprint("node", i), "-f", filepath.Join(dir, "slurm.conf"))
	}
	require.Eventually(c, func() bool {
		cmd := exec.Command("sinfo", "--noheader", "--format=%T %D")
		cmd.Env = append(os.Environ(), "SLURM_CONF="+filepath.Join(dir, "slurm.conf"))
		out, err := cmd.CombinedOutput()
		return err == nil && strings.TrimSpace(string(out)) == "idle 3"
	}, time.Minute, 100*time.Millisecond, "three idle nodes")
	return dir
}
