package gs

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fake is a server of Google's JSON API, as far as the driver goes.
type fake struct {
	*httptest.Server
	versioned bool
	before    atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // may answer instead

	mu       sync.Mutex
	next     int64
	objects  map[string][]*stored // by name, oldest first
	sessions map[string]*upload
}

type stored struct {
	generation int64
	data       []byte
	deleted    bool
}

type upload struct {
	meta metadata
	data []byte
	size int
}

const theBucket = "bucket"

func newFake(t *testing.T) *fake {
	f := &fake{objects: map[string][]*stored{}, sessions: map[string]*upload{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) intercept(do func(http.ResponseWriter, *http.Request) bool) { f.before.Store(&do) }

func reply(w http.ResponseWriter, status int, message, reason string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%d,"message":%q,"errors":[{"message":%q,"domain":"global","reason":%q}]}}`, status, message, message, reason)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if before := f.before.Load(); before != nil && (*before)(w, r) {
		return
	}
	path := r.URL.EscapedPath()
	if id, ok := strings.CutPrefix(path, "/session/"); ok {
		f.session(w, r, id)
		return
	}
	if path == "/storage/v1/b/"+theBucket {
		fmt.Fprintf(w, `{"versioning":{"enabled":%v}}`, f.versioned)
		return
	}
	upload := strings.HasPrefix(path, "/upload/")
	rest, ok := strings.CutPrefix(strings.TrimPrefix(path, "/upload"), "/storage/v1/b/"+theBucket+"/o")
	if !ok {
		reply(w, 404, "The specified bucket does not exist.", "notFound")
		return
	}
	name, _ := url.PathUnescape(strings.TrimPrefix(rest, "/"))
	switch {
	case upload && r.URL.Query().Get("uploadType") == "multipart":
		f.multipart(w, r)
	case upload:
		f.begin(w, r)
	case name == "":
		f.list(w, r)
	default:
		f.object(w, r, name)
	}
}

func (f *fake) multipart(w http.ResponseWriter, r *http.Request) {
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		return // the client is gone
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var m metadata
	part, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(part).Decode(&m)
	}
	if err == nil {
		part, err = parts.NextRawPart()
	}
	if err != nil {
		reply(w, 400, err.Error(), "invalid")
		return
	}
	data, err := io.ReadAll(part)
	if err != nil {
		reply(w, 400, err.Error(), "invalid")
		return
	}
	f.store(w, m, data)
}

func (f *fake) begin(w http.ResponseWriter, r *http.Request) {
	up := new(upload)
	json.NewDecoder(r.Body).Decode(&up.meta)
	up.size, _ = strconv.Atoi(r.Header.Get("X-Upload-Content-Length"))
	f.mu.Lock()
	f.next++
	id := strconv.FormatInt(f.next, 10)
	f.sessions[id] = up
	f.mu.Unlock()
	w.Header().Set("Location", f.URL+"/session/"+id)
}

func (f *fake) session(w http.ResponseWriter, r *http.Request, id string) {
	f.mu.Lock()
	up := f.sessions[id]
	f.mu.Unlock()
	if up == nil {
		reply(w, 410, "the session has ended", "gone")
		return
	}
	if r.Method == http.MethodDelete {
		f.mu.Lock()
		delete(f.sessions, id)
		f.mu.Unlock()
		w.WriteHeader(499)
		return
	}
	asked := strings.HasPrefix(r.Header.Get("Content-Range"), "bytes */")
	if !asked {
		from := 0
		fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-", &from)
		data, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		if from != len(up.data) {
			f.mu.Unlock()
			reply(w, 503, "the session is elsewhere", "backendError")
			return
		}
		up.data = append(up.data, data...)
		f.mu.Unlock()
	}
	if len(up.data) < up.size || asked {
		if len(up.data) > 0 {
			w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(up.data)-1))
		}
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	f.store(w, up.meta, up.data)
	f.mu.Lock()
	delete(f.sessions, id)
	f.mu.Unlock()
}

func (f *fake) store(w http.ResponseWriter, m metadata, data []byte) {
	sum := md5.Sum(data)
	if m.MD5 != "" && m.MD5 != base64.StdEncoding.EncodeToString(sum[:]) {
		reply(w, 400, "Provided MD5 hash doesn't match calculated MD5 hash", "invalid")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	o := &stored{generation: f.next, data: data}
	f.end(m.Name)
	f.objects[m.Name] = append(f.objects[m.Name], o)
	json.NewEncoder(w).Encode(o.describe(m.Name))
}

// end makes the live generation an old one, or nothing.
func (f *fake) end(name string) bool {
	list := f.objects[name]
	if len(list) == 0 || list[len(list)-1].deleted {
		return false
	}
	if list[len(list)-1].deleted = true; !f.versioned {
		delete(f.objects, name)
	}
	return true
}

func (o *stored) describe(name string) map[string]string {
	m := map[string]string{"name": name, "size": strconv.Itoa(len(o.data)), "generation": strconv.FormatInt(o.generation, 10),
		"etag": base64.StdEncoding.EncodeToString(binaryTag(o.generation))}
	if o.deleted {
		m["timeDeleted"] = "2026-01-01T00:00:00Z"
	}
	return m
}

func binaryTag(n int64) []byte { return []byte{8, byte(n), byte(n >> 8), 16, 1} }

func (f *fake) object(w http.ResponseWriter, r *http.Request, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var o *stored
	want := r.URL.Query().Get("generation")
	for _, s := range f.objects[name] {
		if want == "" && !s.deleted || want == strconv.FormatInt(s.generation, 10) {
			o = s
		}
	}
	switch {
	case o == nil:
		reply(w, 404, "No such object: "+theBucket+"/"+name, "notFound")
	case r.Method == http.MethodDelete:
		f.end(name)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Get("alt") == "media":
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.data))
	default:
		json.NewEncoder(w).Encode(o.describe(name))
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	const page = 7
	query := r.URL.Query()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []map[string]string
	for name, list := range f.objects {
		for _, o := range list {
			if strings.HasPrefix(name, query.Get("prefix")) && (!o.deleted || query.Get("versions") == "true") {
				all = append(all, o.describe(name))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b map[string]string) int { return strings.Compare(a["name"], b["name"]) })
	from, _ := strconv.Atoi(query.Get("pageToken"))
	answer := map[string]any{"kind": "storage#objects"}
	if from+page < len(all) {
		answer["nextPageToken"] = strconv.Itoa(from + page)
	}
	if from < len(all) {
		answer["items"] = all[from:min(len(all), from+page)]
	}
	json.NewEncoder(w).Encode(answer)
}
