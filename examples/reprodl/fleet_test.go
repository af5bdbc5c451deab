//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
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
		return token != "" && strings.HasSuffix(string(data), "ends it.\n")
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
	assert.Regexp(t, `far +\S+ +\S+/\S+ +2 +cpus: \d+`, r.dvc("queue", "workers"))
	assert.Contains(t, r.dvc("exp", "show", "--no-pager"), "[e-2]")
	assert.Contains(t, r.dvc("queue", "remove", "--all"), "early")

	// More than the worker has is refused while it is there.
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
	require.Eventually(t, func() bool {
		locks, _ := filepath.Glob(filepath.Join(base, "far", "reprodl", "worker-*.log"))
		return len(locks) == 1 && strings.Contains(readFile(t, locks[0]), "asked to stop")
	}, time.Minute, 100*time.Millisecond)
}
