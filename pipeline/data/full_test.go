//go:build unix

package data_test

import (
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFullHelper is a process that may not write files of more than a
// megabyte, which stands for a disk that is full.
func TestFullHelper(t *testing.T) {
	dir, op := os.Getenv("REPRODL_FULL_DIR"), os.Getenv("REPRODL_FULL_OP")
	if dir == "" {
		t.Skip("run by TestFullDisk")
	}
	signal.Ignore(syscall.SIGXFSZ)
	const limit = 1 << 20
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}))
	err := dataOp(t.Context(), (&dataRepo{t, dir}).open(), op)
	require.ErrorIs(t, err, syscall.EFBIG)
}

func TestFullDisk(t *testing.T) {
	d := newDataRepo(t)
	d.write("data/a", "small")
	big := strings.Repeat("0123456789abcdef", 1<<17)
	d.write("big", big)
	full := func(op string) {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullHelper$")
		cmd.Env = append(os.Environ(), "REPRODL_FULL_DIR="+d.dir, "REPRODL_FULL_OP="+op)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		d.intact()
	}

	full("add")
	assert.NoFileExists(t, d.path("big.dvc"))
	require.NoError(t, dataOp(t.Context(), d.open(), "add"))
	d.clean()

	require.NoError(t, os.Remove(d.path("big")))
	full("checkout")
	assert.NoFileExists(t, d.path("big"))
	require.NoError(t, dataOp(t.Context(), d.open(), "checkout"))
	d.clean()
}

func TestReadOnlyWorkspace(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("permissions do not stop root")
	}
	d := newDataRepo(t)
	d.write("sub/data", "x")
	require.NoError(t, os.Chmod(d.path("sub"), 0o555))
	t.Cleanup(func() { _ = os.Chmod(d.path("sub"), 0o755) })
	_, err := d.open().Add(t.Context(), nil, "sub/data")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "sub")
	d.intact()
	data, err := os.ReadFile(d.path("sub/data"))
	require.NoError(t, err)
	assert.Equal(t, "x", string(data))
}
