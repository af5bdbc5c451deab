package object

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/reprodl/reprodl/internal/ctxio"
)

// writer makes one object of a stream: hashed, and written to a file that becomes it.
type writer struct {
	r    *Receiver
	o    *objects
	add  hashFunc
	name string // of the part that a large stream becomes; empty: nothing is kept

	tmp     string // a file on the stage; empty: there is none
	part    *part  // nil: there is none
	resumed bool   // part of the bytes came earlier
	failed  bool   // to write
	sum     [16]byte
	size    int64
}

// take ends a writer whose bytes may have any hash.
func (w *writer) take(err error, size int64) (Meta, error) {
	if err == nil && size >= 0 && w.size != size {
		err = fmt.Errorf("%d bytes came of %d: %w", w.size, size, io.ErrUnexpectedEOF)
		w.name = "" // a part of that length is none of the source's
	}
	m := Meta{Hash: FileHash(w.sum), Size: w.size}
	return m, w.end(m.Hash, err)
}

// end makes an object of the file, or removes it if there was an error. A part stays if
// more of it may come.
func (w *writer) end(h Hash, err error) error {
	o := w.o
	switch {
	case w.part != nil && err == nil:
		err = w.part.commit(o, h)
	case w.part != nil && (w.failed || w.name == "" || errors.Is(err, ErrBadCopy)):
		w.part.drop()
	case w.part != nil:
		w.part.close()
	case w.tmp != "" && err == nil:
		err = o.commit(w.tmp, h.relPath())
	}
	if err != nil {
		if w.tmp != "" {
			o.stage.remove(w.tmp)
		}
		return err
	}
	if w.size >= longSum {
		if st, err := o.d.stat(h.relPath(), true); err == nil {
			o.c.fresh.Store(h, st.key)
		}
	}
	return nil
}

// resume is copy that goes on with a part, if there is one.
func (w *writer) resume(ctx context.Context, src io.ReadSeeker) error {
	if !w.o.hasPart(w.name) {
		return w.copy(ctx, src)
	}
	if w.part = w.o.openPart(w.name); w.part == nil {
		w.name = ""
		return w.copy(ctx, src)
	}
	buf := w.r.bufs.Get().(*[]byte)
	err := w.part.check(ctx, *buf, w.add)
	w.r.bufs.Put(buf)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		if err := w.part.clear(); err != nil {
			return err
		}
	}
	if w.part.size > 0 {
		at, err := src.Seek(w.part.size, io.SeekStart)
		if err != nil {
			return err
		}
		if at != w.part.size {
			if err := w.part.clear(); err != nil {
				return err
			}
		}
	}
	w.resumed, w.size = w.part.size > 0, w.part.size
	return w.copy(ctx, src)
}

// copy hashes a stream and writes it: what is longer than a chunk side by side, so that
// the digest costs no time.
func (w *writer) copy(ctx context.Context, src io.Reader) error {
	buf := w.r.bufs.Get().(*[]byte)
	defer w.r.bufs.Put(buf)
	in := ctxio.Reader(ctx, src)
	n, err := fill(in, *buf)
	chunk := (*buf)[:n]
	if err != nil && w.part == nil { // nothing more will come, as is so of nearly all objects
		if err == io.EOF {
			err = nil
		}
		f, cerr := w.create(false)
		if cerr != nil {
			return cerr
		}
		w.sum = sumSmall(chunk, w.add)
		return errors.Join(w.put(f, chunk), err, f.Close())
	}
	f, cerr := w.create(true)
	if cerr != nil {
		return cerr
	}
	second := w.r.bufs.Get().(*[]byte)
	defer w.r.bufs.Put(second)
	sums := newSummer(w.add, 2)
	if w.part != nil {
		sums.sum, sums.added = w.part.sum, w.part.note
	}
	sums.free <- *second
	for len(chunk) > 0 {
		// A chunk is written before its sum is noted.
		if perr := w.put(f, chunk); perr != nil {
			err = perr
			break
		}
		sums.full <- chunk
		if err != nil {
			break
		}
		chunk = <-sums.free
		n, err = fill(in, chunk)
		chunk = chunk[:n]
	}
	w.sum = sums.end()
	if err == io.EOF {
		err = nil
	}
	if w.part == nil {
		err = errors.Join(err, f.Close())
	}
	return err
}

// create makes the file for the stream, a part if it is large and has a name.
func (w *writer) create(large bool) (io.WriteCloser, error) {
	if large && w.part == nil && w.name != "" {
		if w.part = w.o.openPart(w.name); w.part != nil {
			if err := w.part.clear(); err != nil {
				return nil, err
			}
		}
	}
	if w.part != nil {
		return w.part.f, nil
	}
	f, tmp, err := w.o.create()
	if err == nil {
		w.tmp = tmp
	}
	return f, err
}

func (w *writer) put(f io.Writer, chunk []byte) error {
	w.size += int64(len(chunk))
	if _, err := f.Write(chunk); err != nil {
		w.failed = true
		if w.part != nil {
			return err
		}
		return w.o.stage.fail("write", w.tmp, err)
	}
	return nil
}

// fill reads whole chunks, as legacy hashes are of them; but unlike io.ReadFull it
// tells a stream that was cut from one that ends.
func fill(r io.Reader, chunk []byte) (n int, err error) {
	for n < len(chunk) && err == nil {
		var k int
		k, err = r.Read(chunk[n:])
		n += k
	}
	return n, err
}
