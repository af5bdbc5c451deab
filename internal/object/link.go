package object

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// LinkType is a way of getting an object into the workspace.
type LinkType string

// The link types of cache.type.
const (
	Reflink  LinkType = "reflink"  // shares blocks until one side is written
	Hardlink LinkType = "hardlink" // the object itself, read-only
	Symlink  LinkType = "symlink"  // a link to the object's absolute path
	Copy     LinkType = "copy"
)

// placer puts objects into one part of the workspace.
type placer struct {
	o     *objects
	stage *stage
	clone cloner

	mu   sync.Mutex
	kind LinkType // the first that works here; "" = not yet known
}

// placer returns a placer for target and what is below it. The parent of
// target exists.
func (c *Cache) placer(target string, o *objects) (*placer, error) {
	stage, err := c.newStage(filepath.Dir(target))
	if err != nil {
		return nil, err
	}
	return &placer{o: o, stage: stage}, nil
}

// close removes the stage; what was placed is in its place.
func (p *placer) close() { p.stage.close() }

// place makes d/name hold h.
// It is made under another name and renamed: what was there is replaced in one step,
// and a kill leaves it as it was.
func (p *placer) place(ctx context.Context, h Hash, d *dir, name string) error {
	kind, err := p.link(ctx, h)
	if err != nil {
		return err
	}
	tmp := tempName()
	switch kind {
	case Hardlink:
		err = p.hardlink(ctx, h, tmp)
	case Symlink:
		err = p.symlink(ctx, h, tmp)
	default:
		err = p.copy(ctx, h, p.stage.dir, tmp)
	}
	if err == nil {
		err = p.stage.rename(tmp, d, name)
	}
	if err != nil || kind == Hardlink { // renaming a link over its twin leaves both
		p.stage.remove(tmp)
	}
	return err
}

// link returns the way to link here. It tries with the object h.
// The first that works is kept for all further objects, under the lock: DVC too
// falls back from one type to the next.
func (p *placer) link(ctx context.Context, h Hash) (LinkType, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kind != "" {
		return p.kind, nil
	}
	var err error
	for i, kind := range p.o.c.opts.Links {
		tmp := tempName()
		switch kind {
		case Reflink:
			// If a copy is the next best there is nothing to try: copy clones where that works
			// and copies where it doesn't.
			if rest := p.o.c.opts.Links[i+1:]; len(rest) > 0 && rest[0] != Copy {
				err = p.tryClone(h, tmp)
				break
			}
			p.kind = kind
			return kind, nil
		case Copy:
			p.kind = kind
			return kind, nil
		case Hardlink:
			err = p.o.d.link(h.relPath(), p.stage.dir, tmp)
		case Symlink:
			err = p.stage.symlink(p.o.c.Path(h), tmp)
		default:
			err = fmt.Errorf("unknown link type %q", kind)
		}
		if err == nil {
			p.kind = kind
			return kind, p.stage.remove(tmp)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%w: %s", ErrMissing, h)
		}
	}
	return "", fmt.Errorf("no link type of cache.type works in %s: %w", p.stage.path, err)
}

// tryClone makes a clone of the object in the stage, or says that none can be made.
func (p *placer) tryClone(h Hash, tmp string) error {
	src, err := p.o.open(h)
	if err != nil {
		return err
	}
	defer src.Close()
	if !p.clone.try(src, p.stage.dir, tmp) {
		return errors.ErrUnsupported
	}
	return nil
}

// fresh reports whether d/name, which holds h, is what placing it would make, but for
// its mode.
func (p *placer) fresh(d *dir, name string, h Hash) (bool, error) {
	st, err := d.stat(name, false)
	if err != nil {
		return false, err
	}
	kind, err := p.link(context.Background(), h)
	if err != nil {
		return false, err
	}
	return p.linkedAs(kind, d, name, h, &st)
}

// linked reports whether d/name, which holds h, is linked the wanted way. As for DVC
// a plain file is that where a reflink or a copy is what is wanted most.
func (p *placer) linked(d *dir, name string, h Hash) (bool, error) {
	st, err := d.stat(name, false)
	if err != nil {
		return false, err
	}
	// The usual answer, without a try: a plain file of its own is what a copy is, and
	// whether a copy shares its blocks cannot be seen.
	if first := p.o.c.opts.Links[0]; (first == Copy || first == Reflink) && !st.isSymlink() && st.nlink <= 1 {
		return true, nil
	}
	kind, err := p.link(context.Background(), h)
	if err != nil {
		return false, err
	}
	return p.linkedAs(kind, d, name, h, &st)
}

func (p *placer) linkedAs(kind LinkType, d *dir, name string, h Hash, st *stat) (bool, error) {
	switch kind {
	case Hardlink:
		object, err := p.o.d.stat(h.relPath(), true)
		// An empty file is never a hard link, as DVC makes it anew.
		return err == nil && !st.isSymlink() && (object.key.ino == st.key.ino || st.key.size == 0), nil
	case Symlink:
		target, err := os.Readlink(filepath.Join(d.path, name))
		return err == nil && target == p.o.c.Path(h), nil
	default:
		return !st.isSymlink() && st.nlink <= 1, nil
	}
}

// copy writes the object to d/name, verifying it on the way.
// A damaged object is removed from the cache, and nothing is left at d/name.
func (p *placer) copy(ctx context.Context, h Hash, d *dir, name string) error {
	src, err := p.o.open(h)
	if err != nil {
		return err
	}
	defer src.Close()
	st, err := src.stat()
	if err != nil {
		return err
	}
	var sum [16]byte
	if st.key.size < chunkSize {
		sum, err = p.copySmall(src, st.key.size, h, d, name)
	} else {
		sum, err = p.copyLarge(ctx, src, h, d, name, &st.key)
	}
	if err == nil && sum != h.sum {
		d.remove(name)
		return p.o.corrupt(h)
	}
	if err != nil {
		d.remove(name)
	}
	return err
}

// smallBufs are buffers of a chunk, for objects that fit in one.
var smallBufs = sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }}

// copySmall writes nothing if the object is damaged.
func (p *placer) copySmall(src file, size int64, h Hash, d *dir, name string) (sum [16]byte, err error) {
	buf := smallBufs.Get().(*[]byte)
	defer smallBufs.Put(buf)
	n, err := readChunk(src, (*buf)[:size])
	if err != nil {
		return sum, err
	}
	if sum = sumSmall((*buf)[:n], sumFunc(h.IsLegacy())); sum != h.sum {
		return sum, nil
	}
	dst, err := d.create(name, 0o666)
	if err != nil {
		return sum, err
	}
	if _, err = dst.Write((*buf)[:n]); err != nil {
		err = d.fail("write", name, err)
	}
	return sum, errors.Join(err, dst.Close())
}

// copyLarge clones the object or, where that is not possible, copies it. A clone is
// hashed after: it can't change any more, and the object may be damaged. The
// caller compares the sum and removes what is wrong. An object that this process
// has hashed while it wrote it is not hashed again.
func (p *placer) copyLarge(ctx context.Context, src file, h Hash, d *dir, name string, key *statKey) (sum [16]byte, err error) {
	verified := p.o.c.received(h, key)
	if p.clone.try(src, d, name) {
		if err := d.chmod(name, p.o.c.newPerm()); err != nil {
			return sum, err
		}
		if verified {
			return unchanged(src, h, key)
		}
		f, err := d.open(name)
		if err != nil {
			return sum, err
		}
		defer f.Close()
		st, err := f.stat()
		if err != nil {
			return sum, err
		}
		return sumFile(ctx, f, make([]byte, chunkSize), &st.key, sumFunc(p.o.legacy))
	}
	dst, err := d.create(name, 0o666)
	if err != nil {
		return sum, err
	}
	add := sumFunc(p.o.legacy)
	if verified {
		add = noSum
	}
	if sum, err = pump(ctx, dst, src, add); err != nil {
		err = d.fail("write", name, err)
	} else if verified {
		sum, err = unchanged(src, h, key)
	}
	return sum, errors.Join(err, dst.Close())
}

// unchanged is the sum of an object that was verified when it had the key: no sum
// at all, as that of a damaged one, if it has another by now.
func unchanged(src file, h Hash, key *statKey) (sum [16]byte, err error) {
	st, err := src.stat()
	if err == nil && st.key == *key {
		sum = h.sum
	}
	return sum, err
}

// hardlink links the object, which is verified first: nobody will read it
// through us. An empty file is created instead, as DVC does.
func (p *placer) hardlink(ctx context.Context, h Hash, tmp string) error {
	st, err := p.o.d.stat(h.relPath(), true)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if err != nil {
		return err
	}
	if st.key.size == 0 {
		return p.copy(ctx, h, p.stage.dir, tmp)
	}
	if err := p.o.verify(ctx, h, &st); err != nil {
		return err
	}
	return p.o.d.link(h.relPath(), p.stage.dir, tmp)
}

// symlink verifies the object first, as hardlink does.
func (p *placer) symlink(ctx context.Context, h Hash, tmp string) error {
	st, err := p.o.d.stat(h.relPath(), true)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if err != nil {
		return err
	}
	if err := p.o.verify(ctx, h, &st); err != nil {
		return err
	}
	return p.stage.symlink(p.o.c.Path(h), tmp)
}

// refresh makes a file that was just stored a link or a fresh copy. A plain
// file is left in place: it is what a copy would be, but for its mode.
func (p *placer) refresh(ctx context.Context, hs *Hasher, d *dir, name string, m Meta, before *stat) error {
	ok, err := p.fresh(d, name, m.Hash)
	if err != nil {
		return err
	}
	if !ok {
		if err := p.place(ctx, m.Hash, d, name); err != nil {
			return err
		}
	}
	if err := p.fixMode(d, name, m.Exec, ok); err != nil {
		return err
	}
	st, err := d.stat(name, true)
	if err != nil {
		return err
	}
	// A file that was left in place may have been written since it was stored; one that
	// we made cannot.
	if !ok || st.key.mtime == before.key.mtime && st.key.ino == before.key.ino && st.key.size == before.key.size {
		hs.memo.putFresh(hs.memoKey(d.path, m.Hash.IsLegacy()), memoFile{name, st.key, m.Hash.sum})
	}
	return nil
}

// fixMode gives a file the mode a checkout would give it.
func (p *placer) fixMode(d *dir, name string, exec, inPlace bool) error {
	st, err := d.stat(name, true)
	if err != nil {
		return err
	}
	perm := st.perm()
	p.mu.Lock()
	kind := p.kind
	p.mu.Unlock()
	// A file that is the object itself keeps the object's mode, read-only.
	if inPlace && kind != Hardlink && kind != Symlink {
		perm = p.o.c.newPerm()
	}
	if exec {
		perm |= 0o100
	}
	if perm == st.perm() {
		return nil
	}
	return d.chmod(name, perm)
}

// probePerm finds out what the umask leaves of 0666.
// The umask cannot be read without being set, which other threads would notice.
func (c *Cache) probePerm() fs.FileMode {
	const usual = 0o644
	f, err := os.CreateTemp("", atomicfile.TempPrefix)
	if err != nil {
		return usual
	}
	f.Close()
	defer os.Remove(f.Name())
	// CreateTemp makes files 0600; the name is only used to make another with 0666.
	os.Remove(f.Name())
	g, err := os.OpenFile(f.Name(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return usual
	}
	defer g.Close()
	fi, err := g.Stat()
	if err != nil {
		return usual
	}
	return fi.Mode().Perm()
}

// now is the present in the unit of statKey.
func now() int64 { return time.Now().UnixNano() }
