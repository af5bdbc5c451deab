package object

import (
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrManifest is what every error about the content of a manifest wraps.
var ErrManifest = errors.New("invalid directory manifest")

// An Entry is one file of a directory: its path below the directory, with
// slashes, and the hash of its content.
type Entry struct {
	Path string
	Hash Hash
}

// SortEntries puts entries into manifest order, which compares whole paths
// byte by byte: "sub-x" < "sub/x" < "sub0".
func SortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

// AppendManifest appends the manifest of a directory, exactly as DVC writes it
// (Python's json.dumps with sorted keys, ASCII only). The entries must be in
// the order of [SortEntries]. A path that is not valid UTF-8 has no
// representation and is an error. An entry without a hash, which no stored manifest
// has, is written without md5.
func AppendManifest(dst []byte, entries []Entry) ([]byte, error) {
	dst = append(dst, '[')
	for i, e := range entries {
		if !utf8.ValidString(e.Path) {
			return nil, fmt.Errorf("file name %q is not valid UTF-8: %w", e.Path, ErrManifest)
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, '{')
		if !e.Hash.IsZero() {
			dst = append(dst, `"md5": "`...)
			dst = e.Hash.Append(dst)
			dst = append(dst, `", `...)
		}
		dst = append(dst, `"relpath": `...)
		dst = appendASCII(dst, e.Path)
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

// HashManifest returns the bytes of a directory's manifest and the hash of the
// directory. It sorts entries.
func HashManifest(entries []Entry) ([]byte, Hash, error) {
	SortEntries(entries)
	data, err := AppendManifest(make([]byte, 0, 2+96*len(entries)), entries)
	if err != nil {
		return nil, Hash{}, err
	}
	return data, DirHash(md5.Sum(data)), nil
}

// ParseManifest reads a manifest. Every path must stay below the directory
// ("..", absolute paths and empty elements are refused) and may occur once;
// no path may be a parent of another.
func ParseManifest(data []byte) ([]Entry, error) {
	if entries, ok := parsePlain(string(data)); ok {
		return entries, checkTree(entries)
	}
	return parseJSON(data)
}

// parsePlain reads what AppendManifest writes when no path needs an escape,
// which is nearly always, at a tenth of the cost. It gives up on anything else.
func parsePlain(s string) ([]Entry, bool) {
	const head, middle = `{"md5": "`, `", "relpath": "`
	const fixed = len(head) + 32 + len(middle)
	s, ok := strings.CutPrefix(s, "[")
	if !ok || s == "]" {
		return nil, ok
	}
	entries := make([]Entry, 0, len(s)/80+1)
	for {
		if len(s) < fixed || s[:len(head)] != head || s[len(head)+32:fixed] != middle {
			return nil, false
		}
		e := Entry{Hash: Hash{kind: kindSet}}
		if !e.Hash.decode(s[len(head) : len(head)+32]) {
			return nil, false
		}
		s = s[fixed:]
		end := strings.IndexByte(s, '"')
		if end < 0 {
			return nil, false
		}
		e.Path = s[:end]
		// Whatever may need an escape, a sort or a refusal goes the long way.
		if !plainASCII(e.Path) || !localPath(e.Path) || len(entries) > 0 && e.Path <= entries[len(entries)-1].Path {
			return nil, false
		}
		entries = append(entries, e)
		if s = s[end+1:]; s == "}]" {
			return entries, true
		}
		if s, ok = strings.CutPrefix(s, "}, "); !ok {
			return nil, false
		}
	}
}

// plainASCII reports whether a JSON string stands for itself.
func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e || s[i] == '\\' {
			return false
		}
	}
	return true
}

// parseJSON reads any JSON that a manifest may be, also those of other programs and
// older versions, in any order.
func parseJSON(data []byte) ([]Entry, error) {
	var raw []struct {
		MD5     string `json:"md5"`
		Relpath string `json:"relpath"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrManifest, err)
	}
	if len(raw) == 0 {
		return nil, nil
	}
	entries := make([]Entry, len(raw))
	for i, r := range raw {
		h, err := ParseHash(r.MD5)
		if err != nil || h.IsZero() || h.IsDir() {
			return nil, fmt.Errorf("%w: entry %q: md5 %q", ErrManifest, r.Relpath, r.MD5)
		}
		if !localPath(r.Relpath) {
			return nil, fmt.Errorf("%w: path %q leaves the directory", ErrManifest, r.Relpath)
		}
		entries[i] = Entry{r.Relpath, h}
	}
	if !slices.IsSortedFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) }) {
		SortEntries(entries)
	}
	return entries, checkTree(entries)
}

// checkTree finds a path that occurs twice or is both a file and a directory.
// The entries are sorted.
// No directory can hold both, so the manifest is refused as a whole.
func checkTree(entries []Entry) error {
	// In sorted order a file and a directory of one name need not be neighbours ("a",
	// "a-b", "a/b"), hence the map.
	files := make(map[string]struct{}, len(entries))
	for i, e := range entries {
		if i > 0 && entries[i-1].Path == e.Path {
			return fmt.Errorf("%w: path %q occurs twice", ErrManifest, e.Path)
		}
		files[e.Path] = struct{}{}
	}
	last := ""
	for _, e := range entries {
		cut := strings.LastIndexByte(e.Path, '/')
		if cut < 0 || e.Path[:cut] == last {
			continue
		}
		// Neighbours mostly lie in one directory, which is looked up once.
		last = e.Path[:cut]
		for dir := last; ; {
			if _, clash := files[dir]; clash {
				return fmt.Errorf("%w: path %q is a file and a directory", ErrManifest, dir)
			}
			cut := strings.LastIndexByte(dir, '/')
			if cut < 0 {
				break
			}
			dir = dir[:cut]
		}
	}
	return nil
}

// localPath reports whether a manifest's path names a file strictly below the
// directory on every operating system.
// A manifest comes from anywhere, by a remote: its paths must not lead out.
func localPath(path string) bool {
	if path == "" || strings.ContainsRune(path, 0) {
		return false
	}
	for elem := range strings.SplitSeq(path, "/") {
		if elem == "" || elem == "." || elem == ".." {
			return false
		}
	}
	return localOS(path)
}

const hexDigits = "0123456789abcdef"

// appendASCII quotes s as Python's json.dumps does by default.
func appendASCII(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r >= 0x20 && r < 0x7f:
			dst = append(dst, byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\b':
			dst = append(dst, `\b`...)
		case r == '\f':
			dst = append(dst, `\f`...)
		case r >= 0x10000:
			// Python escapes what is past the first plane as a pair of surrogates.
			r -= 0x10000
			dst = appendUnit(dst, 0xd800+r>>10)
			dst = appendUnit(dst, 0xdc00+r&0x3ff)
		default:
			dst = appendUnit(dst, r)
		}
	}
	return append(dst, '"')
}

// appendUnit appends \uXXXX, in lower case.
func appendUnit(dst []byte, u rune) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}
