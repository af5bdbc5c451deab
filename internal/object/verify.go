package object

import (
	"crypto/md5"
	"fmt"
	"hash"
	"io"
)

// Checker tells whether bytes that pass by, all of them and in order, are those
// of a hash.
type Checker struct {
	h     Hash
	sum   hash.Hash
	chunk []byte // legacy hashes need whole chunks
}

// NewChecker begins with the first byte.
func NewChecker(h Hash) *Checker { return &Checker{h: h, sum: md5.New()} }

// Write takes the next bytes; it never fails.
func (c *Checker) Write(p []byte) (int, error) {
	n := len(p)
	if !c.h.IsLegacy() || c.h.IsDir() {
		c.sum.Write(p)
		return n, nil
	}
	for len(p) > 0 {
		k := min(len(p), chunkSize-len(c.chunk))
		c.chunk = append(c.chunk, p[:k]...)
		if p = p[k:]; len(c.chunk) == chunkSize {
			c.flush()
		}
	}
	return n, nil
}

// flush hashes what is left of a legacy file.
func (c *Checker) flush() {
	if len(c.chunk) > 0 {
		textSum(c.sum, c.chunk)
		c.chunk = c.chunk[:0]
	}
}

// Check is the verdict after the last byte: ErrBadCopy if they are others.
func (c *Checker) Check() error {
	c.flush()
	if [16]byte(c.sum.Sum(nil)) != c.h.sum {
		return fmt.Errorf("%w: %s", ErrBadCopy, c.h)
	}
	return nil
}

// SumReader is the hash of all bytes of r, and their number.
func SumReader(r io.Reader) (Hash, int64, error) {
	sum := md5.New()
	n, err := io.Copy(sum, r)
	return FileHash([16]byte(sum.Sum(nil))), n, err
}

// Again is a Checker of the same hash, at the first byte.
func (c *Checker) Again() *Checker { return NewChecker(c.h) }
