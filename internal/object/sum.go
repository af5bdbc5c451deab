package object

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path/filepath"
	"syscall"
)

// ErrChanged says that a file did not hold still while it was hashed.
var ErrChanged = errors.New("file changed while it was being hashed")

const (
	chunkSize = 1 << 20 // also the unit of DVC 2's text detection
	sampleLen = 512     // what DVC 2 looks at to tell text from binary
	attempts  = 3       // readings of a file that keeps changing
)

// hashFunc adds one chunk of chunkSize bytes (the last one may be shorter) to a hash.
type hashFunc func(h hash.Hash, chunk []byte)

// plainSum is DVC 3's way: the bytes as they are.
func plainSum(h hash.Hash, chunk []byte) { h.Write(chunk) }

// noSum is for bytes whose sum is known.
func noSum(hash.Hash, []byte) {}

// textSum is DVC 2's way: a chunk that looks like text loses the CR of its CR LFs.
func textSum(h hash.Hash, chunk []byte) {
	if isText(chunk) {
		chunk = bytes.ReplaceAll(chunk, []byte("\r\n"), []byte("\n"))
	}
	h.Write(chunk)
}

// isText is the test of section 1.1: no NUL and at most 30 % unusual bytes in
// the first 512.
func isText(chunk []byte) bool {
	sample := chunk[:min(len(chunk), sampleLen)]
	unusual := 0
	for _, b := range sample {
		switch {
		case b == 0:
			return false
		case b >= 0x20 && b < 0x7f, b == '\n', b == '\r', b == '\t', b == '\f', b == '\b':
		default:
			unusual++
		}
	}
	return 10*unusual <= 3*len(sample)
}

// readChunk fills buf unless the file ends before.
func readChunk(f file, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		k, err := f.Read(buf[n:])
		if err != nil {
			return n, err
		}
		if k == 0 {
			break
		}
		n += k
	}
	return n, nil
}

// sumFile hashes the open file, which is to have the given key before and after.
// Without the second look at the key a file that grows would get a sum that no
// state of it ever had.
func sumFile(ctx context.Context, f file, buf []byte, key *statKey, add hashFunc) ([16]byte, error) {
	var sum [16]byte
	h := md5.New()
	for total := int64(0); ; {
		n, err := readChunk(f, buf)
		if err != nil {
			return sum, err
		}
		if n > 0 {
			add(h, buf[:n])
		}
		total += int64(n)
		// At the expected size one more read would only find the end; a file that has grown
		// has another key.
		if n < len(buf) || total == key.size {
			break
		}
		if err := ctx.Err(); err != nil {
			return sum, err
		}
	}
	h.Sum(sum[:0])
	after, err := f.stat()
	if err != nil {
		return sum, err
	}
	if after.key != *key {
		return sum, ErrChanged
	}
	return sum, nil
}

// sumSmall hashes what readSmall returned.
func sumSmall(data []byte, add hashFunc) (sum [16]byte) {
	h := md5.New()
	add(h, data)
	h.Sum(sum[:0])
	return sum
}

// stable runs read, which gets the state of the file before, until the file held still meanwhile.
// Each try opens the file anew: its name may mean another file by then.
func stable(d *dir, name string, st *stat, read func(f file) error) error {
	for try := 1; ; try++ {
		err := openAnd(d, name, read)
		if !errors.Is(err, ErrChanged) {
			return err
		}
		if try == attempts {
			return fmt.Errorf("%s: %w", filepath.Join(d.path, name), ErrChanged)
		}
		if *st, err = d.stat(name, true); err != nil {
			return err
		}
		if !st.isRegular() {
			return errIrregular(d, name)
		}
	}
}

// openAnd opens a file for read. System calls on a bare descriptor give errors
// without a path, which is put in here.
func openAnd(d *dir, name string, read func(f file) error) error {
	f, err := d.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	err = read(f)
	if _, bare := err.(syscall.Errno); bare {
		return &fs.PathError{Op: "read", Path: filepath.Join(d.path, name), Err: err}
	}
	return err
}

// errIrregular is about pipes, sockets and devices: to read them might never end.
func errIrregular(d *dir, name string) error {
	return &fs.PathError{Op: "hash", Path: filepath.Join(d.path, name), Err: errors.New("a pipe, socket or device cannot be tracked: remove it, or name it in .dvcignore")}
}
