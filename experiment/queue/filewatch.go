package queue

import (
	"context"
	"iter"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// watchPoll is how often a watcher looks at the file. Processes can't wake each
// other through it, and a look at an unchanged file is one stat.
const watchPoll = 100 * time.Millisecond

// Watch takes the revision at the call, not at the first iteration: what changes
// in between is seen.
func (s *fileStore) Watch(ctx context.Context) iter.Seq2[*Task, error] {
	seen, err := s.revision(ctx)
	return func(yield func(*Task, error) bool) {
		if err != nil {
			yield(nil, err)
			return
		}
		var last os.FileInfo
		for {
			fi, err := os.Stat(s.file)
			// Within the clock's resolution a change may follow the look.
			if err == nil && (last == nil || !os.SameFile(fi, last) || fi.ModTime() != last.ModTime() || time.Since(fi.ModTime()) < 10*watchPoll) {
				last = fi
				var changed []*Task
				if changed, seen, err = s.since(ctx, seen); err != nil {
					yield(nil, err)
					return
				}
				for _, t := range changed {
					if !yield(t, nil) {
						return
					}
				}
			}
			select {
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			case <-time.After(watchPoll):
			}
		}
	}
}

// revision is that of the last change.
func (s *fileStore) revision(ctx context.Context) (n uint64, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error { n = tx.Bucket(bucketChange).Sequence(); return nil })
	return n, err
}

// since returns what changed after a revision, and the revision now. A store
// that was made anew begins to count again.
func (s *fileStore) since(ctx context.Context, seen uint64) (changed []*Task, now uint64, err error) {
	now = seen
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketChange)
		if now = b.Sequence(); now < seen {
			seen = 0
		}
		c := b.Cursor()
		for rev, id := c.Seek(key(seen + 1)); rev != nil; rev, id = c.Next() {
			r, err := load(tx, string(id))
			if err != nil {
				return err
			}
			changed = append(changed, s.seen(r))
		}
		return nil
	})
	return changed, now, err
}
