// Package webdav is the driver for webdav:// and webdavs:// remotes. It is
// imported for effect.
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/webdav"
//
// All of DVC's options for webdav are understood. Objects are put under a
// temporary name and moved to their own.
package webdav

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/each"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

func init() {
	remote.Register("webdav", open)
	remote.Register("webdavs", open)
}

// tempPrefix begins the names of files that are not whole yet. No listing shows
// them.
const tempPrefix = ".reprodl-tmp-"

// share is a collection of a WebDAV server.
type share struct {
	client web.Client
	base   *url.URL
	dirs   sync.Map   // collections that exist
	making sync.Mutex // held while collections are made
}

var _ remote.Lister = (*share)(nil)

func open(ctx context.Context, c remote.Config) (remote.Remote, error) {
	base, err := url.Parse("http" + strings.TrimPrefix(c.URL, c.URL[:len("webdav")]))
	if err != nil {
		return nil, fmt.Errorf("remote '%s': %w", c.Name, err)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	t := web.Timeouts{Connect: 10 * time.Second}
	if t.Read, err = c.Seconds("timeout", time.Minute); err != nil {
		return nil, err
	}
	tr := new(http.Transport)
	if err := web.Tune(tr, &c, t); err != nil {
		return nil, err
	}
	if cert := c.Path("cert_path"); cert != "" {
		key := c.Path("key_path")
		if key == "" {
			key = cert
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("remote '%s': cert_path: %w", c.Name, err)
		}
		tr.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	s := &share{base: base, client: web.Client{Config: &c, HTTP: &http.Client{Transport: tr}, Header: http.Header{}}}
	return s, s.authenticate(ctx, &c)
}

func (s *share) authenticate(ctx context.Context, c *remote.Config) error {
	user, password, err := web.Login(ctx, c, s.base)
	if err != nil {
		return err
	}
	token := c.Get("token")
	if command := c.Get("bearer_token_command"); command != "" && token == "" {
		if token, err = run(ctx, command); err != nil {
			return fmt.Errorf("remote '%s': bearer_token_command: %w", c.Name, err)
		}
	}
	s.client.Fix = fmt.Sprintf("dvc remote modify %s user USER and, with --local, password PASSWORD, or token TOKEN", c.Name)
	switch name := c.Get("custom_auth_header"); {
	case name != "" && password != "":
		s.client.Header.Set(name, password)
		s.client.Tried = []string{"the password in the header " + name}
	case token != "":
		s.client.Header.Set("Authorization", "Bearer "+token)
		s.client.Tried = []string{"the token"}
	case user != "":
		s.client.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
		s.client.Tried = []string{"user '" + user + "' and the password"}
	default:
		s.client.Tried = []string{"no credentials"}
	}
	return nil
}

// run is what a command prints.
func run(ctx context.Context, command string) (string, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd", "/c", command)
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (s *share) at(key string) string {
	u := *s.base
	u.Path, u.RawPath = u.Path+"/"+key, ""
	return u.String()
}

func (s *share) Stat(ctx context.Context, key string) (remote.Info, error) {
	entries, err := s.propfind(ctx, "stat", key, "0")
	if err != nil {
		return remote.Info{}, err
	}
	for _, e := range entries {
		if !e.dir {
			return remote.Info{Key: key, Size: e.size, ETag: e.etag, Modified: e.modified}, nil
		}
	}
	e := s.client.Config.Fail("stat", key, nil)
	e.Kind = remote.ErrNotFound
	return remote.Info{}, e
}

func (s *share) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	resp, err := s.client.Do(ctx, web.Request{Op: "get", Key: key, Method: http.MethodGet, URL: s.at(key), Header: web.Range(offset, length)})
	if err != nil {
		return nil, err
	}
	return web.Part(resp, offset, length)
}

func (s *share) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	tmp := path.Join(path.Dir(key), tempPrefix+strconv.FormatUint(rand.Uint64(), 36))
	if err := s.mkdirAll(ctx, path.Dir(key)); err != nil {
		return remote.Info{}, err
	}
	err := s.call(ctx, web.Request{Op: "put", Key: key, Method: http.MethodPut, URL: s.at(tmp), Source: src})
	if err == nil {
		err = s.call(ctx, web.Request{Op: "put", Key: key, Method: "MOVE", URL: s.at(tmp),
			Header: http.Header{"Destination": {s.at(key)}, "Overwrite": {"T"}}})
	}
	if err != nil {
		if !isTemporary(err) {
			s.dirs.Clear() // perhaps somebody removed one
		}
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		s.call(clean, web.Request{Op: "remove", Key: key, Method: http.MethodDelete, URL: s.at(tmp)})
		return remote.Info{}, err
	}
	return remote.Info{Key: key, Size: src.Size}, nil
}

// call is a request whose answer has nothing in it.
func (s *share) call(ctx context.Context, r web.Request) error {
	resp, err := s.do(ctx, r)
	if err == nil {
		web.Drain(resp)
	}
	return err
}

// do waits while a name is locked: servers lock it, and some the collection it is
// in, for as long as another's request changes it. What an overloaded server has
// refused it asks twice more: to store one object takes several requests, and if
// each third is refused hardly any try of all of them comes to its end.
func (s *share) do(ctx context.Context, r web.Request) (resp *http.Response, err error) {
	brief := remote.RetryOptions{Tries: 7, Wait: 10 * time.Millisecond}
	refused := 0
	retry := remote.Retry(ctx, &brief, func() error {
		resp, err = s.client.Do(ctx, r)
		var e *remote.Error
		if resp == nil || !errors.As(err, &e) {
			return nil // as it is
		}
		switch resp.StatusCode {
		case http.StatusLocked:
			e.Temporary = true
			return e
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			if refused++; refused <= 2 {
				return e
			}
		}
		return nil
	})
	if retry != nil && err == nil {
		err = retry
	}
	return resp, err
}

// mkdirAll makes a collection and those above it, down from the first that
// exists. Only the share itself must be there, or its parents.
func (s *share) mkdirAll(ctx context.Context, dir string) error {
	if _, known := s.dirs.Load(dir); known {
		return nil
	}
	s.making.Lock()
	defer s.making.Unlock()
	return s.mkdir(ctx, dir)
}

// mkdir is mkdirAll for who holds making.
func (s *share) mkdir(ctx context.Context, dir string) error {
	if _, known := s.dirs.Load(dir); known {
		return nil
	}
	resp, err := s.mkcol(ctx, dir, s.at(strings.TrimPrefix(dir+"/", "./")))
	switch {
	case err == nil:
	case resp == nil || isTemporary(err):
		return err
	case resp.StatusCode == http.StatusMethodNotAllowed: // it is there
	case resp.StatusCode == http.StatusConflict || resp.StatusCode == http.StatusNotFound:
		if dir == "." {
			return s.mkRoot(ctx)
		}
		if err := s.mkdir(ctx, path.Dir(dir)); err != nil {
			return err
		}
		if _, err := s.mkcol(ctx, dir, s.at(dir+"/")); err != nil && !s.isDir(ctx, dir) {
			return err
		}
	default:
		if !s.isDir(ctx, dir) { // some refuse what exists in another way
			return err
		}
	}
	s.dirs.Store(dir, true)
	return nil
}

// mkcol makes one collection.
func (s *share) mkcol(ctx context.Context, dir, url string) (*http.Response, error) {
	resp, err := s.do(ctx, web.Request{Op: "put", Key: dir, Method: "MKCOL", URL: url})
	if err == nil {
		web.Drain(resp)
	}
	return resp, err
}

func isTemporary(err error) bool {
	var e *remote.Error
	return errors.As(err, &e) && e.Temporary
}

// mkRoot makes the collection of the remote's URL.
func (s *share) mkRoot(ctx context.Context) error {
	u := *s.base
	at := ""
	var last error
	for elem := range strings.SplitSeq(strings.Trim(s.base.Path, "/"), "/") {
		at += "/" + elem
		u.Path = at + "/"
		_, last = s.mkcol(ctx, "", u.String())
	}
	if last != nil && !s.isDir(ctx, "") {
		return last
	}
	s.dirs.Store(".", true)
	return nil
}

func (s *share) isDir(ctx context.Context, dir string) bool {
	entries, err := s.propfind(ctx, "stat", strings.TrimPrefix(dir+"/", "./"), "0")
	return err == nil && len(entries) > 0 && entries[0].dir
}

func (s *share) Remove(ctx context.Context, keys ...string) error {
	return each.Key(ctx, s.client.Config.Concurrency(), keys, func(ctx context.Context, key string) error {
		err := s.call(ctx, web.Request{Op: "remove", Key: key, Method: http.MethodDelete, URL: s.at(key)})
		if errors.Is(err, remote.ErrNotFound) {
			return nil
		}
		return err
	})
}
