//go:build unix

package hub_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// TestWorkersHaveTheSameBytes: line ends and filters are as in the hub's repository,
// whatever the worker's machine has.
func TestWorkersHaveTheSameBytes(t *testing.T) {
	f := &fleet{Project: exptest.New(t, nil)}
	f.Git("config", "core.autocrlf", "true")
	f.Git("config", "filter.up.clean", "tr a-z A-Z")
	f.Git("config", "filter.up.smudge", "tr A-Z a-z")
	f.Write(".gitattributes", "in text\nnotes.txt filter=up\nother filter=unknown\n")
	f.Write("notes.txt", "small\n")
	f.Git("add", "-A")
	f.Git("commit", "-qm", "attributes")
	require.NoError(t, os.Remove(filepath.Join(f.Dir, "in")))
	f.Git("checkout", "-q", ".")
	data, err := os.ReadFile(filepath.Join(f.Dir, "in"))
	require.NoError(t, err)
	require.True(t, bytes.HasSuffix(data, []byte("\r\n")))
	f.repo = f.Open()
	f.serve(nil)
	f.token, err = f.hub.Token(hub.Worker, time.Hour)
	require.NoError(t, err)
	ids := f.add("s", "lr=2")

	w := f.worker("HUB_TEST_IDLE=1")
	require.Error(t, w.Wait())
	assert.Contains(t, fmt.Sprint(w.Stderr), `git's filter "up"`)
	own := filepath.Join(t.TempDir(), "gitconfig")
	require.NoError(t, os.WriteFile(own, []byte("[core]\n\tautocrlf = input\n[filter \"up\"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n"), 0o666))
	require.NoError(t, f.worker("HUB_TEST_IDLE=1", "GIT_CONFIG_GLOBAL="+own).Wait())
	_, err = f.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	sum := md5.Sum(data)
	assert.Contains(t, f.Git("show", f.ref("s")+":dvc.lock"), "path: in\n      hash: md5\n      md5: "+hex.EncodeToString(sum[:]))
	assert.Equal(t, "SMALL", strings.TrimSpace(f.Git("show", f.ref("s")+":notes.txt")))
}
