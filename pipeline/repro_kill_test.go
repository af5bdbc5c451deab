//go:build unix

package pipeline_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/repotest"
)

// rounds is how often something random is tried: all of it with REPRODL_LONG.
func rounds(short, long int) int {
	if os.Getenv("REPRODL_LONG") != "" {
		return long
	}
	return short
}

const killPipeline = `stages:
  a:
    cmd: cat in > a && mkdir d && cat in > d/x && echo y > d/y
    deps: [in]
    outs: [a, d]
  b:
    cmd: cat a d/x > b
    deps: [a, d]
    outs: [b]
  c:
    cmd: cat a a > c
    deps: [a]
    outs: [c]
  e:
    cmd: cat b c > e
    deps: [b, c]
    outs:
    - e:
        persist: true
`

// TestKill kills runs at random moments. Each time the lock must be readable
// and every object of the cache must have its hash, and in the end a run must
// come to the same lock as one that was never killed.
func TestKill(t *testing.T) {
	files := map[string]string{"dvc.yaml": killPipeline, "in": "0\n"}
	dir := repotest.New(t, files)
	start := time.Now()
	require.NoError(t, helperCommand(dir, 1).Run())
	span := time.Since(start)
	random := rand.New(rand.NewPCG(1, 1))
	for round := range rounds(10, 200) {
		repotest.Write(t, dir, "in", fmt.Sprintf("%d\n", round))
		cmd := helperCommand(dir, 1+round%3)
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(random.Int64N(int64(span)))) // the moment of the crash
		// In turn with its programs and without, which whoever comes next ends.
		if round%2 == 0 {
			repotest.KillTree(t, cmd.Process.Pid)
		} else {
			require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		}
		_ = cmd.Wait()
		checkWhole(t, dir)
	}
	settle(t, dir)
	want := repotest.New(t, map[string]string{"dvc.yaml": killPipeline, "in": repotest.Read(t, dir, "in")})
	_, err := repoAt(t, want).Repro(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, repotest.Read(t, want, "dvc.lock"), repotest.Read(t, dir, "dvc.lock"))
	assert.Equal(t, repotest.Read(t, want, "e"), repotest.Read(t, dir, "e"))
}

// settle waits for commands of killed runs to end, and runs to the end.
func settle(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, helperCommand(dir, 1).Run())
	require.NoError(t, helperCommand(dir, 1).Run())
	list, err := repoAt(t, dir).Status(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, list)
}

// checkWhole requires that what is left behind is whole.
func checkWhole(t *testing.T, dir string) {
	t.Helper()
	_, err := dvcyaml.Decode("dvc.lock", []byte(repotest.Read(t, dir, "dvc.lock")))
	require.NoError(t, err)
	objects := filepath.Join(dir, ".dvc", "cache", "files", "md5")
	err = filepath.WalkDir(objects, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".reprodl-tmp-") {
			return err
		}
		data, err := os.ReadFile(path)
		sum := md5.Sum(data)
		name := filepath.Base(filepath.Dir(path)) + strings.TrimSuffix(d.Name(), ".dir")
		assert.Equal(t, hex.EncodeToString(sum[:]), name)
		return err
	})
	require.NoError(t, err)
}

// gated is a stage whose command says that it runs, and ends when it may.
const gated = `stages:
  s:
    cmd: "echo x > out; echo started > started; while [ ! -e go ]; do sleep 0.01; done"
    outs: [out]
  t:
    cmd: cat out > out2
    deps: [out]
    outs: [out2]
`

func waitFor(t *testing.T, path string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := os.Stat(path)
		return err == nil
	}, 20*time.Second, 5*time.Millisecond)
}

// TestExclusion starts a second run, ours and the real dvc's, while a command
// of the first one runs.
func TestExclusion(t *testing.T) {
	dir := repotest.New(t, map[string]string{"dvc.yaml": gated})
	first := helperCommand(dir, 1)
	require.NoError(t, first.Start())
	waitFor(t, filepath.Join(dir, "started"))

	out, err := helperCommand(dir, 1).CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "is busy, it is being blocked by")

	if dvc := dvcCommand(); dvc != "" {
		cmd := exec.Command(dvc, "repro")
		cmd.Dir, cmd.Env = dir, helperCommand(dir, 1).Env
		out, err := cmd.CombinedOutput()
		assert.Error(t, err)
		assert.Contains(t, string(out), "is busy, it is being blocked by")
	}
	repotest.Write(t, dir, "go", "")
	require.NoError(t, first.Wait())
	list, err := repoAt(t, dir).Status(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, list)
}

// TestDVCExcludesUs is the other way round.
func TestDVCExcludesUs(t *testing.T) {
	dvc := dvcCommand()
	if dvc == "" {
		t.Skip("no dvc to compare with")
	}
	dir := repotest.New(t, map[string]string{"dvc.yaml": gated})
	first := exec.Command(dvc, "repro")
	first.Dir, first.Env = dir, helperCommand(dir, 1).Env
	require.NoError(t, first.Start())
	waitFor(t, filepath.Join(dir, "started"))
	_, err := repoAt(t, dir).Repro(t.Context(), nil)
	assert.ErrorContains(t, err, "is busy, it is being blocked by")
	_, err = repoAt(t, dir).Status(t.Context(), nil)
	assert.ErrorContains(t, err, "is busy, it is being blocked by")
	repotest.Write(t, dir, "go", "")
	require.NoError(t, first.Wait())
	results, err := repoAt(t, dir).Repro(t.Context(), nil)
	require.NoError(t, err)
	for _, r := range results {
		assert.Equal(t, "skipped", string(r.Action), r.Address)
	}
}

// TestInterrupt stops a run: the command's whole process group gets the
// interrupt, what had finished stays, and nothing is half done.
func TestInterrupt(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		t.Run(fmt.Sprint("jobs ", jobs), func(t *testing.T) {
			dir := repotest.New(t, map[string]string{"dvc.yaml": `stages:
  done:
    cmd: echo done > done
    outs: [done]
  slow:
    cmd: cat done > slow; sh child.sh; true
    deps: [done]
    outs: [slow]
  later:
    cmd: cat slow > later
    deps: [slow]
    outs: [later]
`, "child.sh": "trap 'echo child > child; exit 1' INT\necho started > started\nwhile true; do sleep 0.01; done\n"})
			cmd := helperCommand(dir, jobs)
			require.NoError(t, cmd.Start())
			waitFor(t, filepath.Join(dir, "started"))
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			assert.Error(t, cmd.Wait())
			assert.Contains(t, repotest.Read(t, dir, "dvc.lock"), "  done:\n")
			assert.NotContains(t, repotest.Read(t, dir, "dvc.lock"), "  slow:\n")
			assert.NoFileExists(t, filepath.Join(dir, "later"))
			assert.FileExists(t, filepath.Join(dir, "child"))
			checkWhole(t, dir)
		})
	}
}
