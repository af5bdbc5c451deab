package object

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// memo remembers the MD5 of files between processes. It is one file, read in
// one piece and replaced in one piece: a reader sees the old or the new one,
// and of two writers the later one wins, having merged the directories it had
// not looked at. A memo that is lost, damaged or of another version is empty.
//
// Format: memoMagic, then per directory its key, the number of its files and
// the length of their records (uvarints); a record is the name, the stat key
// and the sum. A CRC-32C of everything ends the file. Directories are decoded
// when they are first asked for.
type memo struct {
	path string

	mu     sync.Mutex
	loaded statKey // of the file that dirs came from
	dirs   map[string]*memoDir
	fresh  []freshFile
	dirty  bool
}

// memoDir holds the files of one directory: those of the last complete listing,
// sorted by name, and those that were asked for one by one since.
type memoDir struct {
	records string // not yet decoded
	count   int
	files   []memoFile
	single  map[string]memoFile
	touched bool
}

type memoFile struct {
	name string
	key  statKey
	sum  [16]byte
}

// freshFile is a file this process wrote. Whether its time stamps have settled
// is decided when the memo is saved.
type freshFile struct {
	dir  string
	file memoFile
}

const (
	memoMagic  = "reprodl memo 1\n"
	recordTail = 4*8 + 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// load reads the file on first use. The caller holds mu.
func (m *memo) load() {
	if m.dirs != nil {
		return
	}
	m.dirs, m.loaded = readMemo(m.path)
}

// readMemo returns the key of the file even if its content is useless: saving must
// not take it for another process's.
func readMemo(path string) (map[string]*memoDir, statKey) {
	if path == "" {
		return map[string]*memoDir{}, statKey{}
	}
	st, err := statPath(path, true)
	if err != nil {
		return map[string]*memoDir{}, statKey{}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return map[string]*memoDir{}, statKey{}
	}
	dirs, ok := decodeMemo(data)
	if !ok {
		return map[string]*memoDir{}, st.key
	}
	return dirs, st.key
}

// decodeMemo checks the sum of all before it believes any length.
func decodeMemo(data []byte) (map[string]*memoDir, bool) {
	dirs := map[string]*memoDir{}
	body := len(data) - 4
	if body < len(memoMagic) || !bytes.HasPrefix(data, []byte(memoMagic)) ||
		crc32.Checksum(data[:body], castagnoli) != binary.LittleEndian.Uint32(data[body:]) {
		return dirs, false
	}
	r := memoReader{string(data[len(memoMagic):body])}
	for len(r.rest) > 0 {
		key, ok1 := r.text()
		count, ok2 := r.number()
		records, ok3 := r.text()
		if !ok1 || !ok2 || !ok3 || count > len(records)/recordTail {
			return map[string]*memoDir{}, false
		}
		dirs[key] = &memoDir{records: records, count: count}
	}
	return dirs, true
}

// memoReader takes values off the front of the memo's body.
// Each method reports false where the body ends too early.
type memoReader struct{ rest string }

func (r *memoReader) number() (int, bool) {
	var n uint64
	for i := 0; i < len(r.rest) && i < 5; i++ {
		b := r.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return int(n), true
		}
	}
	return 0, false
}

func (r *memoReader) text() (string, bool) {
	n, ok := r.number()
	if !ok || n > len(r.rest) {
		return "", false
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s, true
}

// decode parses the records when they are needed. Damage empties the directory,
// which then is hashed again.
func (d *memoDir) decode() {
	if d.records == "" {
		return
	}
	d.files = make([]memoFile, 0, d.count)
	r := memoReader{d.records}
	d.records = ""
	for len(r.rest) > 0 {
		name, ok := r.text()
		if !ok || len(r.rest) < recordTail {
			d.files = nil
			return
		}
		tail := []byte(r.rest[:recordTail])
		r.rest = r.rest[recordTail:]
		f := memoFile{name: name, key: statKey{
			ino:   binary.LittleEndian.Uint64(tail),
			size:  int64(binary.LittleEndian.Uint64(tail[8:])),
			mtime: int64(binary.LittleEndian.Uint64(tail[16:])),
			ctime: int64(binary.LittleEndian.Uint64(tail[24:])),
		}}
		copy(f.sum[:], tail[32:])
		d.files = append(d.files, f)
	}
}

// encode appends the records: name, 4 words of the key, sum.
func (d *memoDir) encode(dst []byte) []byte {
	for i := range d.files {
		f := &d.files[i]
		dst = binary.AppendUvarint(dst, uint64(len(f.name)))
		dst = append(dst, f.name...)
		dst = binary.LittleEndian.AppendUint64(dst, f.key.ino)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(f.key.size))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(f.key.mtime))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(f.key.ctime))
		dst = append(dst, f.sum[:]...)
	}
	return dst
}

// listing returns the remembered files of a directory, sorted by name.
// The slice is shared and must not be changed.
func (m *memo) listing(key string) []memoFile {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	d := m.dirs[key]
	if d == nil {
		return nil
	}
	d.decode()
	d.merge()
	return d.files
}

// merge makes single files part of the listing. Older slices of it stay valid.
func (d *memoDir) merge() {
	if len(d.single) == 0 {
		return
	}
	files := make([]memoFile, 0, len(d.files)+len(d.single))
	for _, f := range d.files {
		if _, newer := d.single[f.name]; !newer {
			files = append(files, f)
		}
	}
	for _, f := range d.single {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b memoFile) int { return strings.Compare(a.name, b.name) })
	d.files, d.single = files, nil
}

// findFile searches a listing by halves.
func findFile(files []memoFile, name string) (*memoFile, bool) {
	i, ok := slices.BinarySearchFunc(files, name, func(f memoFile, name string) int { return strings.Compare(f.name, name) })
	if !ok {
		return nil, false
	}
	return &files[i], true
}

// lookup finds the sum of one file.
func (m *memo) lookup(dir, name string, key *statKey) (sum [16]byte, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.load()
	d := m.dirs[dir]
	if d == nil {
		return sum, false
	}
	// What was put last counts, even if it doesn't fit any more.
	if f, found := d.single[name]; found {
		return f.sum, f.key == *key
	}
	d.decode()
	f, found := findFile(d.files, name)
	if !found || f.key != *key {
		return sum, false
	}
	return f.sum, true
}

// dir returns the record of a directory for writing. The caller holds mu.
func (m *memo) dir(key string) *memoDir {
	m.load()
	d := m.dirs[key]
	if d == nil {
		d = new(memoDir)
		m.dirs[key] = d
	}
	d.decode()
	d.touched = true
	m.dirty = true
	return d
}

// put remembers one file.
func (m *memo) put(dir string, f memoFile) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dir(dir)
	if d.single == nil {
		d.single = map[string]memoFile{}
	}
	d.single[f.name] = f
}

// putListing replaces what is known of a directory. files is sorted by name.
func (m *memo) putListing(dir string, files []memoFile) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dir(dir)
	d.files, d.single = files, nil
}

// putFresh remembers a file that this process has just written.
// Not yet into dirs: its time stamps are too young to be trusted (see settled).
func (m *memo) putFresh(dir string, f memoFile) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fresh = append(m.fresh, freshFile{dir, f})
}

// save writes the memo if anything changed. now is the present moment.
func (m *memo) save(now int64, alive func(key string) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.fresh {
		if f.file.key.settled(now) {
			d := m.dir(f.dir)
			if d.single == nil {
				d.single = map[string]memoFile{}
			}
			d.single[f.file.name] = f.file
		}
	}
	m.fresh = nil
	if !m.dirty || m.path == "" {
		return nil
	}
	// Another process has replaced the file since it was read. Between this look and the
	// rename it may happen again; then sums are lost, and hashed again.
	if st, err := statPath(m.path, true); err == nil && st.key != m.loaded {
		m.adopt()
	}
	if err := os.MkdirAll(filepath.Dir(m.path), 0o777); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(m.path, m.encode(alive), nil); err != nil {
		return err
	}
	m.dirty = false
	if st, err := statPath(m.path, true); err == nil {
		m.loaded = st.key
	}
	return nil
}

// adopt takes over what another process has written about directories that
// this one did not write about.
// Of a directory that both wrote, ours counts.
func (m *memo) adopt() {
	theirs, _ := readMemo(m.path)
	for key, d := range theirs {
		if ours := m.dirs[key]; ours == nil || !ours.touched {
			m.dirs[key] = d
		}
	}
}

// encode writes all directories, those that were never decoded as they were read.
// Directories that are gone are dropped, so that the memo doesn't grow for ever.
func (m *memo) encode(alive func(key string) bool) []byte {
	out := []byte(memoMagic)
	var buf []byte
	for key, d := range m.dirs {
		if !d.touched && !alive(key) {
			delete(m.dirs, key)
			continue
		}
		d.merge()
		out = binary.AppendUvarint(out, uint64(len(key)))
		out = append(out, key...)
		if d.records != "" {
			out = binary.AppendUvarint(out, uint64(d.count))
			out = binary.AppendUvarint(out, uint64(len(d.records)))
			out = append(out, d.records...)
			continue
		}
		buf = d.encode(buf[:0])
		out = binary.AppendUvarint(out, uint64(len(d.files)))
		out = binary.AppendUvarint(out, uint64(len(buf)))
		out = append(out, buf...)
	}
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}
