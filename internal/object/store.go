package object

import (
	"context"
	"crypto/md5"
	"errors"
	"hash"
	"path/filepath"
)

// AddOptions: nil means none.
type AddOptions struct {
	// Legacy asks for DVC 2's hash and place in the cache.
	Legacy bool
	// Relink makes the workspace what it would be had it been checked out: a
	// file becomes a link or a fresh copy; in a directory only files of the
	// wrong link type do.
	Relink bool
	// Exec is the execute bit that a relinked file gets, as it was recorded before; nil =
	// the one that it has.
	Exec *bool
}

// Add stores the file or directory at path and returns what is to be recorded.
// The hash is that of the bytes which were stored: a file that changes
// meanwhile is read again, and ErrChanged is returned if it will not hold still.
func (c *Cache) Add(ctx context.Context, hs *Hasher, path string, opts *AddOptions) (Meta, error) {
	if opts == nil {
		opts = new(AddOptions)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Meta{}, err
	}
	st, err := statPath(path, true)
	if err != nil {
		return Meta{}, err
	}
	o, err := c.writable(opts.Legacy)
	if err != nil {
		return Meta{}, err
	}
	defer o.close()
	a := &adder{objects: o, hs: hs, exec: opts.Exec}
	if opts.Relink {
		if a.placer, err = c.placer(path, o); err != nil {
			return Meta{}, err
		}
		defer a.placer.close()
	}
	if st.isDir() {
		return a.addTree(ctx, path)
	}
	return a.addFile(ctx, path, &st)
}

// adder stores files in one of the cache's object trees.
type adder struct {
	*objects
	hs     *Hasher
	placer *placer // nil = leave the workspace alone
	exec   *bool
}

// addTree stores the files in parallel, then the manifest: a kill leaves objects
// that nothing names, but no manifest without its files.
func (a *adder) addTree(ctx context.Context, path string) (Meta, error) {
	t, err := a.hs.walk(ctx, path, a.legacy, func(ctx context.Context, d *dir, f *treeFile, known bool) error {
		if err := a.store(ctx, d, f, known); err != nil {
			return err
		}
		return a.relinkEntry(ctx, d, f)
	})
	if err != nil {
		return Meta{}, err
	}
	_, m, data, err := t.manifest(a.legacy)
	if err != nil {
		return Meta{}, err
	}
	if ok, err := a.has(ctx, m.Hash, int64(len(data))); ok || err != nil {
		return m, err
	}
	return m, a.put(m.Hash, data)
}

// addFile is addTree for a single file, which has no listing in the memo.
func (a *adder) addFile(ctx context.Context, path string, st *stat) (Meta, error) {
	dirPath, name := filepath.Split(path)
	d, err := openDir(dirPath)
	if err != nil {
		return Meta{}, err
	}
	defer d.close()
	if !st.isRegular() {
		return Meta{}, errIrregular(d, name)
	}
	key := a.hs.memoKey(filepath.Clean(dirPath), a.legacy)
	f := &treeFile{name: name, st: *st}
	sum, known := a.hs.memo.lookup(key, name, &st.key)
	f.sum = sum
	start := now()
	if err := a.store(ctx, d, f, known); err != nil {
		return Meta{}, err
	}
	m := fileMeta(f.sum, &f.st, a.legacy)
	if a.placer != nil {
		if a.exec != nil {
			m.Exec = *a.exec
		}
		return m, a.placer.refresh(ctx, a.hs, d, name, m, &f.st)
	}
	if !known && f.st.key.settled(start) {
		a.hs.memo.put(key, memoFile{name, f.st.key, f.sum})
	}
	return m, nil
}

// relinkEntry recreates a file of a directory whose link type is wrong.
// Its new time stamps go into the walk's result, and with it into the memo.
func (a *adder) relinkEntry(ctx context.Context, d *dir, f *treeFile) error {
	if a.placer == nil {
		return nil
	}
	h := a.hash(f.sum)
	if ok, err := a.placer.linked(d, f.name, h); ok || err != nil {
		return err
	}
	if err := a.placer.place(ctx, h, d, f.name); err != nil {
		return err
	}
	var err error
	f.st, err = d.stat(f.name, true)
	return err
}

// hash gives a sum the kind of the tree.
func (o *objects) hash(sum [16]byte) Hash {
	h := FileHash(sum)
	if o.legacy {
		h = h.Legacy()
	}
	return h
}

// store makes sure that the object of a file is in the cache, and sets f.sum.
// A file that the memo knows is not even opened if its object is there.
func (a *adder) store(ctx context.Context, d *dir, f *treeFile, known bool) error {
	if known {
		if ok, err := a.has(ctx, a.hash(f.sum), f.st.key.size); ok || err != nil {
			return err
		}
	}
	return stable(d, f.name, &f.st, func(src file) (err error) {
		if f.st.key.size < chunkSize {
			f.sum, err = a.storeSmall(ctx, src, &f.st.key)
		} else {
			f.sum, err = a.storeLarge(ctx, src, &f.st.key)
		}
		return err
	})
}

// storeSmall reads a file at once. Its bytes are hashed first, so that what the cache
// has already is never written.
func (a *adder) storeSmall(ctx context.Context, src file, key *statKey) (sum [16]byte, err error) {
	buf := a.hs.bufs.Get().(*[]byte)
	defer a.hs.bufs.Put(buf)
	n, err := readChunk(src, (*buf)[:key.size])
	if err != nil {
		return sum, err
	}
	after, err := src.stat()
	if err != nil {
		return sum, err
	}
	if after.key != *key || int64(n) != key.size {
		return sum, ErrChanged
	}
	data := (*buf)[:n]
	sum = sumSmall(data, sumFunc(a.legacy))
	if ok, err := a.has(ctx, a.hash(sum), key.size); ok || err != nil {
		return sum, err
	}
	return sum, a.put(a.hash(sum), data)
}

// storeLarge copies and hashes at once: one worker hashes a chunk while
// another writes it.
// The bytes go to the stage before their hash is known, so that they are read once;
// if the cache has the object already, the copy is dropped.
func (a *adder) storeLarge(ctx context.Context, src file, key *statKey) (sum [16]byte, err error) {
	tmp := tempName()
	defer func() {
		if err != nil {
			a.stage.remove(tmp)
		}
	}()
	if a.clone.try(src, a.stage.dir, tmp) {
		sum, err = a.sumClone(ctx, src, tmp, key)
	} else {
		sum, err = a.copySum(ctx, src, tmp, key)
	}
	if err != nil {
		return sum, err
	}
	h := a.hash(sum)
	if ok, err := a.has(ctx, h, key.size); ok || err != nil {
		return sum, errors.Join(err, a.stage.remove(tmp))
	}
	return sum, a.commit(tmp, h.relPath())
}

// sumClone hashes the clone, which nobody else can change.
func (a *adder) sumClone(ctx context.Context, src file, tmp string, key *statKey) (sum [16]byte, err error) {
	if err := a.stage.chmod(tmp, objectPerm); err != nil {
		return sum, err
	}
	st, err := a.stage.stat(tmp, false)
	if err != nil {
		return sum, err
	}
	if sum, err = a.hs.sum(ctx, a.stage.dir, tmp, &st, a.legacy); err != nil {
		return sum, err
	}
	after, err := src.stat()
	if err == nil && (after.key != *key || st.key.size != key.size) {
		err = ErrChanged
	}
	return sum, err
}

// copySum copies a file to the stage. The source must have the same key after as
// before, or the bytes may be of two states.
func (a *adder) copySum(ctx context.Context, src file, tmp string, key *statKey) (sum [16]byte, err error) {
	dst, err := a.stage.create(tmp, objectPerm)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if err := dst.chmod(objectPerm); err != nil {
		return sum, err
	}
	if sum, err = pump(ctx, dst, src, sumFunc(a.legacy)); err != nil {
		return sum, a.stage.fail("write", tmp, err)
	}
	after, err := src.stat()
	if err == nil && after.key != *key {
		err = ErrChanged
	}
	return sum, err
}

// pump copies src to dst in chunks and hashes them, the two side by side.
// Memory is two chunks, whatever the size.
func pump(ctx context.Context, dst, src file, add hashFunc) (sum [16]byte, err error) {
	sums := newSummer(add, 2)
	sums.free <- make([]byte, chunkSize)
	sums.free <- make([]byte, chunkSize)
	for err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		buf := <-sums.free
		var n int
		if n, err = readChunk(src, buf); n == 0 || err != nil {
			break
		}
		// The hash may lag behind: a chunk is written before it is handed on, and never after.
		_, err = dst.Write(buf[:n])
		sums.full <- buf[:n]
		if n < chunkSize {
			break
		}
	}
	return sums.end(), err
}

// summer hashes chunks in a goroutine, while whoever makes them writes or reads
// others. Chunks are taken from free, filled, and given to full in their order.
type summer struct {
	free, full chan []byte
	sum        hash.Hash
	added      func(sum hash.Hash, chunk []byte) // hears of each chunk; may be nil
	done       chan struct{}
}

// newSummer starts a goroutine, which end ends, for so many buffers at most. Until the
// first chunk is given to it, sum and added may be replaced.
func newSummer(add hashFunc, bufs int) *summer {
	s := &summer{free: make(chan []byte, bufs), full: make(chan []byte, bufs), sum: md5.New(), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for chunk := range s.full {
			add(s.sum, chunk)
			if s.added != nil {
				s.added(s.sum, chunk)
			}
			s.free <- chunk[:cap(chunk)]
		}
	}()
	return s
}

// end is the sum of all chunks. None of the buffers is in use any more.
func (s *summer) end() (sum [16]byte) {
	close(s.full)
	<-s.done
	s.sum.Sum(sum[:0])
	return sum
}

// PutManifest stores the manifest of a directory and returns its hash. The
// entries are sorted by the call.
func (c *Cache) PutManifest(ctx context.Context, entries []Entry) (Hash, error) {
	data, h, err := HashManifest(entries)
	if err != nil {
		return Hash{}, err
	}
	o, err := c.writable(false)
	if err != nil {
		return Hash{}, err
	}
	defer o.close()
	if ok, err := o.has(ctx, h, int64(len(data))); ok || err != nil {
		return h, err
	}
	return h, o.put(h, data)
}

// Remove deletes an object. A missing one is no error.
func (c *Cache) Remove(h Hash) error {
	o, err := c.objects(h.IsLegacy())
	if o == nil || err != nil {
		return err
	}
	defer o.close()
	return o.drop(h.relPath())
}
