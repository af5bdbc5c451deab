package object

import "time"

// statKey is what a file's content is recognised by: if none of it changed
// since the content was hashed, neither did the content (but see settled).
type statKey struct {
	ino          uint64
	size         int64
	mtime, ctime int64 // nanoseconds since 1970
}

// stat is what the system says about a file.
type stat struct {
	key   statKey
	mode  uint32 // as the system encodes it
	nlink uint64
}

const (
	// tick is longer than the clock tick of file time stamps (at most 10 ms on Linux, 100 ns on Windows).
	tick = 25 * int64(time.Millisecond)
	// coarseTick is for file systems which keep whole seconds only (FAT keeps every second one).
	coarseTick = 2100 * int64(time.Millisecond)
)

// settled reports whether a write after the moment now is sure to change the
// key. A file that was written within the clock tick in which it is read may be
// written once more and keep its time stamps: git calls such a file racy, and
// hashes it again the next time, as we do. A modification time in the future was
// set by somebody and says nothing; ctime cannot be set.
func (k *statKey) settled(now int64) bool {
	last := k.ctime
	if k.mtime <= now {
		last = max(last, k.mtime)
	}
	t := tick
	if last%int64(time.Second) == 0 {
		t = coarseTick
	}
	return now-last > t
}
