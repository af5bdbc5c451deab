package azure

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// fake is a server of Azure's blobs, as far as the driver goes. It believes every
// signature.
type fake struct {
	*httptest.Server
	versioned bool
	before    atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // may answer instead

	mu     sync.Mutex
	next   int64
	blobs  map[string][]*stored // by name, oldest first
	blocks map[string]map[string][]byte
}

type stored struct {
	id      int64
	data    []byte
	md5     string
	current bool
	folder  bool
}

func newFake(t *testing.T) *fake {
	f := &fake{blobs: map[string][]*stored{}, blocks: map[string]map[string][]byte{}}
	f.Server = httptest.NewServer(f)
	f.Config.ErrorLog = nil
	t.Cleanup(f.Close)
	return f
}

func (f *fake) intercept(do func(http.ResponseWriter, *http.Request) bool) { f.before.Store(&do) }

// theKey is what the emulators of Azure take for a key.
var theKey = base64.StdEncoding.EncodeToString([]byte("the key of the account"))

func (f *fake) connection() string {
	return "DefaultEndpointsProtocol=http;AccountName=account;AccountKey=" + theKey + ";BlobEndpoint=" + f.URL + "/account;"
}

func (f *fake) config(more ...string) remote.Config {
	c := remote.Config{Name: "r", URL: "azure://box/pre/fix", Options: map[string]string{"connection_string": f.connection()}}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i]] = more[i+1]
	}
	return c
}

func reply(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("x-ms-error-code", code)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s\nRequestId:1\nTime:2</Message></Error>", code, message)
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if before := f.before.Load(); before != nil && (*before)(w, r) {
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/account/box")
	if !ok {
		reply(w, r, 404, "ContainerNotFound", "The specified container does not exist.")
		return
	}
	name = strings.TrimPrefix(name, "/")
	body, err := io.ReadAll(r.Body)
	if err != nil || r.ContentLength > 0 && int64(len(body)) != r.ContentLength {
		return // the client is gone
	}
	if want := r.Header.Get("Content-MD5"); want != "" {
		if sum := md5.Sum(body); want != base64.StdEncoding.EncodeToString(sum[:]) {
			reply(w, r, 400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.")
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	query := r.URL.Query()
	switch {
	case query.Get("comp") == "list":
		f.list(w, r)
	case query.Get("comp") == "block":
		if f.blocks[name] == nil {
			f.blocks[name] = map[string][]byte{}
		}
		f.blocks[name][query.Get("blockid")] = body
		sum := crc64.Checksum(body, polynomial)
		w.Header().Set("x-ms-content-crc64", base64.StdEncoding.EncodeToString(binary.LittleEndian.AppendUint64(nil, sum)))
		w.WriteHeader(http.StatusCreated)
	case query.Get("comp") == "blocklist" && r.Method == http.MethodGet:
		fmt.Fprint(w, "<BlockList><UncommittedBlocks>")
		for id, data := range f.blocks[name] {
			fmt.Fprintf(w, "<Block><Name>%s</Name><Size>%d</Size></Block>", id, len(data))
		}
		fmt.Fprint(w, "</UncommittedBlocks></BlockList>")
	case query.Get("comp") == "blocklist":
		f.commit(w, r, name, body)
	case r.Method == http.MethodPut:
		f.store(w, r, name, body)
	default:
		f.blob(w, r, name)
	}
}

func (f *fake) commit(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	var list struct{ Latest []string }
	xml.Unmarshal(body, &list)
	var data []byte
	for _, id := range list.Latest {
		block, ok := f.blocks[name][id]
		if !ok {
			reply(w, r, 400, "InvalidBlockList", "The specified block list is invalid.")
			return
		}
		data = append(data, block...)
	}
	delete(f.blocks, name)
	f.store(w, r, name, data)
}

func (f *fake) store(w http.ResponseWriter, r *http.Request, name string, data []byte) {
	f.next++
	o := &stored{id: f.next, data: data, md5: r.Header.Get("X-Ms-Blob-Content-Md5"), current: true}
	f.end(name)
	f.blobs[name] = append(f.blobs[name], o)
	o.head(w, f.versioned)
	w.WriteHeader(http.StatusCreated)
}

// end makes the current version an old one, or nothing.
func (f *fake) end(name string) {
	for _, o := range f.blobs[name] {
		o.current = false
	}
	if !f.versioned {
		delete(f.blobs, name)
	}
}

func (o *stored) head(w http.ResponseWriter, versioned bool) {
	w.Header().Set("Content-MD5", o.md5)
	w.Header().Set("ETag", fmt.Sprintf(`"0x%X"`, o.id))
	if versioned {
		w.Header().Set("x-ms-version-id", strconv.FormatInt(o.id, 10))
	}
	if o.folder {
		w.Header().Set("x-ms-meta-hdi_isfolder", "true")
	}
}

func (f *fake) blob(w http.ResponseWriter, r *http.Request, name string) {
	version := r.URL.Query().Get("versionid")
	i := slices.IndexFunc(f.blobs[name], func(o *stored) bool {
		return version == "" && o.current || version == strconv.FormatInt(o.id, 10)
	})
	if i < 0 {
		reply(w, r, 404, "BlobNotFound", "The specified blob does not exist.")
		return
	}
	if r.Method == http.MethodDelete {
		f.end(name)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	o := f.blobs[name][i]
	o.head(w, f.versioned)
	if want := r.Header.Get("X-Ms-Range"); want != "" {
		r.Header.Set("Range", want)
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(o.data)))
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	const page = 7
	query := r.URL.Query()
	versions := strings.Contains(query.Get("include"), "versions")
	type properties struct {
		Length       int    `xml:"Content-Length"`
		ETag         string `xml:"Etag"`
		ResourceType string `xml:",omitempty"`
	}
	type item struct {
		Name             string
		VersionID        string `xml:"VersionId,omitempty"`
		IsCurrentVersion string `xml:",omitempty"`
		Properties       properties
	}
	var all []item
	for name, list := range f.blobs {
		for _, o := range list {
			if !strings.HasPrefix(name, query.Get("prefix")) || !o.current && !versions {
				continue
			}
			it := item{Name: name, Properties: properties{Length: len(o.data), ETag: fmt.Sprintf("0x%X", o.id)}}
			if o.folder {
				it.Properties.ResourceType = "directory"
			}
			if f.versioned {
				it.VersionID = strconv.FormatInt(o.id, 10)
				if o.current {
					it.IsCurrentVersion = "true"
				}
			}
			all = append(all, it)
		}
	}
	slices.SortStableFunc(all, func(a, b item) int { return strings.Compare(a.Name, b.Name) })
	from, _ := strconv.Atoi(query.Get("marker"))
	answer := struct {
		XMLName    xml.Name `xml:"EnumerationResults"`
		Blobs      []item   `xml:"Blobs>Blob"`
		NextMarker string
	}{}
	if from < len(all) {
		answer.Blobs = all[from:min(len(all), from+page)]
	}
	if from+page < len(all) {
		answer.NextMarker = strconv.Itoa(from + page)
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(answer)
}
