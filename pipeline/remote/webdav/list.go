package webdav

import (
	"context"
	"encoding/xml"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// List asks collection by collection: many servers refuse an infinite depth.
func (s *share) List(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		s.list(ctx, strings.TrimSuffix(prefix, "/"), yield)
	}
}

func (s *share) list(ctx context.Context, dir string, yield func(remote.Info, error) bool) bool {
	entries, err := s.propfind(ctx, "list", strings.TrimPrefix(dir+"/", "/"), "1")
	if errors.Is(err, remote.ErrNotFound) {
		return true
	}
	if err != nil {
		return yield(remote.Info{}, err)
	}
	for _, e := range entries {
		key := path.Join(dir, e.name)
		switch {
		case e.self || strings.HasPrefix(e.name, tempPrefix):
		case e.dir:
			if !s.list(ctx, key, yield) {
				return false
			}
		case !yield(remote.Info{Key: key, Size: e.size, ETag: e.etag, Modified: e.modified}, nil):
			return false
		}
	}
	return true
}

// entry is what a server tells about a file or collection.
type entry struct {
	name     string // the last element of its path
	self     bool   // what was asked about
	dir      bool
	size     int64
	etag     string
	modified time.Time
}

const properties = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>`

// multistatus is the answer of RFC 4918, as far as it is needed.
type multistatus struct {
	Responses []struct {
		Href     string `xml:"DAV: href"`
		PropStat []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				Length string `xml:"DAV: getcontentlength"`
				ETag   string `xml:"DAV: getetag"`
				Date   string `xml:"DAV: getlastmodified"`
				Type   struct {
					Collection *struct{} `xml:"DAV: collection"`
				} `xml:"DAV: resourcetype"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

func (s *share) propfind(ctx context.Context, op, key, depth string) ([]entry, error) {
	resp, err := s.client.Do(ctx, web.Request{Op: op, Key: key, Method: "PROPFIND", URL: s.at(key), Source: remote.Bytes([]byte(properties)),
		Header: http.Header{"Depth": {depth}, "Content-Type": {"application/xml"}}})
	if err != nil {
		return nil, err
	}
	defer web.Drain(resp)
	var answer multistatus
	if err := xml.NewDecoder(resp.Body).Decode(&answer); err != nil {
		var e *remote.Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, s.client.Config.Fail(op, key, errors.New("the server does not speak WebDAV: "+err.Error()))
	}
	asked, err := url.Parse(s.at(key))
	if err != nil {
		return nil, err
	}
	var list []entry
	for _, r := range answer.Responses {
		at, err := url.Parse(r.Href)
		if err != nil {
			continue
		}
		e := entry{name: path.Base(at.Path), size: -1, self: strings.Trim(at.Path, "/") == strings.Trim(asked.Path, "/")}
		for _, p := range r.PropStat {
			e.dir = e.dir || p.Prop.Type.Collection != nil
			if n, err := strconv.ParseInt(p.Prop.Length, 10, 64); err == nil {
				e.size = n
			}
			if when, err := http.ParseTime(p.Prop.Date); err == nil {
				e.modified = when
			}
			if p.Prop.ETag != "" {
				e.etag = strings.Trim(p.Prop.ETag, `"`)
			}
		}
		list = append(list, e)
	}
	return list, nil
}
