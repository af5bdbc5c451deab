package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// open opens a logger in the working directory's folder "run".
func open(t testing.TB, opts live.Options) *live.Logger {
	t.Helper()
	l, err := live.Open("run", quiet(opts))
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

func logSteps(t testing.TB, l *live.Logger, name string, values ...float64) {
	t.Helper()
	for _, v := range values {
		l.Log(name, v)
		require.NoError(t, l.NextStep())
	}
}

func TestOpenDeletesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	first := open(t, live.Options{})
	logSteps(t, first, "old", 1, 2)
	require.NoError(t, first.Close())
	before := readTree(t, ".")

	idle := open(t, live.Options{})
	assert.Equal(t, []string{"plots/metrics", "metrics.json"}, idle.Replaces())
	require.NoError(t, idle.Close())
	assert.Equal(t, before, readTree(t, "."), "nothing was logged")

	var notices strings.Builder
	l, err := live.Open("run", &live.Options{Logger: slog.New(slog.NewTextHandler(&notices, nil))})
	require.NoError(t, err)
	assert.Contains(t, notices.String(), "metrics.json")
	logSteps(t, l, "new", 3)
	require.NoError(t, l.Close())
	assert.Empty(t, l.Replaces())
	assert.NoFileExists(t, "run/plots/metrics/old.tsv")
	assert.FileExists(t, "run/plots/metrics/new.tsv")
}

func TestResumeAfterStepZero(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	logSteps(t, l, "a", 1)
	require.NoError(t, l.Close())
	l = open(t, live.Options{Resume: true})
	logSteps(t, l, "a", 2, 3)
	require.NoError(t, l.Close())
	assert.Equal(t, "step\ta\n0\t1.0\n1\t2.0\n2\t3.0\n", read(t, "run/plots/metrics/a.tsv"))
	assert.Equal(t, "{\n    \"a\": 3.0,\n    \"step\": 2\n}\n", read(t, "run/metrics.json"))
}

func TestResumeMendsWhatADeadRunLeft(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	logSteps(t, l, "a", 1, 2)
	logSteps(t, l, "final", 9)
	l.Log("a", 3) // after the last summary: step 3
	l.Log("test", 4)
	l.Drain()
	require.NoError(t, l.Abandon())
	f, err := os.OpenFile("run/plots/metrics/a.tsv", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("4\t0.")
	require.NoError(t, err)
	require.NoError(t, f.Close())

	l = open(t, live.Options{Resume: true})
	assert.Equal(t, 3, l.Step())
	logSteps(t, l, "a", 7)
	require.NoError(t, l.Close())
	assert.Equal(t, "step\ta\n0\t1.0\n1\t2.0\n3\t7.0\n", read(t, "run/plots/metrics/a.tsv"))
	assert.Equal(t, "step\ttest\n3\t4.0\n", read(t, "run/plots/metrics/test.tsv"), "not logged again: kept")
}

func TestResumeOfAClosedRunTakesNothingAway(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	logSteps(t, l, "a", 1, 2)
	l.Log("test", 5)
	require.NoError(t, l.Close())
	l = open(t, live.Options{Resume: true})
	logSteps(t, l, "a", 3)
	require.NoError(t, l.Close())
	assert.Equal(t, "step\ta\n0\t1.0\n1\t2.0\n2\t3.0\n", read(t, "run/plots/metrics/a.tsv"))
	assert.Equal(t, "step\ttest\n2\t5.0\n", read(t, "run/plots/metrics/test.tsv"))
}

func TestBadParameterChangesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	require.NoError(t, l.LogParam("lr", 0.1))
	err := l.LogParams(ordered.New("ok", 1, "bad", ordered.New("deep", make(chan int))))
	assert.ErrorIs(t, err, live.ErrType)
	assert.ErrorContains(t, err, "deep")
	assert.Equal(t, "lr: 0.1\n", read(t, "run/params.yaml"))
	require.NoError(t, l.LogParam("n", 2))
	assert.Equal(t, "lr: 0.1\nn: 2\n", read(t, "run/params.yaml"))
}

func TestSecondLoggerIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	_, err := live.Open("./run/", nil)
	assert.ErrorIs(t, err, live.ErrLocked)
	assert.ErrorContains(t, err, "run")
	require.NoError(t, l.Close())
	again, err := live.Open("run", quiet(live.Options{}))
	require.NoError(t, err, "released by Close")
	require.NoError(t, again.Close())
}

func TestNamesThatLeaveTheDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	for _, name := range []string{"/abs", "..", "../x", "a/../../x", "a/../..", "nul\x00"} {
		assert.ErrorIs(t, l.LogValue(name, 1, nil), live.ErrName, name)
		assert.ErrorIs(t, l.LogPixels(name+"/x.png", []uint8{1}, 1, 1), live.ErrName, name)
		assert.ErrorIs(t, l.LogPlot(name, []*ordered.Map{}, live.Plot{X: "x", Y: "y"}), live.ErrName, name)
		_, err := first(live.Points(os.DirFS("run"), name))
		assert.ErrorIs(t, err, live.ErrName, name)
	}
	l.Log("../up", 1)
	l.Log("fine", 1)
	assert.ErrorIs(t, l.NextStep(), live.ErrName, "told once")
	assert.NoError(t, l.NextStep())
	require.NoError(t, l.Close())
	assert.Equal(t, []string{"./", "dvc.yaml", "run/", "run/metrics.json", "run/plots/", "run/plots/metrics/", "run/plots/metrics/fine.tsv"},
		slices.Sorted(maps.Keys(readTree(t, "."))))
}

// first returns the first element of an iteration.
func first(points func(func(live.Point, error) bool)) (p live.Point, err error) {
	for p, err = range points {
		break
	}
	return p, err
}

func TestDVCYAMLInTheDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{DVCYAML: "run/dvc.yaml"})
	logSteps(t, l, "a", 1, 2)
	l.Sync()
	logSteps(t, l, "a", 3)
	require.NoError(t, l.Close())
	assert.Equal(t, "metrics:\n- metrics.json\nplots:\n- plots/metrics:\n    x: step\n", read(t, "run/dvc.yaml"))
}

func TestOptionsAreChecked(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, o := range []live.Options{
		{Report: "pdf"}, {Report: "notebook"}, {Report: live.MarkdownReport, Layout: live.Classic}, {DVCYAML: "foo.yaml"}, {Layout: 7},
		{Monitor: &live.Monitor{Dirs: map[string]string{"a/../b": "/"}}},
	} {
		_, err := live.Open("run", &o)
		assert.ErrorIs(t, err, live.ErrOption)
	}
	assert.NoDirExists(t, "run")
}

func TestConcurrentUse(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{Lag: time.Millisecond, Report: live.HTMLReport})
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 500 {
				l.Log("shared", float64(i))
				l.Log(fmt.Sprintf("own/%d", g), float64(i))
				if i%100 == 0 {
					assert.NoError(t, l.LogParam(fmt.Sprint("p", g), i))
					assert.NoError(t, l.SetSummary("best", i))
					assert.NoError(t, l.LogPixels(fmt.Sprintf("%d.png", g), []uint8{1}, 1, 1))
					l.Sync()
				}
				if g == 0 {
					assert.NoError(t, l.NextStep())
				}
				l.Step()
			}
		})
	}
	group.Wait()
	require.NoError(t, l.Close())
	assert.Equal(t, 4001, strings.Count(read(t, "run/plots/metrics/shared.tsv"), "\n"))
	for g := range 8 {
		assert.Equal(t, 501, strings.Count(read(t, fmt.Sprintf("run/plots/metrics/own/%d.tsv", g)), "\n"))
	}
}

func TestClosedLogger(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	logSteps(t, l, "a", 1)
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	before := readTree(t, ".")
	l.Log("a", 2)
	l.Sync()
	assert.ErrorIs(t, l.NextStep(), live.ErrClosed)
	assert.ErrorIs(t, l.LogValue("a", 1, nil), live.ErrClosed)
	assert.ErrorIs(t, l.LogParam("a", 1), live.ErrClosed)
	assert.ErrorIs(t, l.SetSummary("a", 1), live.ErrClosed)
	assert.ErrorIs(t, l.LogPixels("a.png", []uint8{1}, 1, 1), live.ErrClosed)
	assert.ErrorIs(t, l.End(t.Context()), live.ErrClosed)
	assert.Equal(t, before, readTree(t, "."))
}

func TestReportCannotStopTraining(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("run/report.html/in/the/way", 0o777))
	l := open(t, live.Options{Report: live.HTMLReport, Resume: true})
	logSteps(t, l, "a", 1, 2)
	assert.Error(t, l.MakeReport())
	assert.ErrorContains(t, l.Close(), "report.html", "told at the end")
	assert.FileExists(t, "run/metrics.json")
}

func TestSignalFilesAndSave(t *testing.T) {
	work := t.TempDir()
	gitInit(t, work)
	t.Chdir(work)
	require.NoError(t, os.MkdirAll(".dvc/tmp", 0o777))
	var saved []string
	save := func(_ context.Context, name, message string, files []string) error {
		saved = append([]string{name, message}, files...)
		assert.FileExists(t, "run/metrics.json")
		assert.FileExists(t, ".dvc/tmp/exps/run/DVCLIVE_ONLY")
		return nil
	}
	l := open(t, live.Options{Save: save, ExpName: "try", ExpMessage: "first", Lag: -1})
	assert.Equal(t, fmt.Sprintf(`{"exp_name": "try", "pid": %d}`, os.Getpid()), read(t, ".dvc/tmp/exps/run/DVCLIVE_ONLY"))
	require.NoError(t, os.WriteFile("m.bin", []byte("x"), 0o666))
	require.NoError(t, l.LogArtifact(t.Context(), "m.bin", nil))
	logSteps(t, l, "a", 1, 2)
	assert.Equal(t, fmt.Sprintf(`{"pid": %d, "step": 1}`, os.Getpid()), read(t, ".dvc/tmp/exps/run/DVCLIVE_STEP_COMPLETED"))
	require.NoError(t, l.Close())
	assert.Equal(t, []string{"try", "first", "run", "m.bin.dvc", ".gitignore", "dvc.yaml"}, saved)
	assert.NoFileExists(t, ".dvc/tmp/exps/run/DVCLIVE_ONLY")
	assert.NoFileExists(t, ".dvc/tmp/exps/run/DVCLIVE_STEP_COMPLETED")
}

func TestInsideAPipelineDVCSaves(t *testing.T) {
	work := t.TempDir()
	gitInit(t, work)
	t.Chdir(work)
	t.Setenv("DVC_ROOT", work)
	t.Setenv("DVC_EXP_BASELINE_REV", strings.Repeat("0", 40))
	require.NoError(t, os.Mkdir(".dvc", 0o777))
	l := open(t, live.Options{Save: func(context.Context, string, string, []string) error { t.Error("saved"); return nil }})
	logSteps(t, l, "a", 1)
	require.NoError(t, l.Close())
	index := gitOutput(t, "ls-files", "--cached")
	assert.Equal(t, "dvc.yaml\nrun/metrics.json\nrun/plots/metrics/a.tsv\n", index)
}

func TestFilesOfADeadProcessAreSwept(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("run", 0o777))
	left := filepath.Join("run", ".reprodl-tmp-123")
	require.NoError(t, os.WriteFile(left, nil, 0o666))
	l := open(t, live.Options{})
	logSteps(t, l, "a", 1)
	require.NoError(t, l.Close())
	assert.NoFileExists(t, left)
}
