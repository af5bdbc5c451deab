package object

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ErrHash is what the error of [ParseHash] wraps.
var ErrHash = errors.New("not an MD5 hash (32 hexadecimal digits, optionally followed by .dir)")

// Hash names the content of a file or of a directory. It is comparable with ==
// and serves as a map key; the zero value means "unknown".
//
// A legacy hash is one that DVC 2 recorded (an entry without "hash: md5"): text
// files were hashed with CR LF replaced by LF, and the object lies in the old
// place of the cache. It never equals a present-day hash of the same digits.
type Hash struct {
	sum  [16]byte
	kind uint8
}

const (
	// Without kindSet an all-zero MD5 would be the unknown hash.
	kindSet = 1 << iota
	kindDir
	kindLegacy
)

const dirSuffix = ".dir"

// FileHash returns the hash with the given MD5 sum, of a file.
func FileHash(sum [16]byte) Hash { return Hash{sum, kindSet} }

// DirHash returns the hash of the directory whose manifest has the given MD5 sum.
func DirHash(sum [16]byte) Hash { return Hash{sum, kindSet | kindDir} }

// ParseHash reads the text form. Upper-case digits are accepted, as DVC does;
// the empty string is the zero Hash.
func ParseHash(s string) (Hash, error) {
	if s == "" {
		return Hash{}, nil
	}
	h := Hash{kind: kindSet}
	digits, isDir := strings.CutSuffix(s, dirSuffix)
	if isDir {
		h.kind |= kindDir
	}
	if !h.decode(digits) {
		return Hash{}, fmt.Errorf("%q: %w", s, ErrHash)
	}
	return h, nil
}

// decode reads 32 hexadecimal digits.
// It leaves part of h.sum written when it fails; the caller drops h then.
func (h *Hash) decode(digits string) bool {
	if len(digits) != 2*len(h.sum) {
		return false
	}
	for i := range h.sum {
		// Values are below 16 or exactly 16, so that one test is enough for both.
		hi, lo := nibble[digits[2*i]], nibble[digits[2*i+1]]
		if hi|lo >= 16 {
			return false
		}
		h.sum[i] = hi<<4 | lo
	}
	return true
}

// nibble is the value of a hexadecimal digit, 16 of any other byte.
var nibble = func() (t [256]byte) {
	for i := range t {
		t[i] = 16
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = byte(10 + i)
	}
	return t
}()

// String returns 32 lower-case digits, followed by ".dir" for a directory.
// The zero Hash is the empty string.
func (h Hash) String() string { return string(h.Append(nil)) }

// Append appends what String returns.
func (h Hash) Append(dst []byte) []byte {
	if h.IsZero() {
		return dst
	}
	dst = hex.AppendEncode(dst, h.sum[:])
	if h.IsDir() {
		dst = append(dst, dirSuffix...)
	}
	return dst
}

// IsZero reports whether nothing is known.
func (h Hash) IsZero() bool { return h.kind == 0 }

// IsDir reports whether h names the manifest of a directory.
func (h Hash) IsDir() bool { return h.kind&kindDir != 0 }

// IsLegacy reports whether h was recorded by DVC 2.
func (h Hash) IsLegacy() bool { return h.kind&kindLegacy != 0 }

// Legacy returns the DVC 2 hash with the same digits. The zero Hash stays zero.
func (h Hash) Legacy() Hash {
	if !h.IsZero() {
		h.kind |= kindLegacy
	}
	return h
}

// Modern returns the DVC 3 hash with the same digits.
func (h Hash) Modern() Hash {
	h.kind &^= kindLegacy
	return h
}

// MarshalText implements [encoding.TextMarshaler].
func (h Hash) MarshalText() ([]byte, error) { return h.Append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseHash].
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err == nil {
		*h = parsed
	}
	return err
}
