package gs

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// metadata goes before the bytes. With MD5 the server refuses others.
type metadata struct {
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	MD5         string `json:"md5Hash,omitempty"`
}

// describe is what the server is told of an object that is to come.
func (b *bucket) describe(key string, src remote.Source) []byte {
	m := metadata{Name: remote.JoinKey(b.prefix, key), ContentType: "application/octet-stream"}
	if len(src.MD5) == md5.Size {
		m.MD5 = base64.StdEncoding.EncodeToString(src.MD5)
	}
	text, _ := json.Marshal(m) // of strings, it cannot fail
	return text
}

// Put sends an object in one request, and from some megabytes on in a session
// that can be taken up again. It appears when it is complete.
func (b *bucket) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	if src.Size >= b.large {
		return b.putSession(ctx, key, src)
	}
	boundary := rand.Text() // which the bytes don't hold
	head := fmt.Sprintf("--%s\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n%s\r\n--%s\r\nContent-Type: application/octet-stream\r\n\r\n",
		boundary, b.describe(key, src), boundary)
	tail := "\r\n--" + boundary + "--\r\n"
	r := web.Request{Op: "put", Key: key, Method: http.MethodPost,
		URL:    b.at("/upload", "", url.Values{"uploadType": {"multipart"}, "fields": {fields}}),
		Header: http.Header{"Content-Type": {"multipart/related; boundary=" + boundary}},
		Source: within(head, src, tail)}
	resp, err := b.client.Do(ctx, r)
	if err != nil {
		return remote.Info{}, b.missing(ctx, err)
	}
	return b.stored(r, resp, src)
}

// within is a source between two texts.
func within(head string, src remote.Source, tail string) remote.Source {
	return remote.Source{Size: int64(len(head)) + src.Size + int64(len(tail)), Open: func(int64) (io.ReadCloser, error) {
		r, err := src.Exact(0, src.Size)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(strings.NewReader(head), r, strings.NewReader(tail)), r}, nil
	}}
}

// stored reads what the server says of an object that it has taken.
func (b *bucket) stored(r web.Request, resp *http.Response, src remote.Source) (remote.Info, error) {
	var o object
	if err := b.decode(r, resp, &o); err != nil {
		return remote.Info{}, err
	}
	if o.Size != src.Size {
		e := b.cfg.Fail("put", r.Key, fmt.Errorf("%d bytes arrived of %d", o.Size, src.Size))
		e.Temporary = true
		return remote.Info{}, e
	}
	return o.info(r.Key), nil
}

// decode reads an answer in JSON.
func (b *bucket) decode(r web.Request, resp *http.Response, into any) error {
	defer web.Drain(resp)
	err := json.NewDecoder(resp.Body).Decode(into)
	var e *remote.Error
	if err == nil || errors.As(err, &e) { // the connection broke
		return err
	}
	return b.cfg.Fail(r.Op, r.Key, fmt.Errorf("the answer of %s is not Google's: %w", b.server, err))
}

// putSession sends a large file in a session. One that broke off for a reason
// that may pass is kept, so that the next call for the same content goes on
// where the server has got to. A session's URL lets anybody write who knows it;
// it is therefore not kept on disk.
func (b *bucket) putSession(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	id := ""
	if len(src.MD5) == md5.Size {
		id = fmt.Sprintf("%s %x %d", key, src.MD5, src.Size)
	}
	session, offset := b.take(id), int64(0)
	if session != "" {
		info, at, err := b.resume(ctx, key, session, src)
		switch {
		case err == nil && at < 0:
			return info, nil
		case err == nil:
			offset = at
		case errors.As(err, new(*remote.Error)) && !errors.Is(err, remote.ErrNotFound):
			if mayPass(ctx, err) {
				b.keep(id, session)
			}
			return remote.Info{}, err
		default: // it has expired
			session = ""
		}
	}
	if session == "" {
		var err error
		if session, err = b.begin(ctx, key, src); err != nil {
			return remote.Info{}, err
		}
	}
	r := web.Request{Op: "put", Key: key, Method: http.MethodPut, URL: session, Source: src, Offset: offset}
	if offset > 0 {
		r.Header = http.Header{"Content-Range": {"bytes " + quoted(offset) + "-" + quoted(src.Size-1) + "/" + quoted(src.Size)}}
	}
	resp, err := b.client.Do(ctx, r)
	if err == nil {
		info, err := b.stored(r, resp, src)
		if mayPass(ctx, err) {
			b.keep(id, session)
		}
		return info, err
	}
	if mayPass(ctx, err) {
		b.keep(id, session)
	} else if resp, err := b.client.Do(context.WithoutCancel(ctx), web.Request{Op: "put", Key: key, Method: http.MethodDelete, URL: session}); err == nil {
		web.Drain(resp)
	}
	return remote.Info{}, err
}

// mayPass reports whether a later call may succeed with the same session.
func mayPass(ctx context.Context, err error) bool {
	var e *remote.Error
	return err != nil && (ctx.Err() != nil || errors.As(err, &e) && e.Temporary)
}

// begin opens a session.
func (b *bucket) begin(ctx context.Context, key string, src remote.Source) (string, error) {
	r := web.Request{Op: "put", Key: key, Method: http.MethodPost,
		URL: b.at("/upload", "", url.Values{"uploadType": {"resumable"}, "fields": {fields}}),
		Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"},
			"X-Upload-Content-Type": {"application/octet-stream"}, "X-Upload-Content-Length": {quoted(src.Size)}},
		Source: remote.Bytes(b.describe(key, src))}
	resp, err := b.client.Do(ctx, r)
	if err != nil {
		return "", b.missing(ctx, err)
	}
	defer web.Drain(resp)
	session := resp.Header.Get("Location")
	if session == "" {
		return "", b.cfg.Fail("put", key, errors.New("the server opened no session to upload to"))
	}
	return session, nil
}

// resume asks how far a session has got. Less than 0 means that it is complete,
// and the object stored.
func (b *bucket) resume(ctx context.Context, key, session string, src remote.Source) (remote.Info, int64, error) {
	r := web.Request{Op: "put", Key: key, Method: http.MethodPut, URL: session,
		Header: http.Header{"Content-Range": {"bytes */" + quoted(src.Size)}, "Content-Length": {"0"}}}
	resp, err := b.client.Do(ctx, r)
	if err == nil {
		info, err := b.stored(r, resp, src)
		return info, -1, err
	}
	if resp == nil || resp.StatusCode != http.StatusPermanentRedirect {
		return remote.Info{}, 0, err
	}
	_, last, ok := strings.Cut(resp.Header.Get("Range"), "-")
	if !ok {
		return remote.Info{}, 0, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < 0 || n >= src.Size-1 {
		return remote.Info{}, 0, nil
	}
	return remote.Info{}, n + 1, nil
}

// take returns an unfinished session, "" if there is none. It is the caller's
// alone: two that send to one would each send a part of it.
func (b *bucket) take(id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	session := b.sessions[id]
	delete(b.sessions, id)
	return session
}

// keep remembers a session for the next call. Content that is not known has
// none: what is read then may be something else.
func (b *bucket) keep(id, session string) {
	if id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[id] = session
}
