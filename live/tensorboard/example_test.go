package tensorboard_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/live/tensorboard"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "tensorboard")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	sink, err := tensorboard.Open(filepath.Join(dir, "runs", "first"))
	if err != nil {
		fmt.Println(err)
		return
	}
	logger, err := live.Open(filepath.Join(dir, "dvclive"), &live.Options{Sinks: []live.Sink{sink}, NoDVCYAML: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	logger.Log("loss", 0.5)
	if err := logger.NextStep(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(logger.Close()) // closes the sink, too
	files, err := filepath.Glob(filepath.Join(dir, "runs", "first", "events.out.tfevents.*"))
	fmt.Println(len(files), err)
	// Output:
	// <nil>
	// 1 <nil>
}
