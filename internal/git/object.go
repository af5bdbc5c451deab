package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// ID names an object: 40 lower-case hex digits, or 64 in a sha256 repository.
// The zero value names nothing.
type ID string

// IsZero reports whether id is empty or all zeros, git's word for "no object".
func (id ID) IsZero() bool { return strings.Trim(string(id), "0") == "" }

// Short returns the first seven digits.
func (id ID) Short() string { return string(id[:min(7, len(id))]) }

// ParseID checks that s is a whole object name.
func ParseID(s string) (ID, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", fmt.Errorf("%q is not an object name", s)
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("%q is not an object name", s)
		}
	}
	return ID(s), nil
}

// Kind is the type of an object.
type Kind string

// The kinds of objects.
const (
	Blob      Kind = "blob"
	TreeKind  Kind = "tree"
	CommitObj Kind = "commit"
	Tag       Kind = "tag"
)

// MaxObject is the size above which Object refuses to read an object into
// memory: a hostile repository must not exhaust it. Copy has no such limit.
const MaxObject = 512 << 20

// ErrTooLarge says that an object exceeds [MaxObject].
var ErrTooLarge = errors.New("the git object is too large to read into memory")

// Object returns the kind and content of an object. The content is shared with
// nobody.
func (r *Repo) Object(ctx context.Context, id ID) (Kind, []byte, error) {
	var buf bytes.Buffer
	kind, err := r.read(ctx, id, func(kind Kind, size int64, src io.Reader) error {
		if size > MaxObject {
			return fmt.Errorf("object %s: %w (%d bytes)", id, ErrTooLarge, size)
		}
		buf.Grow(int(size))
		_, err := io.CopyN(&buf, src, size)
		return err
	})
	return kind, buf.Bytes(), err
}

// Copy writes the content of an object to w and returns its kind.
func (r *Repo) Copy(ctx context.Context, w io.Writer, id ID) (Kind, error) {
	return r.read(ctx, id, func(_ Kind, size int64, src io.Reader) error {
		_, err := io.CopyN(w, src, size)
		return err
	})
}

// Size returns the kind and size of an object without its content.
func (r *Repo) Size(ctx context.Context, id ID) (Kind, int64, error) {
	var n int64
	kind, err := r.read(ctx, id, func(_ Kind, size int64, _ io.Reader) error {
		n = size
		return nil
	})
	return kind, n, err
}

// A visit gets an object's kind, its size in bytes and a reader of its content,
// which is valid only during the call. It need not read everything.
type visit func(kind Kind, size int64, src io.Reader) error

// read calls fn with the object: a loose one is opened here, any other comes
// from the helper process.
func (r *Repo) read(ctx context.Context, id ID, fn visit) (Kind, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if len(id) != r.hexLen {
		return "", fmt.Errorf("object %q: %w", string(id), ErrNotFound)
	}
	f, err := r.openLoose(id)
	if errors.Is(err, fs.ErrNotExist) {
		return r.batch.read(ctx, id, fn)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	kind, err := readLoose(f, fn)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		err = fmt.Errorf("object %s: %w", id, err)
	}
	return kind, err
}

// openLoose opens the file of a loose object, here or in a directory borrowed
// from. fs.ErrNotExist says that it is packed or missing.
func (r *Repo) openLoose(id ID) (*os.File, error) {
	name := filepath.Join(string(id[:2]), string(id[2:]))
	f, err := os.Open(filepath.Join(r.common, "objects", name))
	for i := 0; err != nil && i < len(r.alternates); i++ {
		f, err = os.Open(filepath.Join(r.alternates[i], name))
	}
	return f, err
}

// inflater is a zlib reader between two buffers; z is nil until its first use,
// because zlib reads a header when it is made.
type inflater struct {
	z   io.ReadCloser
	src *bufio.Reader
	out *bufio.Reader
}

// inflaters spares an exp show of hundreds of objects their 40 KB windows.
var inflaters = sync.Pool{New: func() any {
	return &inflater{src: bufio.NewReaderSize(nil, 4096), out: bufio.NewReaderSize(nil, 4096)}
}}

// readLoose calls fn with a loose object: "KIND SIZE", a NUL and the content,
// all compressed.
func readLoose(f io.Reader, fn visit) (Kind, error) {
	in := inflaters.Get().(*inflater)
	defer inflaters.Put(in)
	in.src.Reset(f)
	var err error
	if in.z == nil {
		in.z, err = zlib.NewReader(in.src)
	} else {
		err = in.z.(zlib.Resetter).Reset(in.src, nil)
	}
	if err != nil {
		// A reader that failed to reset is not used again.
		in.z = nil
		return "", err
	}
	in.out.Reset(in.z)
	head, err := in.out.ReadString(0)
	if err != nil {
		return "", fmt.Errorf("corrupt loose object: %w", err)
	}
	kind, digits, ok := strings.Cut(head[:len(head)-1], " ")
	size, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || size < 0 {
		return "", fmt.Errorf("corrupt loose object header %q", head)
	}
	return Kind(kind), fn(Kind(kind), size, in.out)
}
