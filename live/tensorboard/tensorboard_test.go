package tensorboard

import (
	"encoding/json"
	"image"
	"image/color"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// readBack prints what TensorBoard finds in a directory.
const readBack = `
import json, sys
from tensorboard.backend.event_processing import event_accumulator as ea
from tensorboard.plugins.hparams import metadata

acc = ea.EventAccumulator(sys.argv[1], size_guidance={ea.SCALARS: 0, ea.IMAGES: 0, ea.TENSORS: 0})
acc.Reload()
start = metadata.parse_session_start_info_plugin_data(
    acc.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content)
end = metadata.parse_session_end_info_plugin_data(
    acc.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content)
def plain(v):
    return getattr(v, v.WhichOneof("kind"))
print(json.dumps({
    "version": acc.file_version,
    "scalars": {t: [[e.step, e.value, e.wall_time] for e in acc.Scalars(t)] for t in acc.Tags()["scalars"]},
    "images": {t: [[e.step, e.width, e.height, e.encoded_image_string[:4].hex()] for e in acc.Images(t)] for t in acc.Tags()["images"]},
    "hparams": {k: plain(v) for k, v in start.hparams.items()},
    "status": end.status,
}))
`

func tensorboardPython(t *testing.T) string {
	python := os.Getenv("REPRODL_TENSORBOARD_PYTHON")
	if python == "" {
		t.Skip("no TensorBoard: set REPRODL_TENSORBOARD_PYTHON to a Python that has it")
	}
	return python
}

func logRun(t *testing.T, dir string) {
	t.Helper()
	sink, err := Open(dir)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	l, err := live.Open("", &live.Options{Sinks: []live.Sink{sink}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	require.NoError(t, l.LogParams(ordered.New("lr", 0.5, "epochs", 3, "name", "net", "fast", true, "opt", ordered.New("beta", 0.9), "list", []int{1, 2})))
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.White)
	for i := range 3 {
		l.Log("train/loss", 1/float64(i+1))
		require.NoError(t, l.LogValue("note", "text", nil))
		require.NoError(t, l.LogImage("sample.png", img))
		require.NoError(t, l.NextStep())
	}
	require.NoError(t, l.Close())
}

func TestRealTensorBoardReads(t *testing.T) {
	python := tensorboardPython(t)
	dir := t.TempDir()
	before := time.Now()
	logRun(t, dir)
	cmd := exec.Command(python, "-c", readBack, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var got struct {
		Version float64
		Scalars map[string][][3]float64
		Images  map[string][][4]any
		HParams map[string]any
		Status  int
	}
	require.NoError(t, json.Unmarshal(out, &got), "%s", out)
	assert.Equal(t, 2.0, got.Version)
	assert.Equal(t, 1, got.Status)
	assert.Equal(t, map[string]any{"lr": 0.5, "epochs": 3.0, "name": "net", "fast": true, "opt.beta": 0.9, "list": "[1 2]"}, got.HParams)
	require.Len(t, got.Scalars["train/loss"], 3)
	for i, e := range got.Scalars["train/loss"] {
		assert.Equal(t, float64(i), e[0])
		assert.InDelta(t, 1/float64(i+1), e[1], 1e-7, "TensorBoard keeps scalars as float32")
		assert.InDelta(t, float64(before.Unix()), e[2], 3600)
	}
	require.Len(t, got.Images["sample.png"], 3)
	assert.Equal(t, [4]any{0.0, 3.0, 2.0, "89504e47"}, got.Images["sample.png"][0])
}

func TestRecordFraming(t *testing.T) {
	// From the description of the format in tensorflow/core/lib/io/record_writer.h:
	// the masked CRC of the eight bytes of length 0, and of no data.
	got := appendRecord(nil, nil)
	require.Len(t, got, 16)
	assert.Equal(t, mask(make([]byte, 8)), uint32(got[8])|uint32(got[9])<<8|uint32(got[10])<<16|uint32(got[11])<<24)
	assert.Equal(t, uint32(0xa282ead8), mask(nil))
}

func TestParametersAloneAreWritten(t *testing.T) {
	dir := t.TempDir()
	sink, err := Open(dir)
	require.NoError(t, err)
	require.NoError(t, sink.Write([]live.Record{{Kind: live.ParamsRecord, Params: ordered.New("lr", 0.1)}}))
	require.NoError(t, sink.Close())
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	assert.Contains(t, string(data), tagSessionStart)
	assert.Contains(t, string(data), tagSessionEnd)
}

func TestTwoWritersWithinASecond(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1700000000, 0)
	for i := range 3 {
		sink, err := open(dir, now)
		require.NoError(t, err)
		require.NoError(t, sink.Write([]live.Record{{Kind: live.ScalarRecord, Name: "loss", Step: i, Time: now}}))
		defer sink.Close()
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.1700000000.*.[012]"))
	require.NoError(t, err)
	assert.Len(t, files, 3, "each writer has a file of its own")
}

func TestOpenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err := Open(file)
	assert.Error(t, err)
}
