package live_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

const (
	childEnv = "REPRODL_LIVE_CHILD"
	childLag = 10 * time.Millisecond
)

// childJobs is what a child process does, by the value of childEnv.
var childJobs = map[string]func() int{
	"none": func() int { return logUntilKilled("none") },
	"some": func() int { return logUntilKilled("some") },
}

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); childJobs[job] != nil {
		os.Exit(childJobs[job]())
	}
	os.Exit(m.Run())
}

// logUntilKilled resumes the run in the folder "run" and logs two metrics,
// telling on standard output which steps have been acknowledged, and when.
func logUntilKilled(lag string) int {
	opts := quiet(live.Options{Resume: true, Lag: childLag})
	if lag == "none" {
		opts.Lag = -1
	}
	l, err := live.Open("run", opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	out := bufio.NewWriter(os.Stdout)
	for {
		step := l.Step()
		l.Log("loss", 1/float64(step+1))
		l.Log("val/acc", float64(step))
		if err := l.NextStep(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Fprintf(out, "%d %d\n", step, time.Now().UnixNano())
		if out.Flush() != nil {
			return 1
		}
	}
}

// TestKill kills a logging process with SIGKILL at random moments, again and
// again on one directory, each process resuming what the one before left.
// No step that was acknowledged longer ago than the lag is lost, and in the
// end every step is there exactly once.
func TestKill(t *testing.T) {
	rounds := 10
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 200
	}
	t.Chdir(t.TempDir())
	rng := rand.New(rand.NewPCG(1, 2))
	resumed := 0
	for round := range rounds {
		lag := []string{"none", "some"}[round%2]
		acked := killOnce(t, lag, time.Duration(5+rng.IntN(120))*time.Millisecond)
		l, err := live.Open("run", quiet(live.Options{Resume: true}))
		require.NoError(t, err, "round %d", round)
		step := l.Step()
		require.NoError(t, l.Abandon())
		assert.GreaterOrEqual(t, step, resumed, "round %d went back", round)
		resumed = step
		// What the writer had under way when the process died may take as long
		// again as the lag, and much longer on a busy machine.
		grace := childLag + time.Second
		if lag == "none" {
			grace = 0
		}
		for _, a := range acked {
			if a.at.Before(acked[len(acked)-1].at.Add(-grace)) || lag == "none" {
				require.Less(t, a.step, step, "round %d, lag %s: an acknowledged step is lost", round, lag)
			}
		}
	}
	l, err := live.Open("run", quiet(live.Options{Resume: true}))
	require.NoError(t, err)
	last := l.Step()
	l.Log("loss", 1)
	l.Log("val/acc", float64(last))
	require.NoError(t, l.NextStep())
	require.NoError(t, l.Close())
	for _, name := range []string{"loss", "val/acc"} {
		data, err := os.ReadFile(filepath.Join("run", "plots", "metrics", name+".tsv"))
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:]
		require.Equal(t, last+1, len(lines), name)
		for i, line := range lines {
			step, _, ok := strings.Cut(line, "\t")
			require.True(t, ok && step == strconv.Itoa(i), "%s: line %d is %q", name, i, line)
		}
	}
	t.Logf("%d kills, %d steps", rounds, last+1)
}

type ack struct {
	step int
	at   time.Time
}

func killOnce(t *testing.T, lag string, after time.Duration) (acked []ack) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+lag)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var timer *time.Timer
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if timer == nil { // the process is up
			timer = time.AfterFunc(after, func() { cmd.Process.Kill() })
			defer timer.Stop()
		}
		var a ack
		var nanos int64
		if n, _ := fmt.Sscanf(scan.Text(), "%d %d", &a.step, &nanos); n == 2 {
			a.at = time.Unix(0, nanos)
			acked = append(acked, a)
		}
	}
	assert.Error(t, cmd.Wait(), "the process was to be killed")
	require.NotEmpty(t, acked)
	return acked
}
