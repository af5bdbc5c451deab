package gs

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

// TestMain keeps the credentials of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	for _, name := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT", "STORAGE_EMULATOR_HOST"} {
		os.Unsetenv(name)
	}
	os.Setenv("CLOUDSDK_CONFIG", "/nonexistent/gcloud")
	os.Exit(m.Run())
}

func (f *fake) config(more ...string) remote.Config {
	c := remote.Config{Name: "r", URL: "gs://" + theBucket + "/pre/fix", Options: map[string]string{
		"endpointurl": f.URL, "allow_anonymous_login": "true",
	}}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i]] = more[i+1]
	}
	return c
}

func openBucket(t *testing.T, c remote.Config) *bucket {
	t.Helper()
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	return r.(*bucket)
}

func TestSuite(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote { return openBucket(t, newFake(t).config()) })
}

func TestSuiteVersioned(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		f := newFake(t)
		f.versioned = true
		return openBucket(t, f.config())
	})
}

func TestKeepsVersions(t *testing.T) {
	f := newFake(t)
	b := openBucket(t, f.config())
	for _, want := range []bool{false, true} {
		f.versioned = want
		kept, err := b.KeepsVersions(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, kept)
	}
	// It is not for everybody to know.
	f.versioned = false
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		reply(w, 403, "you don't have storage.buckets.get", "forbidden")
		return true
	})
	kept, err := b.KeepsVersions(t.Context())
	require.NoError(t, err)
	assert.True(t, kept)
}

// TestSuiteSessions sends all but the smallest objects in sessions.
func TestSuiteSessions(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		b := openBucket(t, newFake(t).config())
		b.large = 100
		return b
	})
}

// TestSuiteServer sends all but the smallest objects in sessions, to the server
// that the environment names: its bucket reprodl must exist.
func TestSuiteServer(t *testing.T) {
	endpoint := os.Getenv("REPRODL_GS")
	if endpoint == "" {
		t.Skip("REPRODL_GS names no server: see .ci/servers")
	}
	n := 0
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		n++
		b := openBucket(t, remote.Config{Name: "r", URL: fmt.Sprintf("gs://reprodl/%d/%d", time.Now().UnixNano(), n),
			Options: map[string]string{"endpointurl": endpoint, "allow_anonymous_login": "true"}})
		b.large = 1000
		return b
	})
}

func known(data []byte) remote.Source {
	src := remote.Bytes(data)
	sum := md5.Sum(data)
	src.MD5 = sum[:]
	return src
}

// TestResume: after a cut the session goes on where the server has got to, and
// nothing is sent twice.
func TestResume(t *testing.T) {
	f := newFake(t)
	b := openBucket(t, f.config())
	b.large = 1000
	data := bytes.Repeat([]byte("0123456789"), 30_000)
	var began, sent atomic.Int64
	var cut atomic.Bool
	cut.Store(true)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("uploadType") == "resumable" {
			began.Add(1)
		}
		id, ok := strings.CutPrefix(r.URL.Path, "/session/")
		if !ok || strings.HasPrefix(r.Header.Get("Content-Range"), "bytes */") {
			return false
		}
		if !cut.Swap(false) {
			sent.Add(r.ContentLength)
			return false
		}
		some, _ := io.ReadAll(io.LimitReader(r.Body, 100_000))
		f.mu.Lock()
		f.sessions[id].data = some
		f.mu.Unlock()
		panic(http.ErrAbortHandler)
	})
	f.Config.ErrorLog = nil
	_, err := b.Put(t.Context(), "files/md5/aa/x", known(data))
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Temporary, err)

	info, err := b.Put(t.Context(), "files/md5/aa/x", known(data))
	require.NoError(t, err)
	assert.Equal(t, int64(len(data)), info.Size)
	assert.EqualValues(t, 1, began.Load(), "sessions")
	assert.EqualValues(t, len(data)-100_000, sent.Load(), "bytes of the second try")
	src, err := b.Open(t.Context(), "files/md5/aa/x", 0, -1)
	require.NoError(t, err)
	got, err := io.ReadAll(src)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
	assert.Empty(t, b.sessions)
}

// TestExpiredSession: another is begun.
func TestExpiredSession(t *testing.T) {
	f := newFake(t)
	b := openBucket(t, f.config())
	b.large = 10
	src := known(bytes.Repeat([]byte("x"), 5000))
	b.sessions[fmt.Sprintf("k %x %d", src.MD5, src.Size)] = f.URL + "/session/99"
	_, err := b.Put(t.Context(), "k", src)
	assert.NoError(t, err)
}

// TestWrongDigest: the server refuses bytes that are not those of the digest.
func TestWrongDigest(t *testing.T) {
	f := newFake(t)
	b := openBucket(t, f.config())
	for _, b.large = range []int64{resumable, 1} {
		src := known([]byte("right"))
		src.Open = remote.Bytes([]byte("wrong")).Open
		_, err := b.Put(t.Context(), "x", src)
		assert.ErrorContains(t, err, "MD5")
		_, err = b.Stat(t.Context(), "x")
		assert.ErrorIs(t, err, remote.ErrNotFound)
		assert.Empty(t, b.sessions)
	}
}

func TestErrors(t *testing.T) {
	f := newFake(t)
	b := openBucket(t, f.config())
	for _, c := range []struct {
		status          int
		message, reason string
		kind            error
		temporary       bool
		want            string
	}{
		{503, "Backend Error", "backendError", nil, true, "Backend Error"},
		{429, "slow down", "rateLimitExceeded", nil, true, "slow down"},
		{403, "slow down", "userRateLimitExceeded", nil, true, "slow down"},
		{403, "me does not have storage.objects.get access", "forbidden", remote.ErrDenied, false,
			"access denied: me does not have storage.objects.get access; tried no credentials (allow_anonymous_login); gcloud auth application-default login, or dvc remote modify --local r credentialpath FILE"},
		{401, "Anonymous caller does not have access", "required", remote.ErrDenied, false, "tried"},
		{404, "The specified bucket does not exist.", "notFound", remote.ErrUnreachable, false, "there is no bucket 'bucket'; create it, or dvc remote modify r url gs://BUCKET/PATH"},
		{404, "No such object: bucket/x", "notFound", remote.ErrNotFound, false, "not found"},
	} {
		f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("maxResults") != "" {
				return false
			}
			w.Header().Set("Retry-After", "2")
			reply(w, c.status, c.message, c.reason)
			return true
		})
		_, err := b.Open(t.Context(), "files/x", 0, -1)
		var e *remote.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, c.kind, e.Kind, c.message)
		assert.Equal(t, c.temporary, e.Temporary, c.message)
		assert.ErrorContains(t, err, "remote 'r': get gs://bucket/pre/fix/files/x")
		assert.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "{")
	}
}

func TestWrongBucket(t *testing.T) {
	f := newFake(t)
	c := f.config()
	c.URL = "gs://nosuch"
	b := openBucket(t, c)
	_, err := b.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrUnreachable)
	assert.NotErrorIs(t, err, remote.ErrNotFound)
	_, err = b.Put(t.Context(), "x", known([]byte("x")))
	assert.ErrorContains(t, err, "there is no bucket 'nosuch'")
	// fake-gcs-server and others say only "Not Found".
	b = openBucket(t, f.config())
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool { reply(w, 404, "Not Found", "notFound"); return true })
	_, err = b.Stat(t.Context(), "x")
	assert.ErrorContains(t, err, "there is no bucket 'bucket'")
	_, err = remote.Open(t.Context(), remote.Config{Name: "r", URL: "gs://"})
	assert.ErrorContains(t, err, "names no bucket")
}

// ETag and generation as DVC writes them.
func TestInfo(t *testing.T) {
	o := object{ETag: "CKih16GjycICEAE=", Generation: "1574967436283560", Size: 3}
	assert.Equal(t, remote.Info{Key: "k", Size: 3, ETag: "08a8a1d7a1a3c9c2021001", Version: "1574967436283560"}, o.info("k"))
}

func TestDeletedVersions(t *testing.T) {
	f := newFake(t)
	f.versioned = true
	b := openBucket(t, f.config())
	one, err := b.Put(t.Context(), "x", known([]byte("x")))
	require.NoError(t, err)
	require.NoError(t, b.Remove(t.Context(), "x"))
	src, err := b.OpenVersion(t.Context(), "x", one.Version, 0, -1)
	require.NoError(t, err)
	text, err := io.ReadAll(src)
	require.NoError(t, err)
	assert.Equal(t, "x", string(text))
	var got []remote.Info
	for info, err := range b.ListVersions(t.Context(), "") {
		require.NoError(t, err)
		got = append(got, info)
	}
	assert.Equal(t, []remote.Info{{Key: "x", Deleted: true}, one}, got)
}

// tokens is Google's server of tokens, and a file of credentials for it.
func tokens(t *testing.T, answer func(http.ResponseWriter)) (file string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer(w)
	}))
	t.Cleanup(s.Close)
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "robot@lab.example", "token_uri": s.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), "quota_project_id": "lab",
	})
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "key.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

func TestCredentials(t *testing.T) {
	f := newFake(t)
	var seen http.Header
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool { seen = r.Header.Clone(); return false })
	file := tokens(t, func(w http.ResponseWriter) {
		io.WriteString(w, `{"access_token":"TOKEN","token_type":"Bearer","expires_in":3600}`)
	})
	try := func(c remote.Config) error {
		seen = nil
		delete(c.Options, "allow_anonymous_login")
		r, err := remote.Open(t.Context(), c)
		if err != nil {
			return err
		}
		_, err = r.Put(t.Context(), "x", known([]byte("x")))
		return err
	}
	relative := f.config("credentialpath", "key.json")
	relative.Dir = filepath.Dir(file)
	require.NoError(t, try(relative))
	assert.Equal(t, "Bearer TOKEN", seen.Get("Authorization"))
	assert.Equal(t, "lab", seen.Get("X-Goog-User-Project"))

	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	require.NoError(t, try(f.config()))
	assert.Equal(t, "Bearer TOKEN", seen.Get("Authorization"))

	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
	err := try(f.config())
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "/nowhere/key.json")

	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("CLOUDSDK_CONFIG", filepath.Dir(file))
	require.NoError(t, os.Rename(file, filepath.Join(filepath.Dir(file), "application_default_credentials.json")))
	require.NoError(t, try(f.config()))
	assert.Equal(t, "Bearer TOKEN", seen.Get("Authorization"))

	bad := filepath.Join(t.TempDir(), "bad.json")
	for _, text := range []string{"secret nonsense", `{"type":"app","client_secret":"secret"}`} {
		require.NoError(t, os.WriteFile(bad, []byte(text), 0o600))
		err := try(f.config("credentialpath", bad))
		assert.ErrorContains(t, err, "bad.json")
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestRefusedToken(t *testing.T) {
	f := newFake(t)
	file := tokens(t, func(w http.ResponseWriter) {
		w.WriteHeader(400)
		io.WriteString(w, `{"error":"invalid_grant","error_description":"Invalid grant: account not found"}`)
	})
	c := f.config("credentialpath", file)
	delete(c.Options, "allow_anonymous_login")
	_, err := openBucket(t, c).Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "account not found; tried credentialpath "+file)
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.False(t, e.Temporary)
}

func TestEmulator(t *testing.T) {
	f := newFake(t)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(f.URL, "http://"))
	b := openBucket(t, remote.Config{Name: "r", URL: "gs://bucket"})
	_, err := b.Put(t.Context(), "x", known([]byte("x")))
	assert.NoError(t, err)
	assert.Equal(t, f.URL, b.server)
}
