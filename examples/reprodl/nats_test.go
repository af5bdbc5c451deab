//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFleetOverTheSitesServer serves a queue by a NATS server that was there before, to
// a worker and to a clone that know it by tokens without secrets.
func TestFleetOverTheSitesServer(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true, Username: "u", Password: "secret"})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(time.Minute))

	r := newFleetRepo(t)
	fails := func(args ...string) string {
		t.Helper()
		out, err := r.command(r.self, args...).CombinedOutput()
		require.Error(t, err, string(out))
		return string(out)
	}
	assert.Contains(t, fails("queue", "serve", "--space", "x"), "REPRODL_QUEUE_URL")
	r.env = append(r.env, "REPRODL_QUEUE_URL="+s.ClientURL())
	assert.Contains(t, fails("queue", "serve", "--listen", "0.0.0.0"), "--listen")
	assert.Contains(t, fails("queue", "serve"), "no DVC remote")
	refused := fails("queue", "serve", "--data-here")
	assert.Contains(t, refused, "NATS_CREDS")
	assert.Equal(t, 1, strings.Count(refused, "ERROR"))

	r.env = append(r.env, "NATS_USER=u", "NATS_PASSWORD=secret")
	token, hub := r.serve("--data-here")
	out, err := os.ReadFile(filepath.Join(r.dir, "..", "serve.out"))
	require.NoError(t, err)
	assert.NotContains(t, string(out), "secret@")
	assert.NotContains(t, fails("queue", "serve"), "replaced", "two on one machine")
	r.dvc("exp", "run", "--queue", "-n", "e", "-S", "lr=2,3")

	there := *r
	there.dir = filepath.Join(filepath.Dir(r.dir), "clone")
	r.run("git", "clone", "-q", r.dir, there.dir)
	there.dvc("queue", "use", strings.TrimSpace(r.dvc("queue", "token", "--client")))
	there.dvc("exp", "run", "--queue", "-n", "far", "-S", "lr=4")
	require.NoError(t, hub.Process.Signal(syscall.SIGINT))
	require.NoError(t, hub.Wait())
	_, hub = r.serve("--data-here")
	r.dvc("queue", "join", token, "--once", "--name", "w")
	status := there.dvc("queue", "status")
	for _, name := range []string{"e-1", "e-2", "far"} {
		assert.Regexp(t, name+` .* Success +w@`, status)
	}
	assert.Contains(t, there.dvc("exp", "list", "--names-only"), "far\n")
	// A machine that has no login of its own is sent this one's.
	far := r.farShell("far")
	assert.Contains(t, r.dvc("queue", "start", "--on", "ssh:far"), "Started a worker on far")
	r.dvc("exp", "run", "--queue", "-n", "by", "-S", "lr=5")
	require.Eventually(t, func() bool {
		return strings.Contains(r.dvc("queue", "status"), "by ") && !strings.Contains(r.dvc("queue", "status"), "Queued") && !strings.Contains(r.dvc("queue", "status"), "Running")
	},
		time.Minute, 100*time.Millisecond)
	assert.Regexp(t, `by .* Success`, r.dvc("queue", "status"))
	r.dvc("queue", "stop")
	// Without its hub the worker would wait for another one.
	require.Eventually(t, func() bool {
		logs, _ := filepath.Glob(filepath.Join(far, ".cache", "reprodl", "worker-*.log"))
		return len(logs) == 1 && strings.Contains(readFile(t, logs[0]), "asked to stop")
	}, time.Minute, 100*time.Millisecond)
	assert.NotContains(t, readFile(t, filepath.Join(far, "args")), "secret")
	require.NoError(t, filepath.WalkDir(far, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.Contains(name, "reprodl-") {
			assert.NotContains(t, readFile(t, name), "secret", name)
		}
		assert.NotContains(t, name, "token", "no login stays in a file")
		return err
	}))
	require.NoError(t, hub.Process.Kill())
	hub.Wait()
	assert.NotContains(t, r.dvc("queue", "status"), "Attempt", "as on one machine")
}

// farShell puts an ssh on the path that runs commands here, in an environment of their
// own, below the directory that it returns; args there has what others see of it.
func (r *fleetRepo) farShell(name string) string {
	r.Helper()
	base := filepath.Dir(r.dir)
	dir, bin := filepath.Join(base, name), filepath.Join(base, "bin")
	require.NoError(r, os.Mkdir(dir, 0o777))
	require.NoError(r, os.Mkdir(bin, 0o777))
	script := "#!/bin/sh\necho \"$@\" >> '" + dir + "/args'\nfor last; do :; done\nexec env -i PATH=\"$PATH\" HOME='" + dir +
		"' REPRODL_TEST_MAIN=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 DVC_NO_ANALYTICS=1 sh -c \"$last\"\n"
	require.NoError(r, os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o777))
	r.env = append(r.env, "PATH="+bin+":"+os.Getenv("PATH"))
	return dir
}
