package azure

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
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

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

// TestMain keeps the credentials of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	for _, name := range os.Environ() {
		if name, _, _ = strings.Cut(name, "="); strings.HasPrefix(name, "AZURE_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("AZURE_CONFIG_DIR", "/nonexistent/azure")
	os.Exit(m.Run())
}

func openStore(t *testing.T, c remote.Config) *store {
	t.Helper()
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	return r.(*store)
}

func TestSuite(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote { return openStore(t, newFake(t).config()) })
}

func TestSuiteVersioned(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		f := newFake(t)
		f.versioned = true
		return openStore(t, f.config())
	})
}

// TestSuiteBlocks sends all but the smallest blobs in blocks.
func TestSuiteBlocks(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		s := openStore(t, newFake(t).config())
		s.sizes = sizes{inBlocks: 5 << 10, block: 5 << 10}
		return s
	})
}

// TestSuiteServer sends all but the smallest blobs in blocks, to the server whose
// connection string the environment has: its container reprodl must exist.
func TestSuiteServer(t *testing.T) {
	connection := os.Getenv("REPRODL_AZURE")
	if connection == "" {
		t.Skip("REPRODL_AZURE names no server: see .ci/servers")
	}
	n := 0
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		n++
		s := openStore(t, remote.Config{Name: "r", URL: fmt.Sprintf("azure://reprodl/%d/%d", time.Now().UnixNano(), n),
			Options: map[string]string{"connection_string": connection}})
		s.sizes = sizes{inBlocks: 5 << 10, block: 5 << 10}
		return s
	})
}

func known(data []byte) remote.Source {
	src := remote.Bytes(data)
	sum := md5.Sum(data)
	src.MD5 = sum[:]
	return src
}

func keyOf(data []byte) string {
	sum := md5.Sum(data)
	text := hex.EncodeToString(sum[:])
	return "files/md5/" + text[:2] + "/" + text[2:]
}

// TestResume: blocks that have arrived are not sent again, also by another process.
func TestResume(t *testing.T) {
	f := newFake(t)
	data := bytes.Repeat([]byte("0123456789"), 1000)
	small := sizes{inBlocks: 1000, block: 1000}
	var sent, fail atomic.Int64
	fail.Store(6)
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("comp") != "block" {
			return false
		}
		if fail.Load() > 0 && sent.Load() >= fail.Load() {
			reply(w, r, 503, "ServerBusy", "Ingress is over the account limit.")
			return true
		}
		sent.Add(1)
		return false
	})
	s := openStore(t, f.config())
	s.sizes = small
	_, err := s.Put(t.Context(), keyOf(data), known(data))
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Temporary, err)
	assert.ErrorContains(t, err, "ServerBusy: Ingress is over the account limit.")

	fail.Store(0)
	s = openStore(t, f.config())
	s.sizes = small
	_, err = s.Put(t.Context(), keyOf(data), known(data))
	require.NoError(t, err)
	// Of the blocks on their way when the first one was refused some may be sent twice.
	assert.InDelta(t, 10, sent.Load(), 3, "blocks: without what had arrived there would be 16")
	r, err := s.Open(t.Context(), keyOf(data), 0, -1)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))
}

// TestWrongDigest: the server refuses bytes that are not those of the digest.
func TestWrongDigest(t *testing.T) {
	s := openStore(t, newFake(t).config())
	src := known([]byte("right"))
	src.Open = remote.Bytes([]byte("wrong")).Open
	_, err := s.Put(t.Context(), "x", src)
	assert.ErrorContains(t, err, "Md5Mismatch")
}

func TestErrors(t *testing.T) {
	f := newFake(t)
	s := openStore(t, f.config())
	for _, c := range []struct {
		status    int
		code      string
		kind      error
		temporary bool
		want      string
	}{
		{503, "ServerBusy", nil, true, "ServerBusy: words of the server"},
		{500, "OperationTimedOut", nil, true, "OperationTimedOut"},
		{429, "TooManyRequests", nil, true, ""},
		{403, "AuthenticationFailed", remote.ErrDenied, false, "AuthenticationFailed: words of the server; tried the option connection_string; az login, or dvc remote modify --local r connection_string"},
		{404, "ContainerNotFound", remote.ErrUnreachable, false, "there is no container 'box'; create it, or dvc remote modify r url azure://CONTAINER/PATH"},
		{404, "BlobNotFound", remote.ErrNotFound, false, "not found"},
	} {
		f.intercept(func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "2")
			reply(w, r, c.status, c.code, "words of the server")
			return true
		})
		for _, call := range []func() error{
			func() error { _, err := s.Open(t.Context(), "files/x", 0, -1); return err },
			func() error { _, err := s.Stat(t.Context(), "files/x"); return err }, // without a body
		} {
			err := call()
			var e *remote.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, c.kind, e.Kind, c.code)
			assert.Equal(t, c.temporary, e.Temporary, c.code)
			assert.ErrorContains(t, err, " azure://box/pre/fix/files/x")
			assert.ErrorContains(t, err, c.code)
			assert.NotContains(t, err.Error(), theKey)
			assert.NotContains(t, err.Error(), "RequestId")
		}
		_, err := s.Open(t.Context(), "files/x", 0, -1)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestServerDown(t *testing.T) {
	f := newFake(t)
	s := openStore(t, f.config("connection_string", "AccountName=a;BlobEndpoint="+f.URL+"/a;SharedAccessSignature=sv=1&sig=SIGNATURE"))
	f.Close()
	_, err := s.Stat(t.Context(), "x")
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, remote.ErrUnreachable, e.Kind)
	assert.True(t, e.Temporary)
	assert.NotContains(t, err.Error(), "SIGNATURE")
}

func TestOpenErrors(t *testing.T) {
	open := func(options ...string) error {
		c := remote.Config{Name: "r", URL: "azure://box/x", Options: map[string]string{}}
		for i := 0; i < len(options); i += 2 {
			c.Options[options[i]] = options[i+1]
		}
		_, err := remote.Open(t.Context(), c)
		return err
	}
	err := open()
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "Authentication to Azure Blob Storage requires either account_name or connection_string.")
	err = open("connection_string", "SECRET-nonsense")
	assert.ErrorContains(t, err, "the option connection_string is not a connection string")
	assert.NotContains(t, err.Error(), "SECRET")
	err = open("account_name", "a", "account_key", "?SECRET?")
	assert.ErrorContains(t, err, "account_key is not in base64")
	assert.NotContains(t, err.Error(), "SECRET")
	assert.ErrorContains(t, open("account_name", "a", "client_id", "c"), "needed together")
	assert.ErrorContains(t, open("account_name", "a", "read_timeout", "soon"), "remote 'r'")
	_, err = remote.Open(t.Context(), remote.Config{Name: "r", URL: "azure://"})
	assert.ErrorContains(t, err, "names no container")
}

// TestLogin: which way is taken, and what is said of it.
func TestLogin(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config"), []byte("[core]\nx = 1\n[storage]\n# ours\nAccount = lab\nkey: "+theKey+"\n[other]\naccount = no\n"), 0o600))
	for _, c := range []struct {
		options     []string
		environment map[string]string
		url, tried  string
	}{
		{[]string{"account_name", "a", "account_key", theKey}, nil, "https://a.blob.core.windows.net/box", "the option account_key"},
		{[]string{"account_name", "a", "sas_token", "?sv=1&sig=s"}, nil, "https://a.blob.core.windows.net/box?sv=1&sig=s", "the option sas_token"},
		{[]string{"account_name", "a", "tenant_id", "t-1", "client_id", "c-1", "client_secret", "s"}, nil, "", "the service principal c-1 of tenant t-1"},
		{[]string{"account_name", "a", "allow_anonymous_login", "true"}, nil, "", "no credentials (allow_anonymous_login)"},
		{[]string{"account_name", "a"}, nil, "", "Azure's default credentials"},
		{nil, map[string]string{"AZURE_CONFIG_DIR": dir}, "https://lab.blob.core.windows.net/box", "key in " + filepath.Join(dir, "config")},
		{nil, map[string]string{"AZURE_CONFIG_DIR": dir, "AZURE_STORAGE_ACCOUNT": "env"}, "https://env.blob.core.windows.net/box", "key in"},
		{nil, map[string]string{"AZURE_STORAGE_CONNECTION_STRING": "AccountName=conn;AccountKey=" + theKey + ";EndpointSuffix=core.chinacloudapi.cn"}, "https://conn.blob.core.chinacloudapi.cn/box", "the environment (AZURE_STORAGE_CONNECTION_STRING)"},
	} {
		t.Run(c.tried, func(t *testing.T) {
			for name, value := range c.environment {
				t.Setenv(name, value)
			}
			cfg := remote.Config{Name: "r", URL: "azure://box/x", Options: map[string]string{}}
			for i := 0; i < len(c.options); i += 2 {
				cfg.Options[c.options[i]] = c.options[i+1]
			}
			s := openStore(t, cfg)
			require.Len(t, s.tried, 1)
			assert.Contains(t, s.tried[0], c.tried)
			if c.url != "" {
				assert.Equal(t, c.url, s.client.URL())
			}
		})
	}
}

// TestDefaultCredentials: without any, an error within seconds says which were
// tried; what is excluded is not.
func TestDefaultCredentials(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // no az
	o := remote.Config{Name: "r", URL: "azure://box/x", Options: map[string]string{"account_name": "a",
		"exclude_environment_credential": "true", "exclude_managed_identity_credential": "true"}}
	s := openStore(t, o)
	_, err := s.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "there are no credentials; tried WorkloadIdentityCredential (")
	assert.ErrorContains(t, err, "AzureCLICredential (")
	assert.ErrorContains(t, err, "; az login, or")
	assert.NotContains(t, err.Error(), "EnvironmentCredential")
	assert.NotContains(t, err.Error(), "\n")
}

// TestRefusedToken: the words of the server that gives tokens, and no more.
func TestRefusedToken(t *testing.T) {
	s := openStore(t, newFake(t).config())
	resp := httptest.NewRecorder()
	resp.WriteHeader(401)
	io.WriteString(resp, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"}`)
	text := tokenWords(resp.Result())
	assert.Equal(t, "no token is given for these credentials: AADSTS7000215: Invalid client secret provided.", text)
	err := s.fail("stat", "x", fmt.Errorf("before: %w", context.Canceled))
	assert.True(t, errors.Is(err, context.Canceled))
}

// TestFolders: what an account with a hierarchical namespace has besides blobs.
func TestFolders(t *testing.T) {
	f := newFake(t)
	s := openStore(t, f.config())
	f.blobs["pre/fix/dir"] = []*stored{{id: 1, current: true, folder: true}}
	f.blobs["pre/fix/dir/x"] = []*stored{{id: 2, current: true}}
	_, err := s.Stat(t.Context(), "dir")
	assert.ErrorIs(t, err, remote.ErrNotFound)
	for info, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
		assert.Equal(t, "dir/x", info.Key)
	}
}

func TestDeletedVersions(t *testing.T) {
	f := newFake(t)
	f.versioned = true
	s := openStore(t, f.config())
	one, err := s.Put(t.Context(), "x", known([]byte("x")))
	require.NoError(t, err)
	require.NoError(t, s.Remove(t.Context(), "x"))
	var got []remote.Info
	for info, err := range s.ListVersions(t.Context(), "") {
		require.NoError(t, err)
		got = append(got, info)
	}
	assert.Equal(t, []remote.Info{{Key: "x", Deleted: true}, one}, got)
}

func TestTag(t *testing.T) {
	for in, want := range map[string]string{"0x8D": `"0x8D"`, `"0x8D"`: `"0x8D"`, "": ""} {
		e := azcore.ETag(in)
		assert.Equal(t, want, tag(&e))
	}
}

func TestServerTimeout(t *testing.T) {
	f := newFake(t)
	var query string
	f.intercept(func(w http.ResponseWriter, r *http.Request) bool { query = r.URL.RawQuery; return false })
	s := openStore(t, f.config("timeout", "30"))
	_, err := s.Put(t.Context(), "x", known([]byte("x")))
	require.NoError(t, err)
	assert.Contains(t, query, "timeout=30")
}
