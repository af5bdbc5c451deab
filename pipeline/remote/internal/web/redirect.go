package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Careful is for an http.Client's CheckRedirect: it follows, but not with what logs us in
// (Authorization and the headers of login) to another server, and not with another method:
// a PUT that becomes a GET stores nothing, and yet succeeds.
func Careful(login http.Header) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		if req.Method != first.Method {
			return fmt.Errorf("the server redirects to %s, where a %s would be no %[2]s any more (%s)", place(req.URL), first.Method, req.Response.Status)
		}
		if len(via) >= 10 {
			return errors.New("the server redirects in circles")
		}
		// It has the whole address that was asked, with what may be secret in its query.
		req.Header.Del("Referer")
		if !sameServer(first.URL, req.URL) {
			req.Header.Del("Authorization")
			for name := range login {
				req.Header.Del(name)
			}
		}
		return nil
	}
}

// Guarded is a transport that logs in, but not to a server that another one redirects to.
type Guarded struct {
	With, Without http.RoundTripper
}

// RoundTrip makes the request the one way or the other.
func (l *Guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	first := req
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if sameServer(first.URL, req.URL) {
		return l.With.RoundTrip(req)
	}
	return l.Without.RoundTrip(req)
}

// sameServer reports whether a redirect leads to the same server, or to its safer side.
func sameServer(from, to *url.URL) bool {
	if from.Hostname() != to.Hostname() {
		return false
	}
	if from.Scheme == "http" && to.Scheme == "https" {
		return port(from) == "80" && port(to) == "443"
	}
	return from.Scheme == to.Scheme && port(from) == port(to)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// place is a URL for people: without what may be secret.
func place(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }
