//go:build unix

package live_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/reprodl/reprodl/live"
)

func init() { childJobs["full"] = logOnFullDisk }

// logOnFullDisk logs while the system lets no file grow beyond 1000 bytes,
// which is what a full disk looks like to one file, and then while it does.
func logOnFullDisk() int {
	signal.Ignore(unix.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	small := limit
	small.Cur = 1000
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &small); err != nil {
		fmt.Println(err)
		return 1
	}
	var notices bytes.Buffer
	l, err := live.Open("run", &live.Options{Lag: -1, NoDVCYAML: true, Logger: slog.New(slog.NewTextHandler(&notices, nil))})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for i := range 500 {
		l.Log("loss", float64(i))
		if err := l.NextStep(); err != nil {
			fmt.Println("NextStep:", err)
			return 1
		}
	}
	history, err := os.ReadFile("run/plots/metrics/loss.tsv")
	fmt.Println("while full: whole lines:", bytes.HasSuffix(history, []byte("\n")), "short:", len(history) <= 1000, err)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("Close:", l.Close() != nil)
	fmt.Println("shown:", strings.Count(notices.String(), "level=ERROR"))
	return 0
}

// TestFullDisk: training goes on, the error is shown once, no line is torn, what was
// refused is written once there is room, and then Close has no error.
func TestFullDisk(t *testing.T) {
	t.Chdir(t.TempDir())
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=full")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "while full: whole lines: true short: true <nil>\nClose: false\nshown: 1\n", string(out))
	n := 0
	for p, err := range live.Points(os.DirFS("run"), "loss") {
		require.NoError(t, err)
		assert.Equal(t, n, p.Step)
		n++
	}
	assert.Equal(t, 500, n)
}
