package mlflow_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/live/mlflow"
	"github.com/reprodl/reprodl/params/ordered"
)

// realServer starts `mlflow server` and returns its address. Another process may
// take the port that was free: then it is started at another one.
func realServer(t *testing.T) string {
	t.Helper()
	program := os.Getenv("REPRODL_MLFLOW")
	if program == "" {
		t.Skip("no MLflow: set REPRODL_MLFLOW to its executable")
	}
	var log []byte
	for range 3 {
		var address string
		if address, log = startServer(t, program); address != "" {
			return address
		}
	}
	require.FailNow(t, "mlflow server does not answer", "%s", log)
	return ""
}

// startServer returns the address of a server that answers, or what it said.
func startServer(t *testing.T, program string) (address string, log []byte) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	dir := t.TempDir()
	cmd := exec.Command(program, "server", "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--workers", "1",
		"--backend-store-uri", "sqlite:///"+filepath.ToSlash(filepath.Join(dir, "mlflow.db")), "--artifacts-destination", filepath.Join(dir, "artifacts"))
	cmd.Dir = dir
	out, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	endGroup(cmd)
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
		out.Close()
	}()
	t.Cleanup(func() {
		killGroup(cmd)
		<-ended
	})
	address = fmt.Sprintf("http://127.0.0.1:%d", port)
	client := http.Client{Timeout: 10 * time.Second} // whoever took the port may never answer
	for late := time.After(5 * time.Minute); ; {
		if resp, err := client.Get(address + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return address, nil
			}
		}
		select {
		case <-time.After(200 * time.Millisecond):
			continue
		case <-ended:
		case <-late:
		}
		log, err = os.ReadFile(out.Name())
		require.NoError(t, err)
		return "", log
	}
}

// get reads from the REST API.
func get(t *testing.T, url string) (out map[string]any) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", body)
	require.NoError(t, json.Unmarshal(body, &out))
	return out
}

func pairs(list any) map[string]any {
	out := map[string]any{}
	items, _ := list.([]any)
	for _, item := range items {
		m := item.(map[string]any)
		out[m["key"].(string)] = m["value"]
	}
	return out
}

func TestRealServer(t *testing.T) {
	clean(t)
	address := realServer(t)
	spool := t.TempDir()
	t.Chdir(t.TempDir())
	sink := open(t, mlflow.Options{URI: address, Experiment: "reprodl test", RunName: "first", Spool: spool, CloseWait: time.Minute})
	logger, err := live.Open("run", &live.Options{Sinks: []live.Sink{sink}, Monitor: &live.Monitor{Interval: time.Millisecond, Samples: 1}})
	require.NoError(t, err)
	require.NoError(t, logger.LogParams(ordered.New("lr", 1e-5, "opt", ordered.New("name", "adam"))))
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.White)
	for step := range 1500 {
		logger.Log("train/loss (%)", 1/float64(step+1))
		require.NoError(t, logger.NextStep())
	}
	logger.Log("odd", math.NaN())
	logger.Log("huge", math.Inf(1))
	require.NoError(t, logger.LogImage("sample.png", img))
	require.NoError(t, os.WriteFile("model ü.bin", []byte("weights"), 0o666))
	require.NoError(t, logger.LogArtifact(t.Context(), "model ü.bin", nil))
	require.NoError(t, logger.Close())
	empty(t, spool)

	id := sink.RunID()
	run := get(t, address+"/api/2.0/mlflow/runs/get?run_id="+id)["run"].(map[string]any)
	info, data := run["info"].(map[string]any), run["data"].(map[string]any)
	assert.Equal(t, "FINISHED", info["status"])
	assert.Equal(t, "first", info["run_name"])
	assert.Equal(t, map[string]any{"lr": "1e-05", "opt.name": "adam"}, pairs(data["params"]))
	metrics := pairs(data["metrics"])
	assert.InDelta(t, 1.0/1500, metrics["train/loss ___"], 1e-12)
	assert.Contains(t, metrics, "odd")
	assert.Contains(t, metrics, "huge")
	assert.Contains(t, metrics, "system/ram/usage ___")
	history := get(t, address+"/api/2.0/mlflow/metrics/get-history?max_results=2000&metric_key=train/loss%20___&run_id="+id)
	assert.Len(t, history["metrics"], 1500)

	var names []any
	for _, dir := range []string{"", "images"} {
		list, _ := get(t, address+"/api/2.0/mlflow/artifacts/list?run_id="+id+"&path="+dir)["files"].([]any)
		for _, f := range list {
			names = append(names, f.(map[string]any)["path"])
		}
	}
	assert.ElementsMatch(t, []any{"images", "images/sample.png", "model ü.bin"}, names)

	// The run goes on, and a parameter that changes is refused.
	again := open(t, mlflow.Options{URI: address, RunID: id, Spool: spool, CloseWait: time.Minute})
	require.NoError(t, again.Write([]live.Record{
		{Kind: live.ParamsRecord, Params: ordered.New("lr", 0.5, "new", int64(1))}, scalar("late", 7, 1),
	}))
	assert.ErrorContains(t, again.Close(), `parameter lr = "0.5" is refused`)
	run = get(t, address+"/api/2.0/mlflow/runs/get?run_id="+id)["run"].(map[string]any)
	data = run["data"].(map[string]any)
	assert.Equal(t, map[string]any{"lr": "1e-05", "opt.name": "adam", "new": "1"}, pairs(data["params"]))
	assert.Contains(t, pairs(data["metrics"]), "late")
	assert.Equal(t, "FINISHED", run["info"].(map[string]any)["status"])
}
