//go:build !unix

package mlflow_test

import "os/exec"

func endGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
