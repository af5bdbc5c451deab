package live_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

// slowSink is a sink that has to send what it gets.
type slowSink struct {
	records []live.Record
	closed  bool
	ctx     context.Context
}

func (s *slowSink) Write(records []live.Record) error {
	s.records = append(s.records, records...)
	return nil
}

func (s *slowSink) Close() error {
	s.closed = true
	return nil
}

func (s *slowSink) Shutdown(ctx context.Context) error {
	s.ctx = ctx
	return ctx.Err()
}

func TestShutdownGivesUpWaitingButKeepsTheFiles(t *testing.T) {
	work := t.TempDir()
	gitInit(t, work)
	t.Chdir(work)
	sink := &slowSink{}
	saved := errors.New("not called")
	l := open(t, live.Options{Sinks: []live.Sink{sink}, Save: func(ctx context.Context, _, _ string, _ []string) error {
		saved = ctx.Err()
		return saved
	}})
	logSteps(t, l, "a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := l.Shutdown(ctx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Same(t, ctx, sink.ctx)
	assert.False(t, sink.closed, "Shutdown stands for Close")
	assert.NotEqual(t, "not called", saved)
	assert.Equal(t, "{\n    \"a\": 1.0,\n    \"step\": 0\n}\n", read(t, "run/metrics.json"))
	again, err := live.Open("run", quiet(live.Options{}))
	require.NoError(t, err, "the directory is released")
	require.NoError(t, again.Close())
}

func TestCloseClosesASinkThatCouldShutDown(t *testing.T) {
	t.Chdir(t.TempDir())
	sink := &slowSink{}
	l := open(t, live.Options{Sinks: []live.Sink{sink}})
	require.NoError(t, l.Close())
	assert.True(t, sink.closed)
	assert.Nil(t, sink.ctx)
}

func TestSinksGetArtifactsBeforeTheyChange(t *testing.T) {
	t.Chdir(t.TempDir())
	sink := &slowSink{}
	l := open(t, live.Options{Sinks: []live.Sink{sink}})
	require.NoError(t, os.WriteFile("m.bin", nil, 0o666))
	require.NoError(t, l.LogArtifact(t.Context(), "m.bin", nil))
	require.Len(t, sink.records, 1, "no lag")
	assert.Equal(t, live.ArtifactRecord, sink.records[0].Kind)
	assert.Equal(t, "m.bin", sink.records[0].Path)
	require.NoError(t, l.Close(), "outside of a repository a sink is enough")
}

// What was asked for and is not done must not vanish where no logger is given.
func TestWithoutALoggerCloseTells(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("m.bin", nil, 0o666))
	var defaults bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&defaults, nil)))
	defer slog.SetDefault(old)

	l, err := live.Open("run", nil)
	require.NoError(t, err)
	require.NoError(t, l.LogArtifact(t.Context(), "m.bin", nil))
	logSteps(t, l, "a", 1)
	assert.ErrorContains(t, l.Err(), "git init")
	assert.ErrorIs(t, l.Err(), live.ErrSkipped)
	assert.ErrorContains(t, l.Close(), "m.bin")
	assert.Empty(t, defaults.String(), "a nil Logger discards")
	assert.FileExists(t, "run/metrics.json")
}

func TestClassic030BeginsAStepBySetStep(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{Layout: live.Classic030})
	require.NoError(t, l.LogValue("a", 1.0, nil))
	assert.ErrorIs(t, l.LogValue("a", 2.0, nil), live.ErrLogged)
	l.SetStep(5)
	require.NoError(t, l.LogValue("a", 2.0, nil))
	l.SetStep(5)
	assert.ErrorIs(t, l.LogValue("a", 3.0, nil), live.ErrLogged, "the same step")
	require.NoError(t, l.NextStep())
	require.NoError(t, l.LogValue("a", 4.0, nil))
	require.NoError(t, l.Close())
	var steps []int
	for p, err := range live.Points(os.DirFS("run"), "a") {
		require.NoError(t, err)
		steps = append(steps, p.Step)
	}
	assert.Equal(t, []int{0, 5, 6}, steps)
}
