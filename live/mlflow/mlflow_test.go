package mlflow_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/live/mlflow"
	"github.com/reprodl/reprodl/params/ordered"
)

// clean keeps the tester's own settings out.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{"URI", "USERNAME", "PASSWORD", "TOKEN"} {
		t.Setenv("MLFLOW_TRACKING_"+name, "")
	}
	for _, name := range []string{"EXPERIMENT_NAME", "EXPERIMENT_ID", "RUN_ID"} {
		t.Setenv("MLFLOW_"+name, "")
	}
}

func open(t *testing.T, opts mlflow.Options) *mlflow.Sink {
	t.Helper()
	s, err := mlflow.Open(&opts)
	require.NoError(t, err)
	return s
}

func scalar(name string, step int, v float64) live.Record {
	return live.Record{Kind: live.ScalarRecord, Name: name, Step: step, Value: v, Time: time.UnixMilli(int64(1000 + step))}
}

// empty asserts that nothing is left in a spool.
func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestARunArrives(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("model/deep", 0o777))
	require.NoError(t, os.WriteFile("model/w.bin", []byte("weights"), 0o666))
	require.NoError(t, os.WriteFile("model/deep/empty", nil, 0o666))
	sink := open(t, mlflow.Options{URI: server.URL + "/", Experiment: "esc50", RunName: "first", Spool: spool,
		Tags: map[string]string{"fold": "1"}})
	logger, err := live.Open("run", &live.Options{Sinks: []live.Sink{sink}})
	require.NoError(t, err)
	require.NoError(t, logger.LogParams(ordered.New("lr", 1e-5, "opt", ordered.New("name", "adam", "amsgrad", true), "layers", []int{4, 2}, "none", nil)))
	for step := range 3 {
		logger.Log("train/loss (%)", 1/float64(step+1))
		require.NoError(t, logger.LogValue("note", fmt.Sprint("n", step), nil))
		require.NoError(t, logger.LogImage(fmt.Sprintf("s/%d.png", step), image.NewGray(image.Rect(0, 0, 2, 2))))
		require.NoError(t, logger.NextStep())
	}
	logger.Log("bad", math.NaN())
	logger.Log("bad", math.Inf(-1))
	require.NoError(t, logger.LogArtifact(t.Context(), "model", nil))
	require.NoError(t, os.WriteFile("model/w.bin", []byte("later"), 0o666))
	require.NoError(t, logger.Close())

	run := server.onlyRun(t)
	assert.Equal(t, "first", run.Name)
	assert.Equal(t, server.experiments["esc50"], run.Experiment)
	assert.Equal(t, "FINISHED", run.Status)
	assert.Positive(t, run.End)
	assert.Equal(t, map[string]string{"lr": "1e-05", "opt.name": "adam", "opt.amsgrad": "True", "layers": "[4, 2]", "none": "None"}, run.Params)
	assert.Equal(t, "n2", run.Tags["note"])
	assert.Equal(t, "1", run.Tags["fold"])
	assert.NotEmpty(t, run.Tags["mlflow.source.name"])
	require.Len(t, run.Metrics, 5)
	for step, m := range run.Metrics[:3] {
		assert.Equal(t, fakeMetric{"train/loss ___", 1 / float64(step+1), m.Timestamp, step}, m)
	}
	assert.Equal(t, "NaN", run.Metrics[3].Value)
	assert.Equal(t, "-Infinity", run.Metrics[4].Value)
	assert.Equal(t, "run0", sink.RunID())
	root := "1/run0/artifacts/"
	assert.Equal(t, "weights", server.artifacts[root+"model/w.bin"], "as it was when it was logged")
	assert.Contains(t, server.artifacts, root+"model/deep/empty")
	assert.Contains(t, server.artifacts[root+"images/s/2.png"], "PNG")
	assert.Len(t, server.artifacts, 5)
	empty(t, spool)
}

func TestBatchesKeepTheLimitsAndTheOrder(t *testing.T) {
	clean(t)
	server := newServer(t)
	server.batch = make(chan struct{})
	sink := open(t, mlflow.Options{URI: server.URL, Spool: t.TempDir()})
	params := new(ordered.Map)
	for i := range 250 {
		params.Set(fmt.Sprint("p", i), int64(i))
	}
	require.NoError(t, sink.Write([]live.Record{{Kind: live.ParamsRecord, Params: params}}))
	for step := range 2500 { // while the server sits on its answer
		require.NoError(t, sink.Write([]live.Record{scalar("loss", step, float64(step))}))
	}
	close(server.batch)
	require.NoError(t, sink.Close())
	run := server.onlyRun(t)
	assert.Len(t, run.Params, 250)
	require.Len(t, run.Metrics, 2500)
	for step, m := range run.Metrics {
		require.Equal(t, step, m.Step)
	}
	assert.Less(t, len(server.batches), 12, "batches of %v", server.batches)
}

func TestAServerThatComesBack(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusTooManyRequests} {
		server.set(func() { server.down = status })
		var told bytes.Buffer
		sink := open(t, mlflow.Options{URI: server.URL, Spool: spool, CloseWait: -1, Logger: slog.New(slog.NewTextHandler(&told, nil))})
		require.NoError(t, sink.Write([]live.Record{scalar("loss", status, 1)}))
		require.NoError(t, sink.Close(), "nothing is lost")
		assert.Contains(t, told.String(), "next process")
	}
	server.set(func() { server.down = 0 })
	require.NoError(t, mlflow.Send(t.Context(), &mlflow.Options{URI: server.URL, Spool: spool}))
	assert.Len(t, server.runs, 3)
	for _, run := range server.runs {
		assert.Equal(t, "FINISHED", run.Status)
		assert.Len(t, run.Metrics, 1)
	}
	empty(t, spool)
}

func TestShutdownTellsWhatIsLeft(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	address := server.URL
	server.Close() // connections are refused from now on
	sink := open(t, mlflow.Options{URI: strings.Replace(address, "http://", "http://me:secret@", 1), Spool: spool})
	require.NoError(t, sink.Write([]live.Record{scalar("loss", 0, 1)}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := sink.Shutdown(ctx)
	assert.ErrorIs(t, err, mlflow.ErrPending)
	assert.ErrorContains(t, err, spool)
	assert.NotContains(t, err.Error(), "secret")
	assert.NoError(t, sink.Close(), "the second time")
	files, _ := filepath.Glob(filepath.Join(spool, "*", "*"))
	require.NotEmpty(t, files)
	for _, file := range files {
		data, _ := os.ReadFile(file)
		assert.NotContains(t, string(data), "secret", file)
	}
	assert.ErrorIs(t, mlflow.Send(t.Context(), &mlflow.Options{URI: address, Spool: spool}), mlflow.ErrPending)
}

// The next process sends what one that died has left, beside its own run.
func TestTheNextProcessSendsTheRest(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	server.set(func() { server.down = http.StatusBadGateway })
	dead := open(t, mlflow.Options{URI: server.URL, Spool: spool, RunName: "dead"})
	require.NoError(t, dead.Write([]live.Record{scalar("loss", 0, 1), scalar("loss", 1, 2)}))
	require.NoError(t, dead.Die())
	logs, err := filepath.Glob(filepath.Join(spool, "*", "log.jsonl"))
	require.NoError(t, err)
	require.Len(t, logs, 1)
	f, err := os.OpenFile(logs[0], os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"metric":{"key":"lo`) // in the midst of a write
	require.NoError(t, err)
	require.NoError(t, f.Close())
	// Another server's run is left alone.
	other := open(t, mlflow.Options{URI: "http://192.0.2.1:5000", Spool: spool})
	require.NoError(t, other.Write([]live.Record{scalar("loss", 0, 1)}))
	require.NoError(t, other.Die())

	server.set(func() { server.down = 0 })
	next := open(t, mlflow.Options{URI: server.URL, Spool: spool, RunName: "next"})
	require.NoError(t, next.Write([]live.Record{scalar("loss", 0, 3)}))
	named := func(name string) *fakeRun {
		server.mu.Lock()
		defer server.mu.Unlock()
		for _, run := range server.runs {
			if run.Name == name {
				copied := *run
				return &copied
			}
		}
		return nil
	}
	require.Eventually(t, func() bool {
		run := named("dead")
		return run != nil && run.Status == "FAILED"
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, next.Close())
	assert.Equal(t, "FINISHED", named("next").Status)
	assert.Len(t, named("dead").Metrics, 2)
	left, err := os.ReadDir(spool)
	require.NoError(t, err)
	assert.Len(t, left, 1, "the other server's")
}

// A process dies, or the line breaks, after the server has made the run and
// before it is known here.
func TestNoRunIsMadeTwice(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	server.set(func() { server.loseCreated = true })
	sink := open(t, mlflow.Options{URI: server.URL, Spool: spool})
	require.NoError(t, sink.Write([]live.Record{scalar("loss", 0, 1)}))
	require.NoError(t, sink.Close())
	assert.Len(t, server.onlyRun(t).Metrics, 1)
	empty(t, spool)
}

func TestWhatIsRefusedDoesNotStopTheRest(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	server.batch = make(chan struct{}, 100)
	for range 100 {
		server.batch <- struct{}{}
	}
	sink := open(t, mlflow.Options{URI: server.URL, Spool: spool})
	require.NoError(t, sink.Write([]live.Record{
		{Kind: live.ParamsRecord, Params: ordered.New("lr", 0.1, "n", int64(1))}, scalar("loss", 0, 1),
	}))
	require.Eventually(t, func() bool {
		server.mu.Lock()
		defer server.mu.Unlock()
		return len(server.batches) > 0
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, sink.Write([]live.Record{
		{Kind: live.ParamsRecord, Params: ordered.New("a", 1.0, "lr", 0.2, "z", 2.0)}, scalar("loss", 1, 2),
	}))
	err := sink.Close()
	assert.ErrorContains(t, err, `parameter lr = "0.2" is refused`)
	assert.ErrorContains(t, err, "cannot change")
	run := server.onlyRun(t)
	assert.Equal(t, map[string]string{"lr": "0.1", "n": "1", "a": "1.0", "z": "2.0"}, run.Params)
	assert.Len(t, run.Metrics, 2)
	assert.Equal(t, "FINISHED", run.Status)
	empty(t, spool)
}

func TestARunThatIsContinued(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	first := open(t, mlflow.Options{URI: server.URL, Spool: spool})
	require.NoError(t, first.Write([]live.Record{scalar("loss", 0, 1)}))
	require.NoError(t, first.Close())
	t.Setenv("MLFLOW_RUN_ID", first.RunID())
	t.Setenv("MLFLOW_TRACKING_URI", server.URL)
	second := open(t, mlflow.Options{Spool: spool})
	require.NoError(t, second.Write([]live.Record{scalar("loss", 1, 2)}))
	require.NoError(t, second.SetTag("again", "yes"))
	require.NoError(t, second.Close())
	run := server.onlyRun(t)
	assert.Len(t, run.Metrics, 2)
	assert.Equal(t, "yes", run.Tags["again"])

	t.Setenv("MLFLOW_RUN_ID", "missing")
	third := open(t, mlflow.Options{Spool: spool})
	require.NoError(t, third.Write([]live.Record{scalar("loss", 0, 1)}))
	err := third.Close()
	assert.ErrorContains(t, err, "RESOURCE_DOES_NOT_EXIST")
	assert.ErrorContains(t, err, spool, "it is kept")
	require.NoError(t, mlflow.Send(t.Context(), &mlflow.Options{Spool: spool}), "and not tried again")
}

func TestCredentials(t *testing.T) {
	for _, tt := range []struct {
		name, user, password, token, inURL, want string
	}{
		{"none", "", "", "", "", ""},
		{"token", "", "", "t0k", "", "Bearer t0k"},
		{"user and password", "me", "pw", "t0k", "", "Basic bWU6cHc="},
		{"user without password", "me", "", "t0k", "", "Bearer t0k"},
		{"in the address", "", "", "t0k", "me:pw@", "Basic bWU6cHc="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean(t)
			server := newServer(t)
			t.Setenv("MLFLOW_TRACKING_USERNAME", tt.user)
			t.Setenv("MLFLOW_TRACKING_PASSWORD", tt.password)
			t.Setenv("MLFLOW_TRACKING_TOKEN", tt.token)
			t.Setenv("MLFLOW_TRACKING_URI", strings.Replace(server.URL, "://", "://"+tt.inURL, 1))
			t.Setenv("MLFLOW_EXPERIMENT_NAME", "from the environment")
			sink := open(t, mlflow.Options{Spool: t.TempDir()})
			require.NoError(t, sink.Write([]live.Record{scalar("loss", 0, 1)}))
			require.NoError(t, sink.Close())
			for _, got := range server.auth {
				assert.Equal(t, tt.want, got)
			}
			assert.Contains(t, server.experiments, "from the environment")
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	clean(t)
	for uri, want := range map[string]string{
		"":                         "MLFLOW_TRACKING_URI",
		"./mlruns":                 "want http",
		"file:///tmp/mlruns":       "want http",
		"databricks":               "want http",
		"http://me:secret@[broken": "no URL",
	} {
		_, err := mlflow.Open(&mlflow.Options{URI: uri, Spool: t.TempDir()})
		assert.ErrorContains(t, err, want, uri)
		assert.NotContains(t, err.Error(), "secret")
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err := mlflow.Open(&mlflow.Options{URI: "http://localhost:1", Spool: file})
	assert.Error(t, err)
}

func TestARunThatLogsNothingIsNone(t *testing.T) {
	clean(t)
	server, spool := newServer(t), t.TempDir()
	sink := open(t, mlflow.Options{URI: server.URL, Spool: spool})
	require.NoError(t, sink.Close())
	assert.Empty(t, server.runs)
	empty(t, spool)
}
