package esc50

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DownloadURL is where ESC-50 is published, as a zip of about 600 MB that
// OpenPath takes. Its licence is CC BY-NC 3.0; ESC-10, a part of it, is CC BY.
const DownloadURL = "https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip"

// ErrChecksum is wrapped when a finished download isn't the expected file.
var ErrChecksum = errors.New("checksum differs")

// DownloadOptions change what is downloaded. Zero fields stand for the
// defaults in their comments.
type DownloadOptions struct {
	URL      string       // DownloadURL
	SHA256   string       // 64 hexadecimal digits that the file must have; empty skips the check
	Client   *http.Client // http.DefaultClient
	Progress func(done, total int64)
}

// Download fetches the published zip to the file called name, which appears
// when it is complete and its checksum right. What a broken download left in
// name.part is continued, if the server still has the same file. A name that
// exists already is left alone, after a check of its SHA256 when one is asked
// for. Open the file with OpenPath.
func Download(ctx context.Context, name string, opts *DownloadOptions) error {
	var o DownloadOptions
	if opts != nil {
		o = *opts
	}
	if o.URL == "" {
		o.URL = DownloadURL
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	o.SHA256 = strings.ToLower(o.SHA256)
	if _, err := os.Stat(name); err == nil {
		return o.verify(name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	part := name + ".part"
	if err := o.fetch(ctx, part); err != nil {
		return fmt.Errorf("download %s: %w", o.URL, err)
	}
	if err := o.verify(part); err != nil {
		return errors.Join(err, os.Remove(part), os.Remove(part+".etag"))
	}
	if err := os.Rename(part, name); err != nil {
		return err
	}
	return os.Remove(part + ".etag")
}

// verify compares a file's SHA-256 with the expected one, if there is one.
func (o DownloadOptions) verify(name string) error {
	if o.SHA256 == "" {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var h hash.Hash = sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != o.SHA256 {
		return fmt.Errorf("%s: %w: SHA-256 is %s, want %s; delete the file and download it again", name, ErrChecksum, got, o.SHA256)
	}
	return nil
}

// fetch completes the file called part. The server's entity tag is kept beside
// it: only with the same one may the rest be appended.
func (o DownloadOptions) fetch(ctx context.Context, part string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL, nil)
	if err != nil {
		return err
	}
	var have int64
	tag, err := os.ReadFile(part + ".etag")
	if err == nil && len(tag) > 0 {
		if info, err := os.Stat(part); err == nil {
			have = info.Size()
		}
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", string(tag))
	}
	res, err := o.Client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	switch {
	case res.StatusCode == http.StatusPartialContent && rangeStart(res) == have:
		flags = os.O_WRONLY | os.O_APPEND
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		return o.restart(ctx, part)
	case res.StatusCode == http.StatusOK:
		have = 0
		if err := os.WriteFile(part+".etag", []byte(strongTag(res)), 0o666); err != nil {
			return err
		}
	default:
		return fmt.Errorf("the server answered %s", res.Status)
	}
	return o.receive(res, part, flags, have)
}

// restart forgets what is there: the server cannot continue it.
func (o DownloadOptions) restart(ctx context.Context, part string) error {
	if err := os.Remove(part + ".etag"); err != nil {
		return err
	}
	return o.fetch(ctx, part)
}

func (o DownloadOptions) receive(res *http.Response, part string, flags int, have int64) error {
	total := int64(-1)
	if res.ContentLength >= 0 {
		total = have + res.ContentLength
	}
	f, err := os.OpenFile(part, flags, 0o666)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, &countingReader{r: res.Body, done: have, total: total, report: o.Progress})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("after %d bytes: %w; run it again to continue", have+n, err)
	}
	if total >= 0 && have+n != total {
		return fmt.Errorf("ended after %d of %d bytes; run it again to continue", have+n, total)
	}
	return nil
}

// rangeStart is the first byte of a partial answer, -1 when it doesn't say.
func rangeStart(res *http.Response) int64 {
	s, ok := strings.CutPrefix(res.Header.Get("Content-Range"), "bytes ")
	from, _, found := strings.Cut(s, "-")
	if n, err := strconv.ParseInt(from, 10, 64); ok && found && err == nil {
		return n
	}
	return -1
}

// strongTag is the answer's entity tag, unless it is a weak one, which doesn't
// promise equal bytes.
func strongTag(res *http.Response) string {
	if tag := res.Header.Get("ETag"); !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return ""
}

type countingReader struct {
	r           io.Reader
	done, total int64 // total is -1 when unknown
	report      func(done, total int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done += int64(n)
	if c.report != nil && n > 0 {
		c.report(c.done, c.total)
	}
	return n, err
}
