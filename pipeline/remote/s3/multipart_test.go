package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// large is content with its key and digest, and a small size for parts.
func large(b *bucket, n int) (key string, src remote.Source, data []byte) {
	b.sizes = sizes{multipart: 1000, part: 1000}
	data = bytes.Repeat([]byte("0123456789abcdef!"), n/17+1)[:n]
	sum := md5.Sum(data)
	src = remote.Bytes(data)
	src.MD5 = sum[:]
	text := hex.EncodeToString(sum[:])
	return "files/md5/" + text[:2] + "/" + text[2:], src, data
}

func TestResume(t *testing.T) {
	s := newServer(t)
	b := s.open(t)
	key, src, data := large(b, 10_500)
	var mu sync.Mutex
	tries := map[string]int{} // by number of the part
	arrived := map[string]bool{}
	var four sync.WaitGroup
	four.Add(4)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		part := r.URL.Query().Get("partNumber")
		if r.Method != http.MethodPut || part == "" {
			return false
		}
		mu.Lock()
		first := len(arrived) < 4
		if first {
			arrived[part] = true
		}
		tries[part]++
		mu.Unlock()
		if first {
			defer four.Done()
			s.handler.ServeHTTP(w, r)
			return true
		}
		four.Wait()
		panic(http.ErrAbortHandler) // the connection is cut
	})
	_, err := b.Put(t.Context(), key, src)
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Temporary, err)

	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			mu.Lock()
			tries[r.URL.Query().Get("partNumber")]++
			mu.Unlock()
		}
		return false
	})
	info, err := b.Put(t.Context(), key, src)
	require.NoError(t, err)
	mu.Lock()
	assert.Len(t, tries, 11)
	for part := range arrived {
		assert.Equal(t, 1, tries[part], "part %s had arrived and was not sent again", part)
	}
	mu.Unlock()
	assert.Equal(t, int64(len(data)), info.Size)
	body, err := b.Open(t.Context(), key, 0, -1)
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Equal(t, data, got)
}

// What is not stored under its digest may be something else by now.
func TestNoResumeOfOtherContent(t *testing.T) {
	b := newServer(t).open(t)
	_, src, data := large(b, 3000)
	out, err := b.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: b.key("plain/name")})
	require.NoError(t, err)
	_, err = b.client.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &b.name, Key: b.key("plain/name"), UploadId: out.UploadId,
		PartNumber: aws.Int32(1), Body: bytes.NewReader(make([]byte, 1000))})
	require.NoError(t, err)
	_, err = b.Put(t.Context(), "plain/name", src)
	require.NoError(t, err)
	body, err := b.Open(t.Context(), "plain/name", 0, -1)
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Equal(t, data, got)
}

func TestDamagedPart(t *testing.T) {
	s := newServer(t)
	b := s.open(t)
	key, src, _ := large(b, 2500)
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") == "2" {
			body, _ := io.ReadAll(r.Body)
			body[7] ^= 1
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		return false
	})
	_, err := b.Put(t.Context(), key, src)
	assert.ErrorContains(t, err, "part 2 arrived as")
}

func TestCancelledUploadStops(t *testing.T) {
	s := newServer(t)
	b := s.open(t)
	key, src, _ := large(b, 20_000)
	ctx, cancel := context.WithCancel(t.Context())
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.RawQuery, "partNumber=3") {
			cancel()
		}
		return false
	})
	_, err := b.Put(ctx, key, src)
	assert.True(t, errors.Is(err, context.Canceled), err)
}
