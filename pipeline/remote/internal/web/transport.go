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
	"path/filepath"
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
// ssl_verify, of the environment variable SSL_CERT_FILE, of the system; those of
// REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE are added to the last two.
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

// authorities are those of the option ssl_verify, which is true, false or a path, or
// else of the environment. Nil = the system's.
func authorities(c *remote.Config) (pool *x509.CertPool, insecure bool, err error) {
	switch verify := c.Get("ssl_verify"); strings.ToLower(verify) {
	case "", "true":
		pool, err = environment(c.Scheme() == "s3")
	case "false":
		return nil, true, nil
	default:
		pool = x509.NewCertPool()
		if scheme := c.Scheme(); scheme == "http" || scheme == "https" {
			pool = system() // as in DVC
		}
		err = trust(pool, c.Path("ssl_verify"))
	}
	if err != nil {
		return nil, false, fmt.Errorf("remote '%s': certificate authorities: %w", c.Name, err)
	}
	return pool, false, nil
}

// environment are the authorities that variables name. SSL_CERT_FILE, which Go itself
// heeds on some systems only, stands for the system's. The variable of Python's requests
// does so for boto; what else DVC uses asks the system as well, so that there it adds
// to these, as does curl's.
func environment(boto bool) (pool *x509.CertPool, err error) {
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		pool = x509.NewCertPool()
		if err := trust(pool, file); err != nil {
			return nil, err
		}
	}
	file := os.Getenv("REQUESTS_CA_BUNDLE")
	if boto {
		if file == "" {
			return pool, nil
		}
		pool = x509.NewCertPool()
		return pool, trust(pool, file)
	}
	if file == "" {
		file = os.Getenv("CURL_CA_BUNDLE")
	}
	if file == "" {
		return pool, nil
	}
	all := pool
	if all == nil {
		all = system()
	}
	if trust(all, file) != nil {
		return pool, nil // DVC doesn't look at it for most kinds
	}
	return all, nil
}

func system() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return x509.NewCertPool()
	}
	return pool
}

// trust adds the certificates of a file, or of the files of a directory.
func trust(pool *x509.CertPool, path string) error {
	files := []string{path}
	if entries, err := os.ReadDir(path); err == nil {
		files = files[:0]
		for _, e := range entries {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	found := false
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found = pool.AppendCertsFromPEM(data) || found
	}
	if !found {
		return fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return nil
}

// Authorities is the file that ssl_verify names, or "".
func Authorities(c *remote.Config) string {
	switch strings.ToLower(c.Get("ssl_verify")) {
	case "", "true", "false":
		return ""
	}
	return c.Path("ssl_verify")
}
