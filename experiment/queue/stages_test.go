//go:build unix

package queue_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline"
)

// TestMain is also the program of stages in Go, which workers start.
func TestMain(m *testing.M) {
	if os.Getenv("DVC_STAGE") == "" {
		os.Exit(m.Run())
	}
	repo, err := pipeline.Open(".", nil)
	if err == nil {
		repo, err = repo.Define(os.Args[0], goStage)
	}
	if err == nil {
		err = repo.Main(context.Background(), os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// goStage fails for a negative rate.
var goStage = pipeline.Stage{
	Name:   "train",
	Params: []pipeline.Params{{Keys: []string{"lr"}}},
	Outs:   []pipeline.Out{{Path: "score.json", Kind: pipeline.Metric, NoCache: true}},
	Run: func(context.Context) error {
		v, err := params.Read("params.yaml")
		if err != nil {
			return err
		}
		var lr float64
		if err := v.Decode("lr", &lr); err != nil {
			return err
		}
		if lr < 0 {
			return fmt.Errorf("lr is %v", lr)
		}
		return os.WriteFile("score.json", fmt.Appendf(nil, "{\"score\": %v}\n", lr), 0o666)
	},
}

func TestStagesInGoAreRunByTheirProgram(t *testing.T) {
	p := exptest.New(t, nil)
	p.Git("rm", "-q", "dvc.yaml")
	p.Git("commit", "-qm", "the stages are in Go")
	before := p.State()
	self, err := os.Executable()
	require.NoError(t, err)
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()
	_, err = q.Add(ctx, &experiment.RunOptions{Name: "go", Set: []string{"lr=0.5,-1"}, Stages: []pipeline.Stage{goStage}, Program: self})
	require.NoError(t, err)
	assert.Equal(t, before, p.State(), "the workspace takes no part")
	failed, err := q.WorkAll(ctx, 2, nil)
	require.Error(t, err)
	require.Len(t, failed, 1)
	assert.Equal(t, "go-2", failed[0].Name)
	assert.Equal(t, `{"score": 0.5}`, p.Git("show", "refs/exps/"+p.Git("rev-parse", "HEAD")[:2]+"/"+p.Git("rev-parse", "HEAD")[2:]+"/go-1:score.json"))

	_, err = q.Add(ctx, &experiment.RunOptions{Stages: []pipeline.Stage{goStage}})
	assert.ErrorContains(t, err, "train", "without a program nobody could run it")
}

// TestAnUntrackedProgramIsCopied names the program by a path that a copy of the
// working tree does not have by itself.
func TestAnUntrackedProgramIsCopied(t *testing.T) {
	p := exptest.New(t, map[string]string{".gitignore": "/bin\n"})
	p.Write("bin/prog", "#!/bin/sh\necho '{\"score\": 1}' > score.json\n")
	require.NoError(t, os.Chmod(filepath.Join(p.Dir, "bin", "prog"), 0o755))
	q := queue.Open(p.Open(), nil)
	o := &experiment.RunOptions{Name: "copied", Stages: []pipeline.Stage{goStage}, Program: "bin/prog --fast"}
	_, err := q.Add(t.Context(), o)
	require.NoError(t, err)
	_, err = q.WorkAll(t.Context(), 1, nil)
	require.NoError(t, err)
	o.Name, o.Temp = "temp", true
	_, err = p.Open().Run(t.Context(), o)
	require.NoError(t, err)
}
