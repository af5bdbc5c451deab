package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/netfault"
)

// Client makes requests for a remote and says what their failures mean.
type Client struct {
	Config *remote.Config
	HTTP   *http.Client
	Header http.Header // of every request
	Tried  []string    // the credentials it has
	Fix    string      // what would help against a refusal
	// Explain may say more of a failure: of a status, with the beginning of the
	// answer, or with 0 of a request that got none. Nil = nothing.
	Explain func(e *remote.Error, status int, body []byte)
}

// Request is one of a remote's.
type Request struct {
	Op, Key string // for errors
	Method  string
	URL     string
	Header  http.Header   // besides the Client's; may be nil
	Source  remote.Source // what is sent, from Offset on; without Open: nothing
	Offset  int64
	Length  int64 // of what is sent; 0 with a Source = to its end
}

// Do returns the response if its status is below 300; the caller closes its
// body. Anything else is an [*remote.Error].
func (c *Client) Do(ctx context.Context, r Request) (*http.Response, error) {
	req, err := c.request(ctx, r)
	if err != nil {
		return nil, c.Config.Fail(r.Op, r.Key, err)
	}
	h := *c.HTTP
	h.CheckRedirect = Careful(c.Header)
	resp, err := h.Do(req)
	if err != nil {
		return nil, c.fail(r, err)
	}
	if resp.StatusCode < 300 {
		resp.Body = &body{resp.Body, c, r}
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 8<<10))
	e := c.status(r, resp, strings.TrimSpace(string(text[:min(len(text), 500)])))
	if c.Explain != nil {
		c.Explain(e, resp.StatusCode, text)
	}
	return resp, e
}

func (c *Client) request(ctx context.Context, r Request) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, nil)
	if err != nil {
		return nil, err
	}
	for _, h := range []http.Header{c.Header, r.Header} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	if r.Source.Open == nil {
		return req, nil
	}
	length := r.Length
	if length == 0 {
		length = r.Source.Size - r.Offset
	}
	open := func() (io.ReadCloser, error) { return r.Source.Exact(r.Offset, length) }
	if req.Body, err = open(); err != nil {
		return nil, err
	}
	req.GetBody, req.ContentLength = open, length // a redirect sends it again
	if length == 0 {
		// Nothing would read the body, and so notice that the source is wrong.
		_, err := req.Body.Read(make([]byte, 1))
		req.Body.Close()
		req.Body = http.NoBody
		if err != io.EOF {
			return nil, err
		}
	}
	return req, nil
}

// fail is the error of a request that got no answer.
func (c *Client) fail(r Request, err error) error {
	var u *url.Error
	if errors.As(err, &u) { // whose text has the URL, query and all
		err = u.Err
	}
	e := c.Config.Fail(r.Op, r.Key, err)
	netfault.Classify(e)
	if c.Explain != nil {
		c.Explain(e, 0, nil)
	}
	return e
}

// status is the error that an answer means.
func (c *Client) status(r Request, resp *http.Response, text string) *remote.Error {
	words := resp.Status
	if text != "" && !strings.HasPrefix(text, "<") {
		words += ": " + c.redact(text, resp.Request)
	}
	e := c.Config.Fail(r.Op, r.Key, errors.New(words))
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone:
		e.Kind = remote.ErrNotFound
	case code == http.StatusProxyAuthRequired:
		netfault.Proxy(e)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Kind, e.Tried, e.Fix = remote.ErrDenied, c.Tried, c.Fix
		if asked, err := url.Parse(r.URL); err == nil && !sameServer(asked, resp.Request.URL) {
			e.Tried, e.Fix = nil, "the server redirects to "+place(resp.Request.URL)+", which gets no credentials; use its address if it may have them"
		}
	case code == http.StatusRequestTimeout || code == http.StatusTooManyRequests || code >= 500 && code != http.StatusNotImplemented && code != http.StatusInsufficientStorage:
		e.Temporary = true
		if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
			e.After = time.Duration(n) * time.Second
		}
	}
	return e
}

// redact takes out of a server's words what logged us in: some repeat the request.
func (c *Client) redact(text string, sent *http.Request) string {
	for name, values := range sent.Header {
		if _, ours := c.Header[name]; !ours && name != "Authorization" {
			continue
		}
		for _, v := range values {
			for _, part := range append(strings.Fields(v), v) {
				if len(part) > 8 {
					text = strings.ReplaceAll(text, part, "***")
				}
			}
		}
	}
	return text
}

// body makes Errors of what breaks while a response is read.
type body struct {
	io.ReadCloser
	c *Client
	r Request
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = b.c.fail(b.r, err)
	}
	return n, err
}

// Range is the header for some of an object's bytes; nil for all of them.
func Range(offset, length int64) http.Header {
	if offset == 0 && length < 0 {
		return nil
	}
	value := fmt.Sprintf("bytes=%d-", offset)
	if length > 0 {
		value += strconv.FormatInt(offset+length-1, 10)
	}
	return http.Header{"Range": {value}}
}

// Part is the body of a response to a request with that header. A server that
// knows no ranges has sent everything: what was not asked for is skipped.
func Part(resp *http.Response, offset, length int64) (io.ReadCloser, error) {
	if resp.StatusCode == http.StatusPartialContent || offset == 0 && length < 0 {
		return resp.Body, nil
	}
	if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
		resp.Body.Close()
		return nil, err
	}
	if length < 0 {
		return resp.Body, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, length), resp.Body}, nil
}

// Drain reads what is left of a small response, so that its connection can be
// used again.
func Drain(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}

// Requote makes a URL that a user wrote one that can be sent: what is percent-encoded
// stays so, and what must be is. The fragment is for the user only.
func Requote(text string) string {
	text, _, _ = strings.Cut(text, "#")
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return requote(text, "/")
	}
	host, rest, slash := cutAny(rest, "/?")
	path, query, asked := strings.Cut(slash+rest, "?")
	text = scheme + "://" + host + requote(path, "/")
	if asked {
		text += "?" + requote(query, "/?")
	}
	return text
}

// cutAny is strings.Cut at the first of some characters, which it returns last.
func cutAny(s, chars string) (before, after, at string) {
	i := strings.IndexAny(s, chars)
	if i < 0 {
		return s, "", ""
	}
	return s[:i], s[i+1:], s[i : i+1]
}

func requote(s, more string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9',
			strings.IndexByte("-._~!$&'()*+,;=:@"+more, c) >= 0,
			c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// Escape is the path of a URL for a key.
func Escape(key string) string { return (&url.URL{Path: key}).EscapedPath() }
