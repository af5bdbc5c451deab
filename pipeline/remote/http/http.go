// Package http is the driver for http:// and https:// remotes: plain web
// servers. It is imported for effect.
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/http"
//
// All of DVC's options for http are understood but auth = digest. A web server
// cannot tell what it holds, so that gc -c and the run cache need another kind.
// Objects are sent by POST unless the option method says PUT, as most servers
// want it.
package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/each"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

func init() {
	remote.Register("http", open)
	remote.Register("https", open)
}

// site is a path of a web server.
type site struct {
	client web.Client
	base   *url.URL
	method string // that stores
}

func open(ctx context.Context, c remote.Config) (remote.Remote, error) {
	base, err := url.Parse(web.Requote(c.URL))
	if err != nil {
		return nil, fmt.Errorf("remote '%s': %w", c.Name, err)
	}
	t, err := web.Seconds(&c, "connect_timeout", "read_timeout")
	if err != nil {
		return nil, err
	}
	tr := new(http.Transport)
	if err := web.Tune(tr, &c, t); err != nil {
		return nil, err
	}
	s := &site{base: base, method: http.MethodPost, client: web.Client{Config: &c, HTTP: &http.Client{Transport: tr}, Header: http.Header{}}}
	if m := c.Get("method"); m != "" {
		s.method = strings.ToUpper(m)
	}
	return s, s.authenticate(ctx, &c)
}

func (s *site) authenticate(ctx context.Context, c *remote.Config) error {
	user, password, err := web.Login(ctx, c, s.base)
	if err != nil {
		return err
	}
	s.client.Fix = fmt.Sprintf("dvc remote modify %s auth basic, then user USER and, with --local, password PASSWORD", c.Name)
	switch auth := strings.ToLower(c.Get("auth")); auth {
	case "basic", "":
		if user != "" && password != "" {
			s.client.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
			s.client.Tried = []string{"user '" + user + "' and the password"}
		}
	case "custom":
		name := c.Get("custom_auth_header")
		if name == "" || password == "" {
			return fmt.Errorf("remote '%s': auth = custom needs the options custom_auth_header and password", c.Name)
		}
		s.client.Header.Set(name, password)
		s.client.Tried = []string{"the password in the header " + name}
	default:
		return fmt.Errorf("remote '%s': auth = %s is not supported; use basic or custom", c.Name, auth)
	}
	if len(s.client.Tried) == 0 {
		s.client.Tried = []string{"no credentials"}
	}
	return nil
}

// at is the URL of a key. The remote's own stays as it was written.
func (s *site) at(key string) string {
	if s.client.Config.Escaped {
		key = web.Requote(key)
	} else {
		key = web.Escape(key)
	}
	u := *s.base
	u.RawPath = strings.TrimRight(u.EscapedPath(), "/") + "/" + key
	u.Path, _ = url.PathUnescape(u.RawPath)
	return u.String()
}

func (s *site) Stat(ctx context.Context, key string) (remote.Info, error) {
	resp, err := s.client.Do(ctx, web.Request{Op: "stat", Key: key, Method: http.MethodHead, URL: s.at(key)})
	if err != nil && resp != nil && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented) {
		// As DVC asks: a GET whose body nobody reads.
		resp, err = s.client.Do(ctx, web.Request{Op: "stat", Key: key, Method: http.MethodGet, URL: s.at(key)})
	}
	if resp != nil && strings.HasSuffix(resp.Request.URL.Path, "/") {
		// A redirect to a directory, and no object, whatever comes of it.
		e := s.client.Config.Fail("stat", key, errors.New("it is a directory"))
		e.Kind = remote.ErrNotFound
		err = e
	}
	if err != nil {
		if resp != nil {
			resp.Body.Close()
		}
		return remote.Info{}, err
	}
	resp.Body.Close()
	modified, _ := http.ParseTime(resp.Header.Get("Last-Modified"))
	return remote.Info{Key: key, Size: resp.ContentLength, ETag: etag(resp.Header), Modified: modified}, nil
}

// etag is what DVC records of an import by URL.
func etag(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" {
		return tag
	}
	return h.Get("Content-MD5")
}

func (s *site) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	resp, err := s.client.Do(ctx, web.Request{Op: "get", Key: key, Method: http.MethodGet, URL: s.at(key), Header: web.Range(offset, length)})
	if err != nil {
		return nil, err
	}
	return web.Part(resp, offset, length)
}

func (s *site) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	r := web.Request{Op: "put", Key: key, Method: s.method, URL: s.at(key), Source: src}
	if len(src.MD5) > 0 {
		r.Header = http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(src.MD5)}}
	}
	resp, err := s.client.Do(ctx, r)
	if err != nil {
		var e *remote.Error
		if errors.As(err, &e) && resp != nil && (resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented) {
			other := map[string]string{http.MethodPost: http.MethodPut}[s.method]
			if other == "" {
				other = http.MethodPost
			}
			e.Fix = fmt.Sprintf("the server takes no %s: dvc remote modify %s method %s", s.method, s.client.Config.Name, other)
		}
		return remote.Info{}, err
	}
	web.Drain(resp)
	return remote.Info{Key: key, Size: src.Size, ETag: etag(resp.Header)}, nil
}

func (s *site) Remove(ctx context.Context, keys ...string) error {
	return each.Key(ctx, s.client.Config.Concurrency(), keys, func(ctx context.Context, key string) error {
		resp, err := s.client.Do(ctx, web.Request{Op: "remove", Key: key, Method: http.MethodDelete, URL: s.at(key)})
		if errors.Is(err, remote.ErrNotFound) {
			return nil
		}
		if err == nil {
			web.Drain(resp)
		}
		return err
	})
}
