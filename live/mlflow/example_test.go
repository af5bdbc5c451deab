package mlflow_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/live/mlflow"
)

func ExampleOpen() {
	// A server that is away: the run is kept on disk.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "maintenance", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "mlflow")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	sink, err := mlflow.Open(&mlflow.Options{
		URI:        server.URL, // or MLFLOW_TRACKING_URI
		Experiment: "esc50",
		Tags:       map[string]string{"fold": "1"},
		Spool:      dir + "/spool",
		CloseWait:  -1, // leave what is left to the next process at once
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	logger, err := live.Open(dir+"/dvclive", &live.Options{Sinks: []live.Sink{sink}, NoDVCYAML: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	logger.Log("train/loss", 0.5)
	if err := logger.NextStep(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(logger.Close())
	runs, err := os.ReadDir(dir + "/spool")
	fmt.Println(len(runs), "run waits", err)
	// Output:
	// <nil>
	// 1 run waits <nil>
}
