package s3

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

// TestMain keeps the credentials of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"} {
		os.Unsetenv(name)
	}
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
	os.Setenv("AWS_CONFIG_FILE", "/nonexistent/config")
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	os.Exit(m.Run())
}

// server is an S3 server in this process; before may answer a request instead.
type server struct {
	*httptest.Server
	handler  http.Handler
	before   atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	requests atomic.Int64
}

func newServer(t *testing.T) *server {
	s := new(server)
	s.handler = gofakes3.New(s3mem.New()).Server()
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if before := s.before.Load(); before != nil && (*before)(w, r) {
			return
		}
		s.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) intercept(f func(http.ResponseWriter, *http.Request) bool) { s.before.Store(&f) }

func (s *server) config(bucket string, more ...string) remote.Config {
	c := remote.Config{Name: "r", URL: "s3://" + bucket + "/pre/fix", Options: map[string]string{
		"endpointurl": s.URL, "access_key_id": "ID", "secret_access_key": "SECRETKEY", "region": "us-east-1",
	}}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i]] = more[i+1]
	}
	return c
}

func (s *server) open(t *testing.T, more ...string) *bucket {
	t.Helper()
	r, err := remote.Open(t.Context(), s.config("bucket", more...))
	require.NoError(t, err)
	b := r.(*bucket)
	_, err = b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bucket")})
	require.NoError(t, err)
	return b
}

func TestSuite(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote { return newServer(t).open(t) })
}

// TestSuiteParts sends all but the smallest objects in parts.
func TestSuiteParts(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		b := newServer(t).open(t)
		b.sizes = sizes{multipart: 5 << 10, part: 5 << 10}
		return b
	})
}

func TestErrors(t *testing.T) {
	s := newServer(t)
	b := s.open(t)
	reply := func(status int, code string) {
		s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(status)
			if r.Method != http.MethodHead {
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>words of the server</Message></Error>", code)
			}
			return true
		})
	}
	for _, c := range []struct {
		status    int
		code      string
		kind      error
		temporary bool
		want      string
	}{
		{503, "SlowDown", nil, true, "SlowDown: words of the server"},
		{500, "InternalError", nil, true, "InternalError"},
		{429, "TooManyRequests", nil, true, ""},
		{403, "AccessDenied", remote.ErrDenied, false, "tried the options access_key_id and secret_access_key; aws configure"},
		{403, "SignatureDoesNotMatch", remote.ErrDenied, false, "dvc remote modify --local r access_key_id ID"},
		{400, "ExpiredToken", remote.ErrDenied, false, "aws sso login"},
		{403, "RequestTimeTooSkewed", remote.ErrDenied, false, "set this machine's clock"},
		{404, "NoSuchBucket", remote.ErrUnreachable, false, "there is no bucket 'bucket'; create it"},
		{404, "NoSuchKey", remote.ErrNotFound, false, "not found"},
	} {
		reply(c.status, c.code)
		src, err := b.Open(t.Context(), "files/x", 0, -1)
		require.Error(t, err)
		assert.Nil(t, src)
		var e *remote.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, c.kind, e.Kind, c.code)
		assert.ErrorContains(t, err, "remote 'r': get s3://bucket/pre/fix/files/x")
		assert.ErrorContains(t, err, c.want)
		assert.NotContains(t, err.Error(), "SECRETKEY")
		assert.Equal(t, c.temporary, e.Temporary, c.code)
		if c.status >= 500 {
			assert.Equal(t, 2*time.Second, e.After)
		}
	}
}

// A HEAD says 404 whether the object or the bucket is missing.
func TestWrongBucket(t *testing.T) {
	s := newServer(t)
	r, err := remote.Open(t.Context(), s.config("nosuch"))
	require.NoError(t, err)
	_, err = r.Stat(t.Context(), "files/x")
	assert.ErrorIs(t, err, remote.ErrUnreachable)
	assert.NotErrorIs(t, err, remote.ErrNotFound)
	assert.ErrorContains(t, err, "there is no bucket 'nosuch'")
	_, err = r.Put(t.Context(), "x", remote.Bytes([]byte("x")))
	assert.ErrorIs(t, err, remote.ErrUnreachable)
}

func TestNoCredentials(t *testing.T) {
	s := newServer(t)
	c := s.config("bucket")
	delete(c.Options, "access_key_id")
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	start := time.Now()
	_, err = r.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrDenied)
	for _, part := range []string{"remote 'r'", "AWS_ACCESS_KEY_ID", "profile 'default' in /nonexistent/credentials and /nonexistent/config", "EC2", "aws configure"} {
		assert.ErrorContains(t, err, part)
	}
	assert.Zero(t, s.requests.Load(), time.Since(start))
}

func TestUnknownProfile(t *testing.T) {
	c := newServer(t).config("bucket", "profile", "nope")
	delete(c.Options, "access_key_id")
	_, err := remote.Open(t.Context(), c)
	assert.ErrorContains(t, err, "nope")
	assert.ErrorContains(t, err, "remote 'r'")
}

func TestServerDown(t *testing.T) {
	s := newServer(t)
	c := s.config("bucket")
	s.Close()
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	_, err = r.Stat(t.Context(), "x")
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, remote.ErrUnreachable, e.Kind)
	assert.True(t, e.Temporary)
}

// With AWS_CA_BUNDLE the SDK wants an HTTP client of its own kind.
func TestAuthorities(t *testing.T) {
	s := httptest.NewTLSServer(gofakes3.New(s3mem.New()).Server())
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := t.TempDir() + "/ca.pem"
	require.NoError(t, os.WriteFile(ca, pemOf(s), 0o600))
	put := func(verify string) error {
		c := (&server{Server: s}).config("bucket")
		if verify != "" {
			c.Options["ssl_verify"] = verify
		}
		r, err := remote.Open(t.Context(), c)
		require.NoError(t, err)
		_, err = r.(*bucket).client.ListBuckets(t.Context(), nil)
		if err != nil {
			return r.(*bucket).fail("list", "", err)
		}
		return nil
	}
	t.Setenv("AWS_CA_BUNDLE", "")
	err := put("")
	assert.ErrorIs(t, err, remote.ErrUnreachable)
	assert.ErrorContains(t, err, "dvc remote modify r ssl_verify CA-FILE")
	assert.NoError(t, put("false"))
	assert.NoError(t, put(ca))
	t.Setenv("AWS_CA_BUNDLE", ca)
	assert.NoError(t, put(""))
}

func TestProxy(t *testing.T) {
	s := newServer(t)
	b := s.open(t)
	assert.NotNil(t, b.slow)
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); w.WriteHeader(407) }))
	defer proxy.Close()
	c := s.config("bucket", "endpointurl", "http://s3.invalid")
	t.Setenv("HTTP_PROXY", proxy.URL)
	// ProxyFromEnvironment reads the environment once a process: what counts
	// here is that the transport asks it at all.
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	type transporter interface{ GetTransport() *http.Transport }
	assert.NotNil(t, r.(*bucket).slow.(transporter).GetTransport().Proxy)
}

func TestWriteOptions(t *testing.T) {
	s := newServer(t)
	var seen http.Header
	b := s.open(t, "sse", "aws:kms", "sse_kms_key_id", "KEY", "grant_read", "id=1")
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			seen = r.Header.Clone()
		}
		return false
	})
	src := remote.Bytes([]byte("hello"))
	sum := md5.Sum([]byte("hello"))
	src.MD5 = sum[:]
	_, err := b.Put(t.Context(), "x", src)
	require.NoError(t, err)
	assert.Equal(t, "aws:kms", seen.Get("X-Amz-Server-Side-Encryption"))
	assert.Equal(t, "KEY", seen.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
	assert.Equal(t, "id=1", seen.Get("X-Amz-Grant-Read"))
	assert.Equal(t, "XUFAKrxLKna5cZ2REBfFkg==", seen.Get("Content-Md5"))
	assert.Equal(t, "UNSIGNED-PAYLOAD", seen.Get("X-Amz-Content-Sha256"))
	assert.Contains(t, seen.Get("Authorization"), "content-md5", "the digest is signed")
	assert.Empty(t, seen.Get("X-Amz-Trailer"), "an endpoint of its own gets no trailing checksum")

	b = s.open2(t, "sse_customer_key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	_, err = b.Put(t.Context(), "y", src)
	require.NoError(t, err)
	assert.Equal(t, "AES256", seen.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm"))
	assert.NotEmpty(t, seen.Get("X-Amz-Server-Side-Encryption-Customer-Key-Md5"))

	for _, bad := range [][]string{{"acl", "private", "grant_read", "x"}, {"sse_kms_key_id", "k", "sse_customer_key", "MDEy"}, {"sse_customer_key", "?"}, {"read_timeout", "soon"}} {
		_, err := remote.Open(t.Context(), s.config("bucket", bad...))
		assert.ErrorContains(t, err, "remote 'r'", bad)
	}
}

func (s *server) open2(t *testing.T, more ...string) *bucket {
	t.Helper()
	r, err := remote.Open(t.Context(), s.config("bucket", more...))
	require.NoError(t, err)
	return r.(*bucket)
}

// TestTriedFiles: those that are read, also where only one is configured.
func TestTriedFiles(t *testing.T) {
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "")
	t.Setenv("AWS_CONFIG_FILE", "")
	t.Setenv("HOME", "/nonexistent/home")
	t.Setenv("USERPROFILE", "/nonexistent/home")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "conf"), []byte("[default]\nregion = eu-west-1\n"), 0o600))
	credentials := filepath.Join("/nonexistent/home", ".aws", "credentials")
	for _, c := range []struct{ option, want string }{
		{"configpath", "profile 'default' in " + credentials + " and " + filepath.Join(dir, "conf")},
		{"credentialpath", "profile 'default' in " + filepath.Join(dir, "conf") + " and " + filepath.Join("/nonexistent/home", ".aws", "config")},
	} {
		cfg := newServer(t).config("bucket", c.option, "conf")
		cfg.Dir = dir
		delete(cfg.Options, "access_key_id")
		r, err := remote.Open(t.Context(), cfg)
		require.NoError(t, err)
		assert.Contains(t, r.(*bucket).tried, c.want)
	}
}

// TestRegion: DVC asks for the bucket's where no option names one, unless
// cache_regions says no.
func TestRegion(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	for _, c := range []struct {
		options map[string]string
		asks    bool
		region  string
	}{
		{nil, true, "eu-central-1"},
		{map[string]string{"cache_regions": "true"}, true, "eu-central-1"},
		{map[string]string{"cache_regions": "false"}, false, "us-west-2"},
		{map[string]string{"region": "us-west-2"}, false, "eu-central-1"},
	} {
		b := &bucket{name: "bucket", cfg: remote.Config{Options: c.options}}
		assert.Equal(t, c.asks, b.asksRegion(), c.options)
		cfg := aws.Config{Region: "us-west-2", HTTPClient: answer(func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: 301, Header: http.Header{"X-Amz-Bucket-Region": {"eu-central-1"}}, Body: http.NoBody, Request: r}
		})}
		assert.Equal(t, c.region, b.findRegion(t.Context(), cfg), c.options)
	}
	silent := aws.Config{HTTPClient: answer(func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: 404, Header: http.Header{}, Body: http.NoBody, Request: r}
	})}
	assert.Equal(t, "us-east-1", (&bucket{name: "bucket"}).findRegion(t.Context(), silent))
}

// answer is an HTTP client without a network.
type answer func(*http.Request) *http.Response

func (a answer) Do(r *http.Request) (*http.Response, error) { return a(r), nil }

func TestAddressingStyle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := "[default]\nregion = x\ns3 =\n  addressing_style = path\n[profile lab]\n# for the lab's server\ns3=\n    max_queue_size = 10\n\taddressing_style=virtual\nregion = y\n" +
		"[profile odd]\ns3 =\n  addressing_style = sideways\n[profile none]\naddressing_style = path\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	for profile, want := range map[string]string{"default": "path", "lab": "virtual", "none": "", "unknown": ""} {
		got, err := addressingStyle(file, profile)
		assert.NoError(t, err)
		assert.Equal(t, want, got, profile)
	}
	_, err := addressingStyle(file, "odd")
	assert.ErrorContains(t, err, "addressing_style = sideways is none of")
	got, err := addressingStyle("/nonexistent/config", "default")
	assert.NoError(t, err)
	assert.Empty(t, got)

	// A server of one's own gets the bucket in the path, unless the profile wants it in
	// the host's name.
	t.Setenv("AWS_CONFIG_FILE", file)
	for profile, path := range map[string]bool{"lab": false, "none": true} {
		r, err := remote.Open(t.Context(), newServer(t).config("bucket", "profile", profile))
		require.NoError(t, err)
		assert.Equal(t, path, r.(*bucket).client.Options().UsePathStyle, profile)
	}
}

func TestCredentialFiles(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/creds", []byte("[lab]\naws_access_key_id = FROMFILE\naws_secret_access_key = x\n"), 0o600))
	var auth string
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool { auth = r.Header.Get("Authorization"); return false })
	c := s.config("bucket", "credentialpath", "creds", "profile", "lab")
	delete(c.Options, "access_key_id")
	c.Dir = dir
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "")
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	r.Stat(t.Context(), "x")
	assert.Contains(t, auth, "Credential=FROMFILE/")

	c.Options["allow_anonymous_login"] = "true"
	r, err = remote.Open(t.Context(), c)
	require.NoError(t, err)
	r.Stat(t.Context(), "x")
	assert.Empty(t, auth)
}
