package object

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Meta is what is recorded of a path next to its hash.
type Meta struct {
	Hash  Hash
	Size  int64 // bytes; of a directory, the sum over its files
	Files int   // number of files of a directory, else 0
	Exec  bool  // a file with any execute bit set
}

// HasherOptions: nil means none of them.
type HasherOptions struct {
	// Memo is the file that remembers hashes between processes; empty = none.
	Memo string
	// Root makes the paths in the memo relative, so that a project can move.
	Root string
	// Ignore leaves files and directories out of trees; path is absolute.
	// nil = nothing is left out.
	Ignore func(path string, isDir bool) bool
	// Jobs limits parallel work; 0 = one per core.
	Jobs int
}

// Hasher tells what paths of the workspace hold. It is safe for concurrent use.
type Hasher struct {
	opts HasherOptions
	memo memo
	bufs sync.Pool // of *[]byte, chunkSize long
}

// NewHasher never fails: a memo that cannot be read is an empty one.
func NewHasher(opts *HasherOptions) *Hasher {
	h := new(Hasher)
	if opts != nil {
		h.opts = *opts
	}
	h.opts.Jobs = jobs(h.opts.Jobs)
	h.memo.path = h.opts.Memo
	h.bufs.New = func() any { b := make([]byte, chunkSize); return &b }
	return h
}

// jobs is the number of workers that n asks for.
func jobs(n int) int {
	if n <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// Hash returns the hash of the file or directory at path, following symbolic
// links as DVC does. A missing path is an error wrapping fs.ErrNotExist.
func (h *Hasher) Hash(ctx context.Context, path string) (Meta, error) {
	return h.hash(ctx, path, false)
}

// HashLegacy is Hash as DVC 2 computed it. The result is a legacy hash.
func (h *Hasher) HashLegacy(ctx context.Context, path string) (Meta, error) {
	return h.hash(ctx, path, true)
}

// Matches reports whether path now holds want, by want's own kind of hash. A
// missing path is an error wrapping fs.ErrNotExist.
func (h *Hasher) Matches(ctx context.Context, path string, want Hash) (bool, error) {
	m, err := h.hash(ctx, path, want.IsLegacy())
	return err == nil && m.Hash == want, err
}

// Tree lists the files below the directory at path, sorted, with what is
// recorded of the directory itself.
func (h *Hasher) Tree(ctx context.Context, path string, legacy bool) ([]Entry, Meta, error) {
	t, err := h.walk(ctx, path, legacy, nil)
	if err != nil {
		return nil, Meta{}, err
	}
	entries, m, _, err := t.manifest(legacy)
	return entries, m, err
}

// Survey is Tree for who only compares and stores nothing: a link that leads
// nowhere is an entry without a hash, and the directory's hash is one that no stored
// directory has.
func (h *Hasher) Survey(ctx context.Context, path string, legacy bool) ([]Entry, Meta, error) {
	t, err := h.survey(ctx, path, legacy)
	if err != nil {
		return nil, Meta{}, err
	}
	entries, m, _, err := t.manifest(legacy)
	if err != nil {
		return nil, Meta{}, err
	}
	n := len(entries)
	t.eachBroken(func(path string) { entries = append(entries, Entry{Path: path}) })
	if len(entries) > n {
		_, m.Hash, err = HashManifest(entries)
	}
	return entries, m, err
}

// Close writes the memo, if anything new was learned. The Hasher can be used
// further.
func (h *Hasher) Close() error {
	return h.memo.save(now(), h.memoAlive)
}

func (h *Hasher) hash(ctx context.Context, path string, legacy bool) (Meta, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Meta{}, err
	}
	st, err := statPath(path, true)
	if err != nil {
		return Meta{}, err
	}
	if st.isDir() {
		t, err := h.walk(ctx, path, legacy, nil)
		if err != nil {
			return Meta{}, err
		}
		_, m, _, err := t.manifest(legacy)
		return m, err
	}
	sum, err := h.file(ctx, path, &st, legacy)
	return fileMeta(sum, &st, legacy), err
}

// fileMeta is what is recorded of a file.
func fileMeta(sum [16]byte, st *stat, legacy bool) Meta {
	m := Meta{Hash: FileHash(sum), Size: st.key.size, Exec: st.isExec()}
	if legacy {
		m.Hash = m.Hash.Legacy()
	}
	return m
}

// file returns the sum of a single file and updates st if the file changed meanwhile.
// A memo's sum counts only if the file has just the key it had then. What was
// written so shortly before the reading that a further write could keep the key is
// not remembered.
func (h *Hasher) file(ctx context.Context, path string, st *stat, legacy bool) ([16]byte, error) {
	dirPath, name := filepath.Split(path)
	key := h.memoKey(filepath.Clean(dirPath), legacy)
	if sum, ok := h.memo.lookup(key, name, &st.key); ok {
		return sum, nil
	}
	d, err := openDir(dirPath)
	if err != nil {
		return [16]byte{}, err
	}
	defer d.close()
	if !st.isRegular() {
		return [16]byte{}, errIrregular(d, name)
	}
	// Before the reading: a write during it must not seem settled.
	start := now()
	sum, err := h.sum(ctx, d, name, st, legacy)
	if err == nil && st.key.settled(start) {
		h.memo.put(key, memoFile{name, st.key, sum})
	}
	return sum, err
}

// sum reads a file, whatever the memo says.
func (h *Hasher) sum(ctx context.Context, d *dir, name string, st *stat, legacy bool) (sum [16]byte, err error) {
	buf := h.bufs.Get().(*[]byte)
	defer h.bufs.Put(buf)
	err = stable(d, name, st, func(f file) (err error) {
		sum, err = sumFile(ctx, f, *buf, &st.key, sumFunc(legacy))
		return err
	})
	return sum, err
}

// sumFunc is the way to hash the bytes of a file. Manifests are always hashed as
// they are.
func sumFunc(legacy bool) hashFunc {
	if legacy {
		return textSum
	}
	return plainSum
}

// legacyKey ends the memo's keys of DVC 2's sums: a file has one of either kind. No
// path has a NUL.
const legacyKey = "\x00dvc2"

// memoKey names a directory in the memo.
// Paths in Root are relative to it; all others are absolute.
func (h *Hasher) memoKey(path string, legacy bool) string {
	if rel, ok := strings.CutPrefix(path, h.opts.Root); ok && h.opts.Root != "" {
		if rel == "" {
			path = "."
		} else if os.IsPathSeparator(rel[0]) {
			path = rel[1:]
		}
	}
	if legacy {
		path += legacyKey
	}
	return path
}

// memoAlive reports whether the directory of a key still exists.
// An error other than that it is missing keeps the directory: a disk that is not
// mounted must not cost the sums.
func (h *Hasher) memoAlive(key string) bool {
	path := strings.TrimSuffix(key, legacyKey)
	if !filepath.IsAbs(path) {
		path = filepath.Join(h.opts.Root, path)
	}
	_, err := statPath(path, true)
	return !errors.Is(err, fs.ErrNotExist)
}
