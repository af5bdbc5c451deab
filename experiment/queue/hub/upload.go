package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// pieceSize is how much of a file one message carries at most.
const pieceSize = 4 << 20

type (
	uploadRequest struct {
		ID   string // chosen by the sender
		Off  int64
		Data []byte
	}
	readRequest struct {
		ID  string
		Off int64
	}
	piece struct {
		Data []byte
		Size int64 // of the whole
	}
)

// uploadFile is where the pieces of an upload are put together.
func (h *Hub) uploadFile(id string) (string, error) {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') }) {
		return "", errNoUpload
	}
	return filepath.Join(h.path, "tmp", id), nil
}

func (h *Hub) onUpload(_ context.Context, _ string, r uploadRequest) (none, error) {
	name, err := h.uploadFile(r.ID)
	if err != nil {
		return none{}, err
	}
	flags := os.O_WRONLY
	if r.Off == 0 {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return none{}, errNoUpload // the hub has started anew
	}
	if err != nil {
		return none{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return none{}, err
	}
	// A piece may come twice, but none may be left out.
	if fi.Size() < r.Off {
		return none{}, errNoUpload
	}
	if r.Off+int64(len(r.Data)) > h.opts.DataLimit {
		os.Remove(name)
		return none{}, fmt.Errorf("more than %d bytes in one file: the hub does not take that much; configure a DVC remote that hub and workers reach", h.opts.DataLimit)
	}
	_, err = f.WriteAt(r.Data, r.Off)
	return none{}, err
}

// upload sends a file in pieces and returns the name under which the hub has it.
func (c *Conn) upload(ctx context.Context, open func() (io.ReadCloser, error)) (string, error) {
	for try := 0; ; try++ {
		id, err := c.uploadOnce(ctx, open)
		if !errors.Is(err, errNoUpload) || try == 10 {
			return id, err
		}
	}
}

func (c *Conn) uploadOnce(ctx context.Context, open func() (io.ReadCloser, error)) (string, error) {
	src, err := open()
	if err != nil {
		return "", err
	}
	defer src.Close()
	id := rand.Text()
	buf := make([]byte, c.piece())
	for off := int64(0); ; {
		n, err := io.ReadFull(src, buf)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return "", err
		}
		if n > 0 || off == 0 {
			if _, err := call[none](ctx, c, opUpload, uploadRequest{id, off, buf[:n]}); err != nil {
				return "", err
			}
		}
		if off += int64(n); last {
			return id, nil
		}
	}
}

// readPiece reads a part of a file of the hub.
func readPiece(name string, off, most int64) (piece, error) {
	f, err := os.Open(name)
	if err != nil {
		return piece{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return piece{}, err
	}
	p := piece{Size: fi.Size()}
	if off < 0 || off >= p.Size {
		return p, nil
	}
	p.Data = make([]byte, min(most, p.Size-off))
	_, err = io.ReadFull(io.NewSectionReader(f, off, int64(len(p.Data))), p.Data)
	return p, err
}
