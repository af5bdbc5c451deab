package main

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
)

func TestProgressText(t *testing.T) {
	p := data.Progress{Phase: "uploading", Remote: "lab", Files: 3, TotalFiles: 10}
	assert.Equal(t, "lab uploading: 3/10 files", progressText(p, time.Minute))
	p.Bytes = 5_000_000
	assert.Equal(t, "lab uploading: 3/10 files, 5.0 MB, 0.5 MB/s", progressText(p, 10*time.Second))
	p.TotalBytes = 20_000_000
	assert.Equal(t, "lab uploading: 3/10 files, 5.0/20.0 MB, 0.5 MB/s, 30s left", progressText(p, 10*time.Second))
	assert.Equal(t, "lab querying: 7 files", progressText(data.Progress{Phase: "querying", Remote: "lab", Files: 7}, time.Minute))
	assert.Equal(t, "removing: 1/2 files, 1.0 MB", progressText(data.Progress{Phase: "removing", Files: 1, TotalFiles: 2, Bytes: 1e6}, 0))
}

func TestBandwidth(t *testing.T) {
	for text, want := range map[string]bandwidth{"10M": 10e6, "500k": 500e3, "1.5G": 1.5e9, "123": 123} {
		var b bandwidth
		assert.NoError(t, b.Set(text))
		assert.Equal(t, want, b)
	}
	for _, text := range []string{"", "M", "-1", "0", "fast"} {
		assert.Error(t, new(bandwidth).Set(text), text)
	}
}

func TestRemoteExitCodes(t *testing.T) {
	for _, c := range []struct {
		url      string
		kind     error
		download bool
		want     int
	}{
		{"s3://b/x", remote.ErrDenied, false, exitOther},
		{"s3://b/x", remote.ErrUnreachable, true, exitOther},
		{"ssh://h/x", remote.ErrDenied, false, exitOther},
		{"ssh://h/x", remote.ErrDenied, true, exitSoft},
		{"https://h/x", remote.ErrUnreachable, false, exitSoft},
		{"s3://b/x", nil, false, exitSoft},
	} {
		err := remoteFailure("push", c.download, &remote.Error{Op: "put", URL: c.url, Kind: c.kind})
		assert.Equal(t, c.want, exitCode(err), c)
	}
	assert.Equal(t, exitSoft, exitCode(remoteFailure("pull", true, errors.New("1 files failed to download"))))
	assert.ErrorContains(t, remoteFailure("pull", true, errors.New("x")), "failed to pull data from the cloud - x")
}
