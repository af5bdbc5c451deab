//go:build linux

package hub_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
)

// measureShare prints what a queue takes of the time of its tasks: how much longer each
// needs by one worker than without a queue, in the same kind of copy; less than nothing, as
// results are recorded while the next task runs. What comes once for
// all tasks, as the start of the worker, is left out. REPRODL_LONG=1 has tasks of 10 s too.
func measureShare(t *testing.T) {
	seconds := map[int]int{1: 11} // how many of each
	if os.Getenv("REPRODL_LONG") != "" {
		seconds[10] = 5
	}
	for s, n := range seconds {
		files := map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cmd: cp", fmt.Sprintf("cmd: sleep %d; cp", s), 1)}
		alone := min(aloneEach(t, files, n), aloneEach(t, files, n))
		for _, way := range []struct {
			name string
			each func(*testing.T, map[string]string, int) (each, queueing time.Duration)
		}{{"queue of one machine", localEach}, {"hub", hubEach}} {
			each, queueing := way.each(t, files, n)
			t.Logf("tasks of %d s, %s: %.0f ms each, without a queue %.0f ms: its own share is %.0f ms, %.1f %%; queueing one takes %.0f ms", s, way.name,
				ms(each), ms(alone), ms(each-alone), 100*float64(each-alone)/float64(each), ms(queueing))
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// aloneEach runs experiments without a queue.
func aloneEach(t *testing.T, files map[string]string, n int) time.Duration {
	r := exptest.New(t, files).Open()
	var ends []time.Time
	for i := range n {
		_, err := r.Run(t.Context(), &experiment.RunOptions{Temp: true, Name: fmt.Sprint("a", i), Set: []string{fmt.Sprint("lr=", i)}})
		require.NoError(t, err)
		ends = append(ends, time.Now())
	}
	return between(ends)
}

// localEach runs them by a worker of this machine.
func localEach(t *testing.T, files map[string]string, n int) (each, queueing time.Duration) {
	q := queue.Open(exptest.New(t, files).Open(), nil)
	began := time.Now()
	_, err := q.Add(t.Context(), &experiment.RunOptions{Name: "s", Set: []string{fmt.Sprintf("lr=range(0,%d)", n)}})
	require.NoError(t, err)
	queueing = time.Since(began) / time.Duration(n)
	failed, err := q.WorkAll(t.Context(), 1, nil)
	require.NoError(t, err)
	require.Empty(t, failed)
	tasks, err := q.Tasks(t.Context())
	require.NoError(t, err)
	return between(ended(tasks)), queueing
}

// hubEach runs them by a worker that has joined a hub of another process.
func hubEach(t *testing.T, files map[string]string, n int) (each, queueing time.Duration) {
	f, _ := apart(t, files)
	began := time.Now()
	ids := f.add("s", fmt.Sprintf("lr=range(0,%d)", n))
	queueing = time.Since(began) / time.Duration(n)
	f.worker()
	tasks, err := f.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	return between(ended(tasks)), queueing
}

func ended(tasks []queue.Task) (list []time.Time) {
	for _, t := range tasks {
		list = append(list, t.Ended)
	}
	return list
}

// between is the time from the end of one to that of the next: of all these the one in
// the middle, as others use the machine too.
func between(ends []time.Time) time.Duration {
	slices.SortFunc(ends, time.Time.Compare)
	var list []time.Duration
	for i := range ends[1:] {
		list = append(list, ends[i+1].Sub(ends[i]))
	}
	slices.Sort(list)
	return list[len(list)/2]
}
