package mlflow_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fakeServer answers as a tracking server does, as far as the sink asks.
type fakeServer struct {
	*httptest.Server
	mu          sync.Mutex
	down        int // the status of every answer, if it is not 0
	loseCreated bool
	auth        []string // Authorization headers
	experiments map[string]string
	runs        map[string]*fakeRun
	batches     []int // entries of each log-batch
	artifacts   map[string]string
	batch       chan struct{} // if not nil, log-batch waits for it
}

type fakeRun struct {
	Experiment, Name, Status string
	End                      int64
	Tags, Params             map[string]string
	Metrics                  []fakeMetric
}

type fakeMetric struct {
	Key       string
	Value     any
	Timestamp int64
	Step      int
}

func newServer(t *testing.T) *fakeServer {
	f := &fakeServer{experiments: map[string]string{"Default": "0"}, runs: map[string]*fakeRun{}, artifacts: map[string]string{}}
	mux := http.NewServeMux()
	const api = "/api/2.0/mlflow/"
	mux.HandleFunc("GET "+api+"experiments/get-by-name", f.getExperiment)
	mux.HandleFunc("POST "+api+"experiments/create", f.createExperiment)
	mux.HandleFunc("POST "+api+"runs/create", f.createRun)
	mux.HandleFunc("POST "+api+"runs/search", f.searchRuns)
	mux.HandleFunc("GET "+api+"runs/get", f.getRun)
	mux.HandleFunc("POST "+api+"runs/update", f.updateRun)
	mux.HandleFunc("POST "+api+"runs/log-batch", f.logBatch)
	mux.HandleFunc("PUT /api/2.0/mlflow-artifacts/artifacts/", f.putArtifact)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.auth = append(f.auth, r.Header.Get("Authorization"))
		down := f.down
		f.mu.Unlock()
		if down != 0 {
			http.Error(w, "out of order", down)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeServer) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// onlyRun returns a copy of the one run that there is.
func (f *fakeServer) onlyRun(t *testing.T) fakeRun {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.runs) != 1 {
		t.Fatalf("%d runs, want 1", len(f.runs))
	}
	for _, run := range f.runs {
		return *run
	}
	panic("unreachable")
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	answer(w, map[string]string{"error_code": code, "message": message})
}

func decode[T any](r *http.Request) (v T) {
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func (f *fakeServer) getExperiment(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id, ok := f.experiments[r.URL.Query().Get("experiment_name")]
	if !ok {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "no such experiment")
		return
	}
	answer(w, map[string]any{"experiment": map[string]string{"experiment_id": id}})
}

func (f *fakeServer) createExperiment(w http.ResponseWriter, r *http.Request) {
	in := decode[struct{ Name string }](r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.experiments[in.Name] = fmt.Sprint(len(f.experiments))
	answer(w, map[string]string{"experiment_id": f.experiments[in.Name]})
}

type pair struct{ Key, Value string }

func (f *fakeServer) createRun(w http.ResponseWriter, r *http.Request) {
	in := decode[struct {
		Experiment string `json:"experiment_id"`
		Name       string `json:"run_name"`
		Tags       []pair
	}](r)
	f.mu.Lock()
	defer f.mu.Unlock()
	run := &fakeRun{Experiment: in.Experiment, Name: in.Name, Status: "RUNNING", Tags: map[string]string{}, Params: map[string]string{}}
	for _, tag := range in.Tags {
		run.Tags[tag.Key] = tag.Value
	}
	id := fmt.Sprint("run", len(f.runs))
	f.runs[id] = run
	if f.loseCreated {
		f.loseCreated = false
		http.Error(w, "the answer is lost", http.StatusBadGateway)
		return
	}
	answer(w, map[string]any{"run": runJSON(id)})
}

func runJSON(id string) any {
	return map[string]any{"info": map[string]string{"run_id": id, "artifact_uri": "mlflow-artifacts:/1/" + id + "/artifacts"}}
}

func (f *fakeServer) searchRuns(w http.ResponseWriter, r *http.Request) {
	in := decode[struct{ Filter string }](r)
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []any
	for id, run := range f.runs {
		if in.Filter == "tags.`reprodl.spool` = '"+run.Tags["reprodl.spool"]+"'" {
			found = append(found, runJSON(id))
		}
	}
	answer(w, map[string]any{"runs": found})
}

func (f *fakeServer) getRun(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := r.URL.Query().Get("run_id")
	if f.runs[id] == nil {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "no such run")
		return
	}
	answer(w, map[string]any{"run": runJSON(id)})
}

func (f *fakeServer) updateRun(w http.ResponseWriter, r *http.Request) {
	in := decode[struct {
		RunID  string `json:"run_id"`
		Status string
		End    int64 `json:"end_time"`
	}](r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs[in.RunID].Status, f.runs[in.RunID].End = in.Status, in.End
	answer(w, struct{}{})
}

func (f *fakeServer) logBatch(w http.ResponseWriter, r *http.Request) {
	in := decode[struct {
		RunID        string `json:"run_id"`
		Metrics      []fakeMetric
		Params, Tags []pair
	}](r)
	if f.batch != nil {
		<-f.batch
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.runs[in.RunID]
	if run == nil {
		refuse(w, http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", "no such run")
		return
	}
	total := len(in.Metrics) + len(in.Params) + len(in.Tags)
	if total > 1000 || len(in.Params) > 100 || len(in.Tags) > 100 {
		refuse(w, http.StatusBadRequest, "INVALID_PARAMETER_VALUE", "too many")
		return
	}
	for _, p := range in.Params {
		if old, ok := run.Params[p.Key]; ok && old != p.Value {
			refuse(w, http.StatusBadRequest, "INVALID_PARAMETER_VALUE", "a parameter cannot change")
			return
		}
	}
	f.batches = append(f.batches, total)
	run.Metrics = append(run.Metrics, in.Metrics...)
	for _, p := range in.Params {
		run.Params[p.Key] = p.Value
	}
	for _, p := range in.Tags {
		run.Tags[p.Key] = p.Value
	}
	answer(w, struct{}{})
}

func (f *fakeServer) putArtifact(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.artifacts[strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow-artifacts/artifacts/")] = string(data)
	answer(w, struct{}{})
}
