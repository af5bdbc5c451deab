package git

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// IndexEntry is a tracked path and what git knew of its file when it last
// looked.
type IndexEntry struct {
	Path  string // slash-separated, relative to the top of the working tree
	Mode  Mode
	ID    ID
	Stage int // 0; 1–3 for the sides of a merge conflict

	SkipWorktree bool // outside of a sparse checkout: no file is expected
	IntentToAdd  bool // `git add -N`: tracked, but with no content yet
	AssumeValid  bool

	Size           uint32 // modulo 2³²
	MtimeS, MtimeN uint32
	CtimeS, CtimeN uint32
}

// Index is the content of an index file, sorted by path.
type Index struct {
	Entries []IndexEntry

	mtime         time.Time // of the file: entries not older are "racily clean"
	hasAttributes bool      // a .gitattributes is tracked somewhere
}

// indexStamp tells whether the index file is still the one that was read.
type indexStamp struct {
	mtime time.Time
	size  int64
}

// Index returns the index of this working tree. It is read from the file, or
// by git where it is split or sparse. A repository without one has an empty
// index. The result is shared; the caller must not change it.
func (r *Repo) Index(ctx context.Context) (*Index, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := filepath.Join(r.gitDir, "index")
	fi, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &Index{}, nil
	}
	if err != nil {
		return nil, err
	}
	stamp := indexStamp{fi.ModTime(), fi.Size()}
	// A file written within the last second may be written again with the same
	// time and size.
	if r.index != nil && r.stamp == stamp && time.Since(stamp.mtime) > time.Second {
		return r.index, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	ix, err := ParseIndex(data, r.hexLen)
	if errors.Is(err, errIndexLayout) {
		ix, err = r.listFiles(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ix.mtime = stamp.mtime
	for _, e := range ix.Entries {
		if path.Base(e.Path) == ".gitattributes" {
			ix.hasAttributes = true
		}
	}
	r.index, r.stamp = ix, stamp
	return ix, nil
}

// errIndexLayout asks for git's help with a split or sparse index.
var errIndexLayout = errors.New("index layout not read here")

// ParseIndex decodes versions 2 to 4 of git's index format
// (gitformat-index(5)), for ids of hexLen digits. Extensions are skipped, but
// for those that change what the entries mean: they are an error.
func ParseIndex(data []byte, hexLen int) (*Index, error) {
	// raw is the length of an id, and of the checksum that ends the file, in
	// bytes.
	raw := hexLen / 2
	if len(data) < 12+raw || string(data[:4]) != "DIRC" {
		return nil, errors.New("not an index file")
	}
	version := binary.BigEndian.Uint32(data[4:])
	count := binary.BigEndian.Uint32(data[8:])
	if version < 2 || version > 4 {
		return nil, fmt.Errorf("index version %d is not known", version)
	}
	body := data[12 : len(data)-raw]
	// Before memory is set aside for them: a hostile count must not exhaust it.
	if uint64(count) > uint64(len(body))/uint64(40+raw+2) {
		return nil, errors.New("corrupt index: more entries than fit")
	}
	ix := &Index{Entries: make([]IndexEntry, 0, count)}
	rest, prev := body, ""
	for range count {
		e, n, err := parseIndexEntry(rest, raw, version, prev)
		if err != nil {
			return nil, fmt.Errorf("corrupt index after %q: %w", prev, err)
		}
		// A sparse index has whole directories as entries.
		if e.Mode == ModeTree {
			return nil, errIndexLayout
		}
		ix.Entries = append(ix.Entries, e)
		rest, prev = rest[n:], e.Path
	}
	for len(rest) >= 8 {
		sig, size := string(rest[:4]), binary.BigEndian.Uint32(rest[4:])
		if uint64(size) > uint64(len(rest)-8) {
			return nil, errors.New("corrupt index: extension too long")
		}
		if sig == "link" || sig == "sdir" {
			return nil, errIndexLayout
		}
		rest = rest[8+size:]
	}
	return ix, nil
}

// parseIndexEntry reads one entry and returns its length with the padding: ten
// words of stat data (40 bytes), the id, two bytes of flags, two more if they
// say so, and the name. prev is the name before, of which version 4 keeps a
// prefix.
func parseIndexEntry(b []byte, raw int, version uint32, prev string) (e IndexEntry, n int, err error) {
	fixed := 40 + raw + 2
	if len(b) < fixed {
		return e, 0, errors.New("truncated")
	}
	be := binary.BigEndian
	e.CtimeS, e.CtimeN = be.Uint32(b[0:]), be.Uint32(b[4:])
	e.MtimeS, e.MtimeN = be.Uint32(b[8:]), be.Uint32(b[12:])
	e.Mode = Mode(be.Uint32(b[24:]))
	e.Size = be.Uint32(b[36:])
	e.ID = ID(hex.EncodeToString(b[40 : 40+raw]))
	flags := be.Uint16(b[40+raw:])
	e.AssumeValid = flags&0x8000 != 0
	e.Stage = int(flags>>12) & 3
	n = fixed
	if flags&0x4000 != 0 {
		if version < 3 || len(b) < n+2 {
			return e, 0, errors.New("unexpected extended flags")
		}
		ext := be.Uint16(b[n:])
		e.SkipWorktree, e.IntentToAdd = ext&0x4000 != 0, ext&0x2000 != 0
		n += 2
	}
	if version == 4 {
		strip, w := varint(b[n:])
		if w == 0 || strip > uint64(len(prev)) {
			return e, 0, errors.New("bad name prefix")
		}
		n += w
		end := bytes.IndexByte(b[n:], 0)
		if end < 0 {
			return e, 0, errors.New("unterminated name")
		}
		e.Path = prev[:len(prev)-int(strip)] + string(b[n:n+end])
		return e, n + end + 1, nil
	}
	end := bytes.IndexByte(b[n:], 0)
	if end < 0 {
		return e, 0, errors.New("unterminated name")
	}
	e.Path = string(b[n : n+end])
	// Up to version 3 an entry is padded to a multiple of eight bytes.
	n = (n + end + 8) &^ 7 // 1 to 8 NULs
	if n > len(b) {
		return e, 0, errors.New("truncated")
	}
	return e, n, nil
}

// varint decodes the offset encoding of pack files: each continuation adds one.
func varint(b []byte) (v uint64, n int) {
	for i, c := range b {
		if i > 8 {
			return 0, 0
		}
		v = v<<7 | uint64(c&0x7f)
		if c&0x80 == 0 {
			return v, i + 1
		}
		v++
	}
	return 0, 0
}

// listFiles reads an index of any layout through git, without file stamps:
// every file then counts as possibly changed.
func (r *Repo) listFiles(ctx context.Context) (*Index, error) {
	out, err := r.Run(ctx, "ls-files", "--stage", "-t", "-z")
	if err != nil {
		return nil, err
	}
	ix := &Index{}
	// Each is "TAG MODE ID STAGE", a tab and the name; the tag S means
	// skip-worktree.
	for rec := range strings.SplitSeq(string(out), "\x00") {
		head, name, ok := strings.Cut(rec, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 4 {
			continue
		}
		mode, err := strconv.ParseUint(f[1], 8, 32)
		if err != nil {
			return nil, err
		}
		ix.Entries = append(ix.Entries, IndexEntry{Path: name, Mode: Mode(mode), ID: ID(f[2]),
			Stage: int(f[3][0] - '0'), SkipWorktree: f[0] == "S"})
	}
	return ix, nil
}

// Find returns the entry of a path, if it is tracked.
func (ix *Index) Find(name string) (IndexEntry, bool) {
	i, ok := slices.BinarySearchFunc(ix.Entries, name, func(e IndexEntry, s string) int { return strings.Compare(e.Path, s) })
	if !ok {
		return IndexEntry{}, false
	}
	return ix.Entries[i], true
}

// Below returns the entries of the directory name; "." is everything.
func (ix *Index) Below(name string) []IndexEntry {
	if name == "." || name == "" {
		return ix.Entries
	}
	cmp := func(e IndexEntry, s string) int { return strings.Compare(e.Path, s) }
	lo, _ := slices.BinarySearchFunc(ix.Entries, name+"/", cmp)
	hi, _ := slices.BinarySearchFunc(ix.Entries, name+"0", cmp) // '0' follows '/'
	return ix.Entries[lo:hi]
}

// Tracked reports whether git tracks the file at name, or any file below the
// directory name. A relative name is taken from the top of the working tree;
// either separator will do.
func (r *Repo) Tracked(name string) (bool, error) {
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(r.root, name)
		if err != nil {
			return false, err
		}
		name = rel
	}
	name = filepath.ToSlash(filepath.Clean(name))
	if r.root == "" || name == ".." || strings.HasPrefix(name, "../") {
		return false, nil
	}
	ix, err := r.Index(context.Background())
	if err != nil {
		return false, err
	}
	_, ok := ix.Find(name)
	return ok || len(ix.Below(name)) > 0, nil
}
