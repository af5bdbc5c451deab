package remote

import (
	"bytes"
	"io"
	"os"
)

// Source is what Put stores: bytes of known size that can be read more than
// once, and from several places at a time.
type Source struct {
	Size int64 // bytes
	// MD5 is the digest of the bytes, 16 of them; nil = not known. Remotes that
	// can have it checked by the server.
	MD5 []byte
	// Open reads from an offset to the end. It may be called again, for a part
	// or another try, also while earlier readers are still open.
	Open func(offset int64) (io.ReadCloser, error)
}

// Bytes is a Source in memory.
func Bytes(data []byte) Source {
	return Source{Size: int64(len(data)), Open: func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}}
}

// File is a Source that is a file, of the size it has now.
func File(path string) (Source, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Source{}, err
	}
	return Source{Size: fi.Size(), Open: func(offset int64) (io.ReadCloser, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}}, nil
}

// Exact opens the source for a driver's Put: length bytes from offset on, where
// fewer are an error that wraps io.ErrUnexpectedEOF, and so is, at the end of
// the source, a byte more. What it reads is thus what Size promised, or fails.
func (s Source) Exact(offset, length int64) (io.ReadCloser, error) {
	r, err := s.Open(offset)
	if err != nil {
		return nil, &sourceError{err}
	}
	return &exactReader{src: r, left: length, last: offset+length == s.Size}, nil
}

// exactReader holds back the end of the source until it is known to be right.
type exactReader struct {
	src  io.ReadCloser
	left int64
	last bool // nothing may follow
	err  error
}

func (r *exactReader) Read(p []byte) (int, error) {
	if len(p) == 0 || r.err != nil {
		return 0, r.err
	}
	if r.left == 0 {
		r.err = r.end()
		return 0, r.err
	}
	n, err := r.src.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	switch {
	case err == io.EOF && r.left > 0:
		r.err = &sourceError{io.ErrUnexpectedEOF}
	case err != nil && err != io.EOF:
		r.err = &sourceError{err}
	case r.left == 0:
		// An HTTP client stops here, without asking for EOF. If the source is
		// wrong the last bytes are kept back, so that no server has it all.
		if r.err = r.end(); r.err == io.EOF {
			return n, nil
		}
		return 0, r.err
	}
	return n, r.err
}

// end reads past the last byte: also a reader that verifies as it goes, as the
// cache's does, reports its verdict there.
func (r *exactReader) end() error {
	if !r.last {
		return io.EOF
	}
	var one [1]byte
	switch n, err := io.ReadFull(r.src, one[:]); {
	case n > 0:
		return &sourceError{errLonger}
	case err != io.EOF:
		return &sourceError{err}
	}
	return io.EOF
}

func (r *exactReader) Close() error { return r.src.Close() }
