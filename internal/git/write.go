package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// newHash is the hash of the repository's object format.
func (r *Repo) newHash() hash.Hash {
	if r.hexLen == 64 {
		return sha256.New()
	}
	return sha1.New()
}

// decodeHex is an id as bytes, as trees have it.
func decodeHex(id ID) ([]byte, error) {
	raw, err := hex.DecodeString(string(id))
	if err != nil || (len(raw) != 20 && len(raw) != 32) {
		return nil, fmt.Errorf("%q is not an object name", string(id))
	}
	return raw, nil
}

// HashObject returns the name that an object would have.
func (r *Repo) HashObject(kind Kind, data []byte) ID {
	h := r.newHash()
	h.Write(header(kind, int64(len(data))))
	h.Write(data)
	return ID(hex.EncodeToString(h.Sum(nil)))
}

// header is what comes before the content of an object, in the hash and in its
// file: "KIND SIZE" and a NUL.
func header(kind Kind, size int64) []byte {
	b := append([]byte(kind), ' ')
	b = strconv.AppendInt(b, size, 10)
	return append(b, 0)
}

// HashReader is HashObject of a blob of the given size that is read from src.
func (r *Repo) HashReader(src io.Reader, size int64) (ID, error) {
	h := r.newHash()
	h.Write(header(Blob, size))
	n, err := io.Copy(h, src)
	if err == nil && n != size {
		err = fmt.Errorf("file changed while it was read: %d bytes of %d", n, size)
	}
	return ID(hex.EncodeToString(h.Sum(nil))), err
}

// deflaters spare the many small objects of a snapshot their compressors. The
// speed counts: a gc compresses anew.
var deflaters = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	return w
}}

// WriteObject stores a loose object. It is complete or absent whatever
// happens; one that exists is kept and its age renewed, as git does, so that
// a concurrent gc does not prune it.
func (r *Repo) WriteObject(kind Kind, data []byte) (ID, error) {
	id := r.HashObject(kind, data)
	name := r.loosePath(id)
	if freshen(name) {
		return id, nil
	}
	var buf bytes.Buffer
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(&buf)
	z.Write(header(kind, int64(len(data))))
	z.Write(data)
	if err := z.Close(); err != nil {
		return "", err
	}
	return id, r.placeLoose(name, buf.Bytes())
}

// loosePath is the file of a loose object: the first two digits name its
// directory.
func (r *Repo) loosePath(id ID) string {
	return filepath.Join(r.common, "objects", string(id[:2]), string(id[2:]))
}

// placeLoose writes a loose object, and its directory if that is missing. Git's
// objects are read-only.
func (r *Repo) placeLoose(name string, data []byte) error {
	opts := &atomicfile.Options{Perm: 0o444}
	err := atomicfile.WriteFile(name, data, opts)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		err = atomicfile.WriteFile(name, data, opts)
	}
	if err != nil && freshen(name) {
		return nil // another process stored the same bytes first
	}
	return err
}

// freshen gives an object the present time, and reports whether it is there: gc
// prunes what is unreachable and old.
func freshen(name string) bool {
	now := time.Now()
	return os.Chtimes(name, now, now) == nil
}

// WriteBlob stores size bytes of src as a blob, without holding them all in
// memory.
func (r *Repo) WriteBlob(src io.Reader, size int64) (ID, error) {
	// A small blob is hashed first, and not written if it is there.
	if size <= 1<<20 {
		data, err := io.ReadAll(io.LimitReader(src, size+1))
		if err != nil {
			return "", err
		}
		if int64(len(data)) != size {
			return "", fmt.Errorf("file changed while it was read")
		}
		return r.WriteObject(Blob, data)
	}
	// The name is known only at the end; the file waits beside the fan-out
	// directories meanwhile.
	f, err := atomicfile.Create(filepath.Join(r.common, "objects", "tmp_obj"), &atomicfile.Options{Perm: 0o444})
	if err != nil {
		return "", err
	}
	defer f.Cleanup()
	z, err := zlib.NewWriterLevel(f, zlib.BestSpeed)
	if err != nil {
		return "", err
	}
	h := r.newHash()
	w := io.MultiWriter(h, z)
	w.Write(header(Blob, size))
	n, err := io.Copy(w, src)
	if err == nil && n != size {
		err = fmt.Errorf("file changed while it was read: %d bytes of %d", n, size)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return "", err
	}
	id := ID(hex.EncodeToString(h.Sum(nil)))
	name := r.loosePath(id)
	if freshen(name) {
		return id, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return "", err
	}
	if err := f.Chmod(0o444); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return id, os.Rename(f.Name(), name)
}
