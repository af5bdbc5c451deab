package hub

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/lazyregexp"

	_ "github.com/reprodl/reprodl/pipeline/remote/http" // what the gateway is to the worker
)

const (
	opObject = "w.object"
	opKeep   = "w.keep"
)

type keepRequest struct{ Key, Upload string }

// objectKey is an object of the cache by its place there, as in a remote.
var objectKey = lazyregexp.New(`^files/md5/([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?$`)

// onObject gives a piece of an object of the cache.
func (h *Hub) onObject(_ context.Context, _ string, r readRequest) (piece, error) {
	name, err := h.objectFile(r.ID)
	if err != nil {
		return piece{}, err
	}
	p, err := readPiece(name, r.Off, int64(h.piece()))
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = unknownTask(r.ID)
	case err == nil && p.Size > h.opts.DataLimit:
		err = fmt.Errorf("%s has %d bytes, more than the hub sends; configure a DVC remote that hub and workers reach", r.ID, p.Size)
	}
	return p, err
}

func (h *Hub) objectFile(key string) (string, error) {
	if !h.data {
		return "", errors.New("data goes through the DVC remote")
	}
	if !objectKey.MatchString(key) {
		return "", unknownTask(key)
	}
	return filepath.Join(h.cache, filepath.FromSlash(key)), nil
}

// onKeep puts an upload into the cache, if it is what its name says.
func (h *Hub) onKeep(_ context.Context, _ string, r keepRequest) (none, error) {
	name, err := h.objectFile(r.Key)
	if err != nil {
		return none{}, err
	}
	from, err := h.uploadFile(r.Upload)
	if err != nil {
		return none{}, err
	}
	f, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return none{}, errNoUpload
	}
	if err != nil {
		return none{}, err
	}
	defer os.Remove(from)
	defer f.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, f); err != nil {
		return none{}, err
	}
	m := objectKey.FindStringSubmatch(r.Key)
	if hex.EncodeToString(sum.Sum(nil)) != m[1]+m[2] {
		return none{}, fmt.Errorf("what was sent as %s has other content", r.Key)
	}
	if _, err := os.Stat(name); err == nil {
		return none{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return none{}, err
	}
	if err := os.Chmod(from, 0o444); err != nil {
		return none{}, err
	}
	return none{}, os.Rename(from, name)
}

// gateway makes the hub's cache a DVC remote of this machine: a web server that
// only who knows its path can use.
type gateway struct {
	c    *Conn
	path string
	srv  *http.Server
	url  string
}

func (c *Conn) openGateway(ctx context.Context) (*gateway, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{c: c, path: "/" + rand.Text() + "/"}
	g.url = "http://" + l.Addr().String() + strings.TrimSuffix(g.path, "/")
	g.srv = &http.Server{Handler: g, BaseContext: func(net.Listener) context.Context { return ctx }}
	go g.srv.Serve(l)
	return g, nil
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, ok := strings.CutPrefix(r.URL.Path, g.path)
	if !ok || !objectKey.MatchString(key) {
		http.NotFound(w, r)
		return
	}
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		err = g.get(w, r, key)
	case http.MethodPut, http.MethodPost:
		err = g.put(r, key)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
	switch {
	case isNotFound(err):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
	}
}

func (g *gateway) get(w http.ResponseWriter, r *http.Request, key string) error {
	p, err := call[piece](r.Context(), g.c, opObject, readRequest{key, 0})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.FormatInt(p.Size, 10))
	if r.Method == http.MethodHead {
		return nil
	}
	for off := int64(0); ; {
		if _, err := w.Write(p.Data); err != nil {
			return nil // the reader went away
		}
		if off += int64(len(p.Data)); off >= p.Size {
			return nil
		}
		if p, err = call[piece](r.Context(), g.c, opObject, readRequest{key, off}); err != nil || len(p.Data) == 0 {
			panic(http.ErrAbortHandler) // the length is promised
		}
	}
}

func (g *gateway) put(r *http.Request, key string) error {
	// The body can be read once: an upload that the hub forgot is the client's
	// to repeat.
	id, err := g.c.uploadOnce(r.Context(), func() (io.ReadCloser, error) { return r.Body, nil })
	if err == nil {
		_, err = call[none](r.Context(), g.c, opKeep, keepRequest{key, id})
	}
	return err
}

func (g *gateway) Close() { g.srv.Close() }
