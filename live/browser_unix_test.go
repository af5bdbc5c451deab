//go:build unix

package live_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

func TestOpensOneBrowser(t *testing.T) {
	dir := t.TempDir()
	browser := filepath.Join(dir, "browser")
	require.NoError(t, os.WriteFile(browser, []byte("#!/bin/sh\necho \"$1\" >> "+dir+"/shown\n"), 0o777))
	t.Setenv("BROWSER", browser)
	t.Chdir(t.TempDir())
	l := open(t, live.Options{Report: live.HTMLReport})
	logSteps(t, l, "a", 1)
	require.NoError(t, l.Close())
	assert.NoFileExists(t, dir+"/shown", "only on request")

	t.Setenv("DVCLIVE_OPEN", "true")
	l = open(t, live.Options{Report: live.HTMLReport})
	logSteps(t, l, "a", 1, 2)
	require.NoError(t, l.MakeReport())
	require.NoError(t, l.MakeReport())
	require.NoError(t, l.Close())
	work, err := filepath.EvalSymlinks(".")
	require.NoError(t, err)
	work, err = filepath.Abs(work)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir + "/shown")
		return err == nil
	}, time.Minute, time.Millisecond)
	assert.Equal(t, "file://"+work+"/run/report.html\n", read(t, dir+"/shown"))
}
