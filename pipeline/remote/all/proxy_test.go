//go:build unix

package all

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// storeHost is a name that only a proxy can find.
const storeHost = "store.invalid"

// proxy leads all requests, whatever host they name, to one server.
type proxy struct {
	*httptest.Server
	to    string                 // host:port
	login atomic.Pointer[string] // "Basic …"; nil = nobody has to log in
	used  atomic.Int64
}

func newProxy(t *testing.T, to string) *proxy {
	p := &proxy{to: to}
	p.Server = httptest.NewServer(p)
	t.Cleanup(func() { p.CloseClientConnections(); p.Close() })
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.used.Add(1)
	if login := p.login.Load(); login != nil && r.Header.Get("Proxy-Authorization") != *login {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		(&httputil.ReverseProxy{Rewrite: func(out *httputil.ProxyRequest) {
			out.Out.URL.Scheme, out.Out.URL.Host = "http", p.to
		}}).ServeHTTP(w, r)
		return
	}
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	go io.Copy(there, buffered)
	io.Copy(here, there)
}

// authority makes a certificate of storeHost and one of whoever signed it, in a file.
func authority(t *testing.T) (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "our own"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	ca, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}), 0o600))
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{storeHost}, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	parent, err := x509.ParseCertificate(ca)
	require.NoError(t, err)
	signed, err := x509.CreateCertificate(rand.Reader, leaf, parent, &leafKey.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: leafKey}, file
}

// TestProxies reaches servers of every kind through proxies alone, and servers
// whose certificate no system knows.
func TestProxies(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			k.plainProxy(t)
			k.ownAuthority(t)
		})
	}
}

// through pushes and pulls.
func (u *client) through() {
	u.t.Helper()
	u.ok("push")
	u.forget()
	u.ok("pull")
	u.whole()
}

func (k *kind) plainProxy(t *testing.T) {
	_, s := k.serve(t, httptest.NewServer)
	p := newProxy(t, s.Listener.Addr().String())
	u := newClient(t, "", nil)
	u.remote(k.unique("http://" + storeHost))
	u.env = []string{"HTTP_PROXY=" + p.URL}
	u.through()
	require.Positive(t, p.used.Load())

	u.env = append(u.env, "NO_PROXY="+storeHost)
	before := p.used.Load()
	u.remote(k.unique("http://" + storeHost))
	u.fails(k.refused, []string{"cannot be reached"}, "push")
	assert.Equal(t, before, p.used.Load())

	p.login.Store(new("Basic bWU6YzBuZjFkZW50aWFs")) // me:c0nf1dential
	u.env = []string{"HTTP_PROXY=" + p.URL}
	u.fails(k.refused, []string{"access denied", "Proxy Authentication Required"}, "push")
	at, err := url.Parse(p.URL)
	require.NoError(t, err)
	at.User = url.UserPassword("me", "wrong-c0nf1dential")
	u.env = []string{"HTTP_PROXY=" + at.String()}
	out := u.fails(k.refused, []string{"access denied", "Proxy Authentication Required"}, "push", "-v")
	assert.NotContains(t, out, "c0nf1dential")
	at.User = url.UserPassword("me", "c0nf1dential")
	u.env = []string{"HTTP_PROXY=" + at.String()}
	u.through()
	at.Host = closedAddr(t)
	u.env = []string{"HTTP_PROXY=" + at.String()}
	u.remote(k.unique("http://" + storeHost))
	out = u.fails(k.refused, []string{"cannot be reached", "proxyconnect"}, "push", "-v")
	assert.NotContains(t, out, "c0nf1dential")
}

func (k *kind) ownAuthority(t *testing.T) {
	cert, ca := authority(t)
	_, s := k.serve(t, func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		return s
	})
	p := newProxy(t, s.Listener.Addr().String())
	u := newClient(t, "", nil)
	place, options := k.unique("https://" + storeHost)
	u.remote(place, options)
	behind := "HTTPS_PROXY=" + p.URL
	u.env = []string{behind}
	p.login.Store(new("Basic none"))
	u.fails(k.refused, []string{"access denied", "Proxy Authentication Required", "log in to the proxy"}, "push")
	p.login.Store(nil)
	hint := "ssl_verify CA-FILE"
	if k.name == "gs" || k.name == "azure" {
		hint = "SSL_CERT_FILE"
	}
	u.fails(k.refused, []string{"cannot be reached", "certificate", hint}, "push")
	u.env = []string{behind, "SSL_CERT_FILE=" + ca}
	u.through()
	u.env = []string{behind, "SSL_CERT_FILE=" + ca + ".none"}
	_, rc := u.do("push")
	assert.NotZero(t, rc, "a file of authorities that is not there")
	bundles := []string{"REQUESTS_CA_BUNDLE=" + ca, "REQUESTS_CA_BUNDLE=" + filepath.Dir(ca), "CURL_CA_BUNDLE=" + ca}
	if k.name == "s3" { // the variables that boto knows
		bundles = []string{"AWS_CA_BUNDLE=" + ca, "REQUESTS_CA_BUNDLE=" + ca}
	}
	for _, bundle := range bundles {
		u.env = []string{behind, bundle}
		u.through()
	}
	if hint == "SSL_CERT_FILE" {
		return // DVC has no option
	}
	u.env = []string{behind}
	for _, verify := range []string{ca, "false"} {
		options["ssl_verify"] = verify
		u.remote(place, options)
		u.through()
	}
	options["ssl_verify"] = "true"
	u.remote(place, options)
	u.fails(k.refused, []string{"cannot be reached", "certificate", hint}, "push")
}
