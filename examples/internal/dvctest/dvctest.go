// Package dvctest finds the real DVC for the tests of the examples.
package dvctest

import (
	"os"
	"os/exec"
	"testing"
)

// Find returns the program that CI installs, and a developer may have: the one
// that REPRODL_DVC names, or dvc in PATH. Without it the test is skipped, in CI
// it fails.
func Find(t *testing.T) string {
	t.Helper()
	name := os.Getenv("REPRODL_DVC")
	if name == "" {
		name = "dvc"
	}
	dvc, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("no DVC to compare with: ", err)
	}
	return dvc
}
