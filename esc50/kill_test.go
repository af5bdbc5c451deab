package esc50_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

// childDir tells a copy of the test program to be the training to be killed,
// and where.
const childDir = "REPRODL_TEST_TRAIN_DIR"

// TestKilledTrainingResumes kills the process at the moment after a number of
// steps, whatever it is doing then, until it comes to its end, and compares the
// result with a training that was left alone.
func TestKilledTrainingResumes(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		trainChild(t, dir)
		return
	}
	rounds := 6
	if os.Getenv("REPRODL_LONG") == "1" {
		rounds = 200
	}
	want, err := esc50.Train(context.Background(), testBackend(), tinyFeatures(t), fullConfig(), nil)
	require.NoError(t, err)
	dir := t.TempDir()
	for round := range rounds {
		runChild(t, dir, 1+round%4)
	}
	require.FileExists(t, filepath.Join(dir, esc50.LastFile), "the killed trainings came to a checkpoint")
	got, err := esc50.Train(context.Background(), testBackend(), tinyFeatures(t), fullConfig(), &esc50.TrainOptions{Dir: dir, Resume: true})
	require.NoError(t, err)
	assert.Equal(t, want.Epochs, got.Epochs)
	assert.Equal(t, want.Test, got.Test)
	assert.Equal(t, hash(t, want.Model), hash(t, got.Model))
}

// runChild starts the training and kills it after some lines of its output.
func runChild(t *testing.T, dir string, lines int) {
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program, "-test.run", "^TestKilledTrainingResumes$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	scanner := bufio.NewScanner(out)
	for n := 0; n < lines && scanner.Scan(); n++ {
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func trainChild(t *testing.T, dir string) {
	_, err := esc50.Train(context.Background(), testBackend(), tinyFeatures(t), fullConfig(), &esc50.TrainOptions{
		Dir: dir, Resume: true, SaveSteps: 1,
		OnStep: func(s esc50.Step) error {
			_, err := fmt.Println("step", s.Step)
			return err
		},
	})
	require.NoError(t, err)
}
