package live_test

import (
	"image"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

// TestTwoCallsAreEnough: a program that never closes the default logger has
// its files nevertheless.
func TestTwoCallsAreEnough(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Cleanup(func() { live.SetDefault(nil).Abandon() })
	live.Log("train_loss", 0.5)
	require.NoError(t, live.NextStep())
	live.Log("train_loss", 0.25)
	require.NoError(t, live.NextStep())
	assert.Equal(t, "step\ttrain_loss\n0\t0.5\n1\t0.25\n", read(t, "dvclive/plots/metrics/train_loss.tsv"))
	assert.Equal(t, "{\n    \"train_loss\": 0.25,\n    \"step\": 1\n}\n", read(t, "dvclive/metrics.json"))
	assert.FileExists(t, "dvc.yaml")
}

// TestCourse is what the course shows: a stage's live section makes the runner
// set the variables, and the two calls make logs/, logs.json and logs.html.
func TestCourse(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DVCLIVE_PATH", "logs")
	t.Setenv("DVCLIVE_SUMMARY", "1")
	t.Setenv("DVCLIVE_HTML", "1")
	for _, loss := range []float64{3.5, 2} {
		live.Log("train_loss", loss)
		require.NoError(t, live.NextStep())
	}
	assert.Equal(t, "{\n    \"step\": 1,\n    \"train_loss\": 2.0\n}", read(t, "logs.json"))
	assert.Regexp(t, "^timestamp\tstep\ttrain_loss\r\n\\d{13}\t0\t3.5\r\n\\d{13}\t1\t2.0\r\n$", read(t, "logs/train_loss.tsv"))
	require.NoError(t, live.Close())
	assert.Contains(t, read(t, "logs.html"), `["train_loss","2.0"]`)
	assert.NoFileExists(t, "dvc.yaml")
}

func TestCourseWithoutSummary(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DVCLIVE_PATH", "logs")
	live.Log("train_loss", 1)
	require.NoError(t, live.NextStep())
	require.NoError(t, live.Close())
	assert.NoFileExists(t, "logs.json")
	assert.NoFileExists(t, "logs.html")
}

func TestDefaultLoggerThatCannotOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("dvclive", nil, 0o666))
	live.Log("a", 1)
	assert.ErrorIs(t, live.NextStep(), live.ErrClosed)
	assert.NoError(t, live.Close())
}

func TestSetDefault(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{})
	require.Nil(t, live.SetDefault(l))
	live.Log("a", 1)
	require.NoError(t, live.NextStep())
	assert.Same(t, l, live.SetDefault(nil))
	require.NoError(t, l.Close())
	assert.FileExists(t, "run/plots/metrics/a.tsv")
}

func TestClassicReport(t *testing.T) {
	once := func() map[string]string {
		t.Chdir(t.TempDir())
		l := open(t, live.Options{Layout: live.Classic, Report: live.HTMLReport, NoTimestamp: true})
		assert.Equal(t, "run.html", l.ReportFile())
		for _, v := range []float64{2, 1.5} {
			l.Log("train_loss", v)
			require.NoError(t, l.NextStep())
		}
		require.NoError(t, l.LogImage("clips/dog.png", image.NewGray(image.Rect(0, 0, 4, 4))))
		require.NoError(t, l.LogSklearnPlot(live.ConfusionMatrix, []string{"dog"}, []string{"rain"}, nil))
		require.NoError(t, l.Close())
		files := map[string]string{}
		for _, name := range []string{"run/train_loss.tsv", "run/plots/images/clips/dog.png", "run/plots/sklearn/confusion_matrix.json", "run.json", "run.html"} {
			files[name] = read(t, name)
		}
		return files
	}
	files := once()
	assert.Equal(t, "step\ttrain_loss\r\n0\t2.0\r\n1\t1.5\r\n", files["run/train_loss.tsv"])
	for _, part := range []string{`["train_loss","1.5"]`, `"kind":"matrix"`, "data:image/png;base64,", `"updated":0`} {
		assert.Contains(t, files["run.html"], part)
	}
	assert.Equal(t, files, once(), "no byte depends on the time")

	l := open(t, live.Options{Layout: live.Classic, Report: live.HTMLReport})
	assert.ElementsMatch(t, []string{"train_loss.tsv", "plots/images", "plots/sklearn"}, l.Replaces())
	require.NoError(t, l.Close())

	exact := open(t, live.Options{Layout: live.Classic, Exact: true})
	assert.ErrorIs(t, exact.LogImage("a.png", image.NewGray(image.Rect(0, 0, 1, 1))), live.ErrOption)
	require.NoError(t, exact.Close())
}

func TestClassicResumeAndNestedNames(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("run", 0o777))
	require.NoError(t, os.WriteFile("run/notes.txt", []byte("mine"), 0o666))
	l := open(t, live.Options{Layout: live.Classic})
	logSteps(t, l, "train/loss", 1)
	require.NoError(t, l.Close())
	l = open(t, live.Options{Layout: live.Classic, Resume: true})
	logSteps(t, l, "train/loss", 2)
	require.NoError(t, l.Close())
	assert.Equal(t, "{\n    \"step\": 1,\n    \"train\": {\n        \"loss\": 2.0\n    }\n}", read(t, "run.json"))
	var steps []int
	for p, err := range live.Points(os.DirFS("run"), "train/loss") {
		require.NoError(t, err)
		assert.False(t, p.Time.IsZero())
		steps = append(steps, p.Step)
	}
	assert.Equal(t, []int{0, 1}, steps)
	assert.Equal(t, "mine", read(t, "run/notes.txt"))
	assert.Error(t, l.LogPixels("a.png", []uint8{1}, 1, 1))
}
