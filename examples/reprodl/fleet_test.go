//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fleetRepo is a scratch repository, and the program as processes in it.
type fleetRepo struct {
	*testing.T
	dir, self string
	env       []string
}

func newFleetRepo(t *testing.T) *fleetRepo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	base, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	r := &fleetRepo{T: t, dir: filepath.Join(base, "repo"), self: self}
	r.env = append(os.Environ(), "REPRODL_TEST_MAIN=1", "HOME="+base, "XDG_CACHE_HOME="+filepath.Join(base, "cache"), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "SHELL=/bin/sh", "DVC_NO_ANALYTICS=1",
		"DVC_GLOBAL_CONFIG_DIR="+base, "DVC_SYSTEM_CONFIG_DIR="+base, "DVC_SITE_CACHE_DIR="+filepath.Join(base, "site"))
	require.NoError(t, os.MkdirAll(r.dir, 0o777))
	r.run("git", "init", "-q")
	r.dvc("init", "-q")
	r.write("params.yaml", "lr: 1\n")
	r.write("dvc.yaml", "stages:\n  train:\n    cmd: echo trained; cp params.yaml out\n    params: [lr]\n    outs: [out]\n    meta: {resources: {cpus: 1}}\n")
	r.run("git", "add", "-A")
	r.run("git", "commit", "-qm", "base")
	return r
}

func (r *fleetRepo) write(name, text string) {
	r.Helper()
	require.NoError(r, os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o666))
}

func (r *fleetRepo) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	return cmd
}

func (r *fleetRepo) run(name string, args ...string) string {
	r.Helper()
	out, err := r.command(name, args...).CombinedOutput()
	require.NoError(r, err, "%s %v: %s", name, args, out)
	return string(out)
}

func (r *fleetRepo) dvc(args ...string) string { r.Helper(); return r.run(r.self, args...) }

var printedToken = regexp.MustCompile(`queue join (RJ1\.\S+)`)

// serve starts a hub and returns the token that it prints.
func (r *fleetRepo) serve(args ...string) (token string, server *exec.Cmd) {
	r.Helper()
	cmd := r.command(r.self, append([]string{"queue", "serve"}, args...)...)
	out, err := os.Create(filepath.Join(r.dir, "..", "serve.out"))
	require.NoError(r, err)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(r, cmd.Start())
	r.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); out.Close() })
	require.Eventually(r, func() bool {
		data, _ := os.ReadFile(out.Name())
		if m := printedToken.FindSubmatch(data); m != nil {
			token = string(m[1])
		}
		return token != "" && (strings.HasSuffix(string(data), "ends it.\n") || strings.HasSuffix(string(data), "may be needed.\n"))
	}, time.Minute, 10*time.Millisecond)
	return token, cmd
}

// TestFleetCommands goes through the commands of the queue with a worker elsewhere.
func TestFleetCommands(t *testing.T) {
	r := newFleetRepo(t)
	r.dvc("exp", "run", "--queue", "-n", "early") // before there is a hub
	token, server := r.serve()
	status := r.dvc("queue", "status")
	assert.Contains(t, status, "Worker")
	assert.Regexp(t, `early .* Queued .* no worker`, status)
	r.dvc("exp", "run", "--queue", "-n", "e", "-S", "lr=2,3")
	join := r.command(r.self, "queue", "join", "-", "--once", "--name", "far", "-j", "2")
	join.Stdin = strings.NewReader(token + "\n")
	out, err := join.CombinedOutput()
	require.NoError(t, err, string(out))
	status = r.dvc("queue", "status")
	for _, name := range []string{"early", "e-1", "e-2"} {
		assert.Regexp(t, name+` .* Success +far/[12]@\S+ +1\n`, status)
		assert.Contains(t, r.dvc("queue", "logs", name), "trained\n")
	}
	assert.NotContains(t, r.dvc("queue", "workers"), "far", "it has ended")
	assert.Contains(t, r.dvc("exp", "show", "--no-pager"), "[e-2]")
	assert.Contains(t, r.dvc("queue", "remove", "--all"), "early")

	// More than the worker has is refused while it is there.
	far := r.command(r.self, "queue", "join", token, "--name", "far", "-j", "2")
	require.NoError(t, far.Start())
	t.Cleanup(func() { far.Process.Kill(); far.Wait() })
	offer := regexp.MustCompile(`far +\S+ +\S+/\S+ +2 +cpus: \d+`)
	require.Eventually(t, func() bool {
		out, _ := r.command(r.self, "queue", "workers").Output()
		return offer.Match(out)
	}, time.Minute, 50*time.Millisecond)
	big := r.command(r.self, "exp", "run", "--queue", "--need", "gpus=64,mem=1G")
	text, err := big.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(text), "no worker offers 64 gpus")

	key := regexp.MustCompile(`--revoke (\w+)`).FindStringSubmatch(readFile(t, filepath.Join(r.dir, "..", "serve.out")))
	require.NotNil(t, key)
	assert.Contains(t, r.dvc("queue", "token", "--list"), key[1])
	r.dvc("queue", "token", "--revoke", key[1])
	refused, err := r.command(r.self, "queue", "join", token, "--once").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(refused), "does not accept the token")

	// As on one machine, once the hub is gone.
	require.NoError(t, server.Process.Signal(syscall.SIGINT))
	require.NoError(t, server.Wait())
	assert.NotContains(t, r.dvc("queue", "status"), "Attempt")
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// TestStartOverSSH has a server of its own on this machine.
func TestStartOverSSH(t *testing.T) {
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		sshd = "/usr/sbin/sshd"
	}
	ssh, err := exec.LookPath("ssh")
	if _, serr := os.Stat(sshd); serr != nil || err != nil {
		t.Skip("needs ssh and sshd")
	}
	r := newFleetRepo(t)
	base := filepath.Dir(r.dir)
	for _, key := range []string{"host", "user"} {
		r.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(base, key))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	conf := filepath.Join(base, "sshd.conf")
	require.NoError(t, os.WriteFile(conf, []byte(fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nUsePAM no\nPidFile none\n"+
		"PermitRootLogin yes\nSetEnv REPRODL_TEST_MAIN=1 XDG_CACHE_HOME=%s/far GIT_CONFIG_NOSYSTEM=1\n", port, base, base, base)), 0o600))
	if os.Getuid() == 0 {
		os.MkdirAll("/run/sshd", 0o755) // a server of root's wants it
	}
	var log bytes.Buffer
	server := exec.Command(sshd, "-D", "-e", "-f", conf)
	server.Stderr = &log
	require.NoError(t, server.Start())
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	me, err := user.Current()
	require.NoError(t, err)
	client := filepath.Join(base, "ssh.conf")
	require.NoError(t, os.WriteFile(client, []byte(fmt.Sprintf("Host far\n HostName 127.0.0.1\n Port %s\n User %s\n IdentityFile %s/user\n IdentitiesOnly yes\n"+
		" UserKnownHostsFile /dev/null\n StrictHostKeyChecking no\n LogLevel ERROR\n", port, me.Username, base)), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(base, "bin"), 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(base, "bin", "ssh"), []byte("#!/bin/sh\nexec "+ssh+" -F "+client+" \"$@\"\n"), 0o777))
	r.env = append(r.env, "PATH="+filepath.Join(base, "bin")+":"+os.Getenv("PATH"))
	reached := false
	for range 100 {
		if reached = r.command(filepath.Join(base, "bin", "ssh"), "far", "true").Run() == nil; reached {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !reached {
		t.Skipf("no server for ssh can run here: %s", log.String())
	}

	out, err := r.command(r.self, "queue", "start", "--on", "ssh:far").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "queue serve")
	r.serve()
	assert.Contains(t, r.dvc("queue", "start", "--on", "ssh:far", "-j", "2"), "Started a worker on far")
	r.dvc("exp", "run", "--queue", "-n", "s", "-S", "lr=5,6")
	require.Eventually(t, func() bool { return strings.Count(r.dvc("queue", "status"), "Success") == 2 }, time.Minute, 100*time.Millisecond)
	r.dvc("queue", "stop") // the worker outlives its connection, and ends by this
	stopped := func(want int) func() bool {
		return func() bool {
			n := want
			logs, _ := filepath.Glob(filepath.Join(base, "far", "reprodl", "worker-*.log"))
			for _, log := range logs {
				if strings.Contains(readFile(t, log), "asked to stop") {
					n--
				}
			}
			return n == 0
		}
	}
	require.Eventually(t, stopped(1), time.Minute, 100*time.Millisecond)

	// The stages of the pipeline itself.
	r.write("params.yaml", "lr: 7\n")
	assert.Contains(t, r.dvc("repro", "--on", "ssh:far"), "train | trained\n")
	assert.Equal(t, "lr: 7\n", readFile(t, filepath.Join(r.dir, "out")))
	r.dvc("queue", "stop")
	require.Eventually(t, stopped(2), time.Minute, 100*time.Millisecond)
}

// TestFleetOfAnotherClone queues, looks, kills and collects from a clone that only
// knows the hub by a token.
func TestFleetOfAnotherClone(t *testing.T) {
	r := newFleetRepo(t)
	worker, _ := r.serve()
	there := *r
	there.dir = filepath.Join(filepath.Dir(r.dir), "clone")
	r.run("git", "clone", "-q", r.dir, there.dir)
	fails := func(args ...string) string {
		t.Helper()
		out, err := there.command(there.self, args...).CombinedOutput()
		require.Error(t, err, string(out))
		return string(out)
	}
	assert.Contains(t, fails("queue", "use", worker), "token of a worker")
	client := strings.TrimSpace(r.dvc("queue", "token", "--client"))
	there.dvc("queue", "use", client)
	fi, err := os.Stat(filepath.Join(there.dir, ".dvc", "tmp", "exps", "reprodl", "hub.token"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), fi.Mode().Perm())

	// A commit that the hub's repository has never seen, and a change on top.
	there.write("more", "x\n")
	there.run("git", "add", "-A")
	there.run("git", "commit", "-qm", "more")
	there.dvc("exp", "run", "--queue", "-n", "far", "-S", "lr=5,6")
	there.dvc("exp", "run", "--queue", "-n", "gone")
	for _, status := range []string{r.dvc("queue", "status"), there.dvc("queue", "status")} {
		assert.Regexp(t, `far-1 .* Queued .* no worker`, status)
	}
	assert.Contains(t, there.dvc("exp", "show", "--no-pager"), "[far-1]")
	assert.Contains(t, there.dvc("queue", "remove", "gone"), "gone")
	assert.NotContains(t, r.run("git", "log", "--format=%s", "--glob=refs/reprodl/queue"), "gone")
	assert.Contains(t, fails("queue", "start"), "'queue join'")

	join := r.command(r.self, "queue", "join", "-", "--once", "--name", "w")
	join.Stdin = strings.NewReader(worker + "\n")
	out, err := join.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Regexp(t, `far-2 .* Success +w@`, there.dvc("queue", "status"))
	assert.Contains(t, there.dvc("queue", "logs", "far-2"), "trained\n")
	list := there.dvc("exp", "list", "--names-only")
	assert.Contains(t, list, "far-1\n")
	assert.Contains(t, list, "far-2\n")
	assert.Equal(t, list, r.dvc("exp", "list", "--names-only", "-A"))
	there.dvc("exp", "branch", "far-2", "b")
	assert.Equal(t, "lr: 6\n", there.run("git", "show", "b:params.yaml"))
	assert.Empty(t, there.run("git", "for-each-ref", "refs/reprodl/queue"))

	// Two clones queue at once under one name.
	other := there
	other.dir = filepath.Join(filepath.Dir(r.dir), "other")
	r.run("git", "clone", "-q", there.dir, other.dir)
	other.dvc("queue", "use", client)
	first := there.command(there.self, "exp", "run", "--queue", "-n", "same", "-S", "lr=7")
	require.NoError(t, first.Start())
	outOther, errOther := other.command(other.self, "exp", "run", "--queue", "-n", "same", "-S", "lr=8").CombinedOutput()
	errFirst := first.Wait()
	assert.False(t, errFirst != nil && errOther != nil, string(outOther))
	join = r.command(r.self, "queue", "join", "-", "--once", "--name", "w")
	join.Stdin = strings.NewReader(worker + "\n")
	out, err = join.CombinedOutput()
	require.NoError(t, err, string(out))
	ran := 0
	for _, err := range []error{errFirst, errOther} {
		if err == nil {
			ran++
		}
	}
	there.dvc("queue", "status")
	other.dvc("queue", "status")
	assert.Equal(t, ran, strings.Count(r.dvc("exp", "list", "--names-only", "-A"), "same"), "each is recorded once")

	there.dvc("queue", "use", "--none")
	assert.NotContains(t, there.dvc("queue", "status"), "far-2")
}

// TestReproOfAnotherClone runs stages from a clone that knows the hub by a token alone,
// and takes up what workers finished for a call that was killed: there, and in the hub's
// own repository.
func TestReproOfAnotherClone(t *testing.T) {
	r := newFleetRepo(t)
	there := *r
	there.dir = filepath.Join(filepath.Dir(r.dir), "clone")
	r.run("git", "clone", "-q", r.dir, there.dir)
	worker, _ := r.serve()
	there.dvc("queue", "use", strings.TrimSpace(r.dvc("queue", "token", "--client")))
	out, err := there.command(there.self, "repro", "--on", "hub").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "needs a DVC remote that both reach")

	r = newFleetRepo(t)
	r.dvc("remote", "add", "-d", "r", filepath.Join(filepath.Dir(r.dir), "remote"))
	attempts := filepath.Join(filepath.Dir(r.dir), "attempts")
	r.write("dvc.yaml", "stages:\n  first:\n    cmd: echo first >> "+attempts+"; cp params.yaml one\n    params: [lr]\n    outs: [one]\n"+
		"  second:\n    cmd: echo a line; echo second >> "+attempts+"; cat one one > two\n    deps: [one]\n    outs: [two]\n    metrics: [{m.json: {cache: false}}]\n")
	r.write("dvc.yaml", strings.Replace(readFile(t, filepath.Join(r.dir, "dvc.yaml")), "> two", "> two; echo 1 > m.json", 1))
	r.run("git", "add", "-A")
	r.run("git", "commit", "-qm", "two stages")
	there = *r
	there.dir = filepath.Join(filepath.Dir(r.dir), "clone")
	r.run("git", "clone", "-q", r.dir, there.dir)
	worker, _ = r.serve()
	there.dvc("queue", "use", strings.TrimSpace(r.dvc("queue", "token", "--client")))
	join := func(args ...string) *exec.Cmd {
		cmd := r.command(r.self, append([]string{"queue", "join", worker}, args...)...)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	for i, at := range []*fleetRepo{&there, r} {
		at.write("params.yaml", fmt.Sprintf("lr: %d\n", 10+i)) // not committed
		killed := at.command(at.self, "repro", "--on", "hub")
		require.NoError(t, killed.Start())
		require.Eventually(t, func() bool { return strings.Contains(r.dvc("queue", "status"), "stage/first") }, time.Minute, 10*time.Millisecond)
		require.NoError(t, killed.Process.Kill())
		killed.Wait()
		require.NoError(t, join("--once").Wait())
		assert.Equal(t, strings.Repeat("first\nsecond\n", i)+"first\n", readFile(t, attempts))

		w := join()
		said := at.dvc("repro", "-j", "4", "--on", "hub")
		assert.Contains(t, said, "had finished this for a call that was killed")
		assert.Contains(t, said, "second | a line\n")
		assert.Equal(t, strings.Repeat("first\nsecond\n", i+1), readFile(t, attempts), "each ran once")
		assert.Equal(t, fmt.Sprintf("lr: %d\nlr: %d\n", 10+i, 10+i), readFile(t, filepath.Join(at.dir, "two")))
		assert.Equal(t, "1\n", readFile(t, filepath.Join(at.dir, "m.json")))
		assert.Contains(t, at.dvc("status"), "up to date")
		for _, c := range []*fleetRepo{&there, r} {
			assert.Empty(t, c.run("git", "for-each-ref", "refs/reprodl"))
		}
		require.NoError(t, w.Process.Signal(syscall.SIGINT))
		w.Wait()
	}
}

// TestMemoryOfTheHub grows with what it needs: below that the collector would never rest.
func TestMemoryOfTheHub(t *testing.T) {
	for live, want := range map[uint64]int64{0: hubMemory, 100 << 20: hubMemory, 1 << 30: 3 << 29} {
		assert.Equal(t, want, memoryLimit(live))
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	boundMemory(ctx)
	assert.GreaterOrEqual(t, debug.SetMemoryLimit(-1), int64(hubMemory))
	assert.Less(t, debug.SetMemoryLimit(-1), int64(math.MaxInt64))
}
