package esc50_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestARM64 runs the tests that pin bits as arm64 programs: features, synthetic
// clips and the functions they are made of have the same bits there, although
// its compiler fuses multiply-adds. It needs qemu-user and compiles for another
// architecture, and so runs in CI and with REPRODL_LONG=1 only.
func TestARM64(t *testing.T) {
	if os.Getenv("CI") != "true" && os.Getenv("REPRODL_LONG") != "1" {
		t.Skip("set REPRODL_LONG=1 to run the tests as arm64 programs")
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil || runtime.GOARCH == "arm64" {
		t.Skip("no qemu-aarch64-static, or nothing to emulate")
	}
	for _, pkg := range []string{".", "./internal/detmath"} {
		program := filepath.Join(t.TempDir(), "program.test")
		build := exec.Command("go", "test", "-c", "-o", program, pkg)
		build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
		run := exec.Command(qemu, program, "-test.run", "SameBits$", "-test.v")
		out, err = run.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Contains(t, string(out), "PASS", "%s", pkg)
	}
}
