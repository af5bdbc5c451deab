//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSignalsEndARun sends each signal that ends programs to an exp run with
// its input from /dev/null, as systemd, cron and Slurm start programs.
func TestSignalsEndARun(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := t.TempDir()
			sh := func(line string) string {
				cmd := exec.Command("sh", "-ec", line, self)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "REPRODL_TEST_MAIN=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
					"DVC_SITE_CACHE_DIR="+filepath.Join(t.TempDir(), "site"))
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "%s: %s", line, out)
				return strings.TrimSpace(string(out))
			}
			sh(`git init -q; "$0" init -q; echo 'lr: 1' > params.yaml
printf 'stages:\n  s:\n    cmd: echo $$ > pid; (sleep 60; echo late >> late) & wait\n    params: [lr]\n' > dvc.yaml
git add -A; git commit -qm base`)
			cmd := exec.Command(self, "exp", "run", "-S", "lr=2")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "REPRODL_TEST_MAIN=1", "DVC_SITE_CACHE_DIR="+filepath.Join(t.TempDir(), "site"))
			require.NoError(t, cmd.Start())
			pid := ""
			require.Eventually(t, func() bool {
				data, _ := os.ReadFile(filepath.Join(dir, "pid"))
				pid = strings.TrimSpace(string(data))
				return pid != ""
			}, 60*time.Second, 10*time.Millisecond)
			require.NoError(t, cmd.Process.Signal(sig))
			cmd.Wait()
			assert.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
			assert.Equal(t, "lr: 1", sh("cat params.yaml"), "the user's file is as it was")
			assert.Empty(t, sh("ps -eo pgid= | grep -x ' *"+pid+"' || true"), "nothing of the stage goes on")
		})
	}
}
