package compare

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
)

// showCache remembers what the collector found in commits, which never change.
// It is one file of records that is read whole and appended to:
//
//	COMMIT UNIXTIME CRC32 LENGTH\n
//	content\n
//
// It can be lost at any time. What follows a damaged record is forgotten, and
// the file is then written anew.
type showCache struct {
	file    string
	known   map[string]showRecord
	fresh   bytes.Buffer
	damaged bool
}

// showRecord is the data of one commit: its time, and Data.text.
type showRecord struct {
	when time.Time
	text []byte
}

// A reader that knows another version of the format takes the file for damaged
// and writes it anew.
const (
	showMagic    = "reprodl exp show 2\n"
	maxShowCache = 256 << 20
)

// openShowCache reads the file. That it is not there or not ours is no error;
// the records before the first damaged one are used. Their text is not copied
// but points into what was read.
func openShowCache(file string) *showCache {
	c := &showCache{file: file, known: map[string]showRecord{}}
	data, err := os.ReadFile(file)
	if err != nil {
		c.damaged = true
		return c
	}
	rest, ok := bytes.CutPrefix(data, []byte(showMagic))
	if !ok || len(data) > maxShowCache {
		c.damaged = true
		return c
	}
	for len(rest) > 0 {
		id, rec, n := parseShowRecord(rest)
		if n == 0 {
			c.damaged = true
			break
		}
		c.known[id] = rec
		rest = rest[n:]
	}
	return c
}

// parseShowRecord returns the length of the record, 0 if it is damaged.
func parseShowRecord(data []byte) (string, showRecord, int) {
	// 160 bytes hold the longest header: a SHA-256 id and three numbers.
	eol := bytes.IndexByte(data[:min(len(data), 160)], '\n')
	if eol < 0 {
		return "", showRecord{}, 0
	}
	f := bytes.Fields(data[:eol])
	if len(f) != 4 {
		return "", showRecord{}, 0
	}
	id, err1 := git.ParseID(string(f[0]))
	unix, err2 := strconv.ParseInt(string(f[1]), 10, 64)
	sum, err3 := strconv.ParseUint(string(f[2]), 16, 32)
	size, err4 := strconv.Atoi(string(f[3]))
	// The content and its newline must be there in full, else the
	// process that appended it was killed.
	if err := errors.Join(err1, err2, err3, err4); err != nil || size < 0 || size > len(data)-eol-2 {
		return "", showRecord{}, 0
	}
	text := data[eol+1 : eol+1+size]
	if data[eol+1+size] != '\n' || crc32.ChecksumIEEE(text) != uint32(sum) {
		return "", showRecord{}, 0
	}
	return string(id), showRecord{time.Unix(unix, 0), text}, eol + size + 2
}

// appendShowRecord is the inverse of parseShowRecord.
func appendShowRecord(dst *bytes.Buffer, id string, rec showRecord) {
	fmt.Fprintf(dst, "%s %d %08x %d\n", id, rec.when.Unix(), crc32.ChecksumIEEE(rec.text), len(rec.text))
	dst.Write(rec.text)
	dst.WriteByte('\n')
}

// get returns the data of a commit, to be decoded when it is asked for.
func (c *showCache) get(id string) (*Data, bool) {
	rec, ok := c.known[id]
	if !ok {
		return nil, false
	}
	return &Data{Rev: id, Time: rec.when, text: rec.text}, true
}

// put remembers d for save; the caller holds showing.mu.
func (c *showCache) put(id string, d *Data) {
	rec := showRecord{d.Time, d.text}
	c.known[id] = rec
	appendShowRecord(&c.fresh, id, rec)
}

// save appends what is new. Losing it costs only time, so errors are dropped.
func (c *showCache) save() {
	if c.fresh.Len() == 0 {
		return
	}
	if os.MkdirAll(filepath.Dir(c.file), 0o777) != nil {
		return
	}
	if !c.damaged {
		f, err := os.OpenFile(c.file, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			// One write, so that two processes that append at once do not
			// mix their records; a torn one fails its checksum.
			f.Write(c.fresh.Bytes())
			f.Close()
			return
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
	// There is no file yet, or one that is not to be appended to. It is
	// replaced at once, so that no reader sees half of it.
	var all bytes.Buffer
	all.WriteString(showMagic)
	for id, rec := range c.known {
		appendShowRecord(&all, id, rec)
	}
	atomicfile.WriteFile(c.file, all.Bytes(), nil)
}
