package cpu_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// trained is the SHA-256 of everything after three steps of a small AudioNet:
// weights, running statistics, the optimiser's state and the losses. It is the
// same on every machine; a change of it is a change of results, and belongs in
// the changelog.
const trained = "6467f835d9567b38f59df0bf615bdbe9204093c842cc2099e616b6ac2fcd8f05"

// fingerprint trains the small AudioNet and hashes what came of it.
func fingerprint(t testing.TB, config string) string {
	b, err := cpu.New(config)
	require.NoError(t, err)
	defer b.Finalize()
	return fingerprintOn(t, b)
}

func fingerprintOn(t testing.TB, b compute.Backend) string {
	w := newWorkload(t, b, 8, 3, 32, 73, 10)
	h := sha256.New()
	for range 3 {
		require.NoError(t, binary.Write(h, binary.LittleEndian, math.Float32bits(w.train(t))))
	}
	var paths []string
	for v := range w.store.IterVariables() {
		paths = append(paths, v.Path())
	}
	sort.Strings(paths)
	for _, path := range paths {
		fmt.Fprintln(h, path)
		require.NoError(t, w.store.GetVariable(path).MustValue().ConstBytes(func(data []byte) { h.Write(data) }))
	}
	logits, err := w.infer.Call1(w.x)
	require.NoError(t, err)
	require.NoError(t, binary.Write(h, binary.LittleEndian, tensors.MustCopyFlatData[float32](logits)))
	return hex.EncodeToString(h.Sum(nil))
}

func TestSameBits(t *testing.T) {
	old := kernel.Current()
	defer func() { _, _ = kernel.SetLevel(old) }()
	for _, level := range []string{"generic", "avx2", "avx512", "neon"} {
		for _, workers := range []int{1, 2, 3, 8} {
			if level == "generic" && workers != 2 && os.Getenv("REPRODL_LONG") == "" {
				continue
			}
			config := fmt.Sprintf("level=%s,workers=%d", level, workers)
			t.Run(config, func(t *testing.T) {
				if l, err := kernel.ParseLevel(level); assert.NoError(t, err) {
					if _, err := kernel.SetLevel(l); err != nil {
						t.Skip(err)
					}
				}
				assert.Equal(t, trained, fingerprint(t, config))
			})
		}
	}
}

// TestSameBitsGOMAXPROCS lets the scheduler have more and fewer threads.
func TestSameBitsGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	if kernel.Current() == kernel.Generic && os.Getenv("REPRODL_LONG") == "" {
		t.Skip("slow without assembler: set REPRODL_LONG=1")
	}
	for _, n := range []int{1, 2, 3, 8} {
		runtime.GOMAXPROCS(n)
		assert.Equal(t, trained, fingerprint(t, ""), "GOMAXPROCS=%d", n)
	}
}

// TestSameBitsTogether trains on one backend from several goroutines at once.
func TestSameBitsTogether(t *testing.T) {
	if kernel.Current() == kernel.Generic && os.Getenv("REPRODL_LONG") == "" {
		t.Skip("slow without assembler: set REPRODL_LONG=1")
	}
	got := make([]string, 3)
	var wait sync.WaitGroup
	for i := range got {
		wait.Go(func() { got[i] = fingerprintOn(t, cpu.Default()) })
	}
	wait.Wait()
	for _, g := range got {
		assert.Equal(t, trained, g)
	}
}

// TestSameBitsARM64 runs TestSameBits of an arm64 binary in an emulator.
func TestSameBitsARM64(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("no qemu-aarch64-static in PATH")
	}
	if os.Getenv("REPRODL_LONG") == "" && os.Getenv("CI") != "true" {
		t.Skip("builds for another architecture: set REPRODL_LONG=1")
	}
	binary := filepath.Join(t.TempDir(), "cpu.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := exec.CommandContext(t.Context(), qemu, binary, "-test.run=^TestSameBits(OfOperations|OfNets)?$", "-test.v")
	run.Env = append(os.Environ(), "REPRODL_LONG=")
	out, err = run.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, level := range []string{"generic", "neon"} {
		assert.Contains(t, string(out), "--- PASS: TestSameBits/level="+level+",workers=2")
	}
}
