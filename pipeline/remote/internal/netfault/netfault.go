// Package netfault tells what kind of failure a network error is.
package netfault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// Classify fills in an Error's Kind, Temporary and Fix from what the network
// stack said. It reports whether the error was one of the network's.
//
// Nobody there (refused, no route, no such name) is ErrUnreachable, and worth a
// few tries; a connection that broke or fell silent is Temporary.
func Classify(e *remote.Error) bool {
	err := e.Err
	var dns *net.DNSError
	var op *net.OpError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil || errors.Is(err, context.Canceled) || remote.IsSource(err):
		return false
	case isCertificate(err):
		e.Kind = remote.ErrUnreachable
		e.Fix = "if the server's certificate is signed by an authority of your own: " + trust(e)
	case errors.As(err, &record):
		e.Kind, e.Fix = remote.ErrUnreachable, "the server does not speak TLS: is http:// meant?"
	case errors.As(err, &alert):
		e.Kind = remote.ErrUnreachable
	case errors.As(err, &dns):
		e.Kind, e.Temporary = remote.ErrUnreachable, !dns.IsNotFound
	case errors.As(err, &op) && op.Op == "dial":
		e.Kind, e.Temporary = remote.ErrUnreachable, true
	case errors.As(err, &op) && op.Op == "proxyconnect":
		e.Kind, e.Temporary, e.Fix = remote.ErrUnreachable, true, "the proxy comes from HTTP_PROXY or HTTPS_PROXY; NO_PROXY=HOST does without"
	case strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)): // of a CONNECT, an error without a type
		Proxy(e)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.As(err, &op),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), isBroken(err):
		e.Temporary = true
	default:
		return false
	}
	return true
}

// isBroken knows the errors of net/http's that have no type: a server may close a
// connection in the moment in which it is used again.
func isBroken(err error) bool {
	text := err.Error()
	return strings.Contains(text, "http: server closed idle connection") || strings.Contains(text, "transport connection broken")
}

// Proxy says of an Error that a proxy wants to know who asks.
func Proxy(e *remote.Error) {
	e.Kind, e.Tried = remote.ErrDenied, nil
	e.Fix = "log in to the proxy: set HTTP_PROXY, or HTTPS_PROXY, to http://USER:PASSWORD@HOST:PORT"
}

func isCertificate(err error) bool {
	return errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.HostnameError)) ||
		errors.As(err, new(x509.CertificateInvalidError)) || errors.As(err, new(*tls.CertificateVerificationError))
}

// trust is how to make an authority known. DVC has no option for it for Google and
// Azure.
func trust(e *remote.Error) string {
	if strings.HasPrefix(e.URL, "gs:") || strings.HasPrefix(e.URL, "azure:") {
		return "set SSL_CERT_FILE to the file of its certificate"
	}
	return "dvc remote modify " + name(e) + " ssl_verify CA-FILE"
}

func name(e *remote.Error) string {
	if e.Remote == "" {
		return "NAME"
	}
	return e.Remote
}
