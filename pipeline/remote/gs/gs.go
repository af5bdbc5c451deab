// Package gs is the driver for gs:// remotes: buckets of Google Cloud Storage
// and of the servers that imitate it. It is imported for effect.
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/gs"
//
// All of DVC's options for gs are understood. Credentials come from
// credentialpath or else from wherever Google's own tools find them:
// GOOGLE_APPLICATION_CREDENTIALS, gcloud's file, the metadata server. Without
// any, requests are made without credentials, as public buckets allow.
// STORAGE_EMULATOR_HOST names another server, and then no credentials are sought.
//
// It speaks the JSON API by itself: Google's client compiles 28 MB for the six
// requests that are made here.
package gs

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/each"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

func init() { remote.Register("gs", open) }

// bucket is a prefix in a bucket.
type bucket struct {
	cfg    remote.Config
	client web.Client
	server string // without a slash at its end
	name   string
	prefix string // without slashes at its ends; may be empty
	large  int64  // bytes from which on an upload can be resumed

	mu       sync.Mutex
	sessions map[string]string // of unfinished uploads, by key and content

	checked sync.Once // that the bucket exists
	absent  error
}

var _ remote.VersionKeeper = (*bucket)(nil)

// object is what the server tells of one.
type object struct {
	Name        string
	Size        int64 `json:",string"`
	ETag        string
	Generation  string
	TimeDeleted string // empty: it is the live one
}

// fields names the parts of an object that are asked for.
const fields = "name,size,etag,generation,timeDeleted"

// info tells the same to callers. The tag is in base64, of which DVC records the
// bytes in hexadecimal.
func (o *object) info(key string) remote.Info {
	tag := o.ETag
	if raw, err := base64.StdEncoding.DecodeString(tag); err == nil {
		tag = hex.EncodeToString(raw)
	}
	return remote.Info{Key: key, Size: o.Size, ETag: tag, Version: o.Generation}
}

// at is the URL of an object, "" being the list of all.
func (b *bucket) at(api, key string, query url.Values) string {
	text := b.server + api + "/storage/v1/b/" + url.PathEscape(b.name) + "/o"
	if key != "" {
		text += "/" + url.PathEscape(remote.JoinKey(b.prefix, key))
	}
	if len(query) > 0 {
		text += "?" + query.Encode()
	}
	return text
}

// generation is the query for a version of an object; "" is the live one.
func generation(version string, more ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(more); i += 2 {
		query.Set(more[i], more[i+1])
	}
	if version != "" {
		query.Set("generation", version)
	}
	return query
}

func (b *bucket) Stat(ctx context.Context, key string) (remote.Info, error) {
	return b.StatVersion(ctx, key, "")
}

// StatVersion is Stat for one version; "" is the live one.
func (b *bucket) StatVersion(ctx context.Context, key, version string) (remote.Info, error) {
	var o object
	err := b.get(ctx, web.Request{Op: "stat", Key: key, URL: b.at("", key, generation(version, "fields", fields))}, &o)
	if err != nil {
		return remote.Info{}, err
	}
	return o.info(key), nil
}

func (b *bucket) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return b.OpenVersion(ctx, key, "", offset, length)
}

// OpenVersion reads length bytes from offset on; a negative length is all that
// follows. An empty range cannot be written in HTTP, so 0 asks nothing.
func (b *bucket) OpenVersion(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	if length == 0 {
		return http.NoBody, nil
	}
	header := web.Range(offset, length)
	if header == nil {
		header = http.Header{}
	}
	// Objects stored with Content-Encoding: gzip are unpacked by the server for
	// whoever doesn't say this, and are then neither of their size nor of their MD5.
	header.Set("Accept-Encoding", "gzip")
	resp, err := b.client.Do(ctx, web.Request{Op: "get", Key: key, Method: http.MethodGet,
		URL: b.at("", key, generation(version, "alt", "media")), Header: header})
	if err != nil {
		return nil, b.missing(ctx, err)
	}
	return web.Part(resp, offset, length)
}

// Remove deletes with as many requests at a time as there are jobs. Google's
// batches hold 100 of them, but each counts as one and they are worked off one
// by one.
func (b *bucket) Remove(ctx context.Context, keys ...string) error {
	return each.Key(ctx, b.cfg.Concurrency(), keys, func(ctx context.Context, key string) error {
		resp, err := b.client.Do(ctx, web.Request{Op: "remove", Key: key, Method: http.MethodDelete, URL: b.at("", key, nil)})
		if err == nil {
			web.Drain(resp)
		} else if err = b.missing(ctx, err); errors.Is(err, remote.ErrNotFound) {
			return nil
		}
		return err
	})
}

// KeepsVersions reads the setting of the bucket. Who may write objects need not have
// the right to do so.
func (b *bucket) KeepsVersions(ctx context.Context) (bool, error) {
	var settings struct{ Versioning struct{ Enabled bool } }
	err := b.get(ctx, web.Request{Op: "connect", URL: b.server + "/storage/v1/b/" + url.PathEscape(b.name) + "?fields=versioning"}, &settings)
	if err != nil {
		return true, ctx.Err()
	}
	return settings.Versioning.Enabled, nil
}

// get decodes the answer to a request for JSON.
func (b *bucket) get(ctx context.Context, r web.Request, into any) error {
	r.Method = http.MethodGet
	resp, err := b.client.Do(ctx, r)
	if err != nil {
		return b.missing(ctx, err)
	}
	return b.decode(r, resp, into)
}

// missing tells a missing bucket from a missing object, where the server's words
// don't. It asks once.
func (b *bucket) missing(ctx context.Context, err error) error {
	if !errors.Is(err, remote.ErrNotFound) {
		return err
	}
	b.checked.Do(func() {
		probe := b.server + "/storage/v1/b/" + url.PathEscape(b.name) + "/o?maxResults=1&fields=" + url.QueryEscape("items(name)")
		resp, err := b.client.Do(ctx, web.Request{Op: "connect", Method: http.MethodGet, URL: probe})
		if err == nil {
			web.Drain(resp)
		} else if errors.Is(err, remote.ErrNotFound) || errors.Is(err, remote.ErrUnreachable) {
			b.absent = b.noBucket("connect", "")
		}
	})
	if b.absent != nil {
		return b.absent
	}
	return err
}

func quoted(n int64) string { return strconv.FormatInt(n, 10) }
