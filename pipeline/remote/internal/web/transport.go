// Package web is what the drivers that speak HTTP share: a transport that
// honours proxies, certificate authorities and time-outs, and what a status
// code means.
package web

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// Timeouts of a connection.
type Timeouts struct {
	Connect time.Duration
	Read    time.Duration // until the response begins
}

// Seconds reads time-outs from a remote's options. Ten seconds for a connection
// are plenty; DVC's 60 mean half a minute of silence when a server is down.
func Seconds(c *remote.Config, connect, read string) (t Timeouts, err error) {
	if t.Connect, err = c.Seconds(connect, 10*time.Second); err != nil {
		return t, err
	}
	t.Read, err = c.Seconds(read, time.Minute)
	return t, err
}

// Tune sets up a transport for a remote. Proxies come from the environment
// (HTTPS_PROXY, NO_PROXY). Authorities are, in this order, those of the option
// ssl_verify, of the environment variable SSL_CERT_FILE, of the system.
func Tune(tr *http.Transport, c *remote.Config, t Timeouts) error {
	tr.Proxy = http.ProxyFromEnvironment
	tr.DialContext = (&net.Dialer{Timeout: t.Connect, KeepAlive: 30 * time.Second}).DialContext
	tr.TLSHandshakeTimeout = t.Connect
	tr.ResponseHeaderTimeout = t.Read
	tr.MaxIdleConns = 0
	tr.MaxIdleConnsPerHost = max(64, 2*c.Concurrency())
	tr.WriteBufferSize, tr.ReadBufferSize = 64<<10, 64<<10
	tr.DisableCompression = true // objects are opaque: their bytes are what counts
	if tr.TLSClientConfig == nil {
		tr.TLSClientConfig = new(tls.Config)
	}
	pool, insecure, err := authorities(c)
	if err != nil {
		return err
	}
	tr.TLSClientConfig.MinVersion = tls.VersionTLS12
	tr.TLSClientConfig.InsecureSkipVerify = insecure
	if pool != nil {
		tr.TLSClientConfig.RootCAs = pool
	}
	return nil
}

// authorities reads ssl_verify, which is true, false or a file.
func authorities(c *remote.Config) (pool *x509.CertPool, insecure bool, err error) {
	file := os.Getenv("SSL_CERT_FILE") // Go itself heeds it on some systems only
	switch verify := c.Get("ssl_verify"); strings.ToLower(verify) {
	case "", "true":
	case "false":
		return nil, true, nil
	default:
		file = c.Path("ssl_verify")
	}
	if file == "" {
		return nil, false, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false, fmt.Errorf("remote '%s': certificate authorities: %w", c.Name, err)
	}
	pool = x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, false, fmt.Errorf("remote '%s': %s holds no certificate in PEM", c.Name, file)
	}
	return pool, false, nil
}

// Authorities is the file that ssl_verify names, or "".
func Authorities(c *remote.Config) string {
	switch strings.ToLower(c.Get("ssl_verify")) {
	case "", "true", "false":
		return ""
	}
	return c.Path("ssl_verify")
}
