package object

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Errors about objects; the error text names the object.
var (
	ErrMissing = errors.New("object is not in the cache")
	// ErrCorrupt says that an object's bytes do not have its hash. The object
	// has been removed, so that it is computed or fetched again.
	ErrCorrupt = errors.New("object in the cache is corrupt")
)

// CacheOptions: nil means DVC's defaults.
type CacheOptions struct {
	// Links are the ways to get an object into the workspace, in order of
	// preference; nil = reflink, copy.
	Links []LinkType
	// Shared is cache.shared = group: directories are made 02775.
	Shared bool
	// Temp is where files on their way into the workspace are made, a directory on the
	// workspace's file system that nothing lists (.dvc/tmp). Empty, or on
	// another file system: beside the file.
	Temp string
	// Jobs limits parallel work; 0 = one per core.
	Jobs int
	// Listed tells the files of a directory whose list stands elsewhere, as in a .dvc
	// file: its manifest need not be in the cache. Nil = there are none.
	Listed func(Hash) ([]Entry, bool)
}

// Cache is a DVC cache directory. It is safe for concurrent use, also by
// several processes: objects appear by rename, and racing writers carry equal
// bytes.
type Cache struct {
	path   string
	opts   CacheOptions
	stored atomic.Int64 // files
	fresh  sync.Map     // of large objects that were received: Hash to statKey

	newPerm func() fs.FileMode // of a plain new file
}

// OpenCache returns the cache at dir (.dvc/cache). Nothing is created before
// something is added.
func OpenCache(dir string, opts *CacheOptions) *Cache {
	c := &Cache{path: dir}
	if opts != nil {
		c.opts = *opts
	}
	if c.opts.Links == nil {
		c.opts.Links = []LinkType{Reflink, Copy}
	}
	c.opts.Jobs = jobs(c.opts.Jobs)
	c.newPerm = sync.OnceValue(c.probePerm)
	return c
}

// Stored is how many files have been put into the cache since it was opened;
// manifests of directories don't count.
func (c *Cache) Stored() int { return int(c.stored.Load()) }

// Dir returns the directory given to OpenCache.
func (c *Cache) Dir() string { return c.path }

// Path returns where the object of h lies, present or not.
func (c *Cache) Path(h Hash) string {
	return filepath.Join(c.root(h.IsLegacy()), filepath.FromSlash(h.relPath()))
}

// root is the directory of the 256 folders of objects.
func (c *Cache) root(legacy bool) string {
	if legacy {
		return c.path
	}
	return filepath.Join(c.path, "files", "md5")
}

// relPath is the place of an object below its root, and its key in a remote.
func (h Hash) relPath() string {
	var buf [40]byte
	b := h.Append(buf[:3])
	// The digits were appended from b[3] on: the first two move to the front, and their
	// old place is left out.
	b[0], b[1], b[2] = b[3], b[4], '/'
	return string(append(b[:3], b[5:]...))
}

// objectPerm is DVC's mark of an object that has been verified: any other mode means
// that somebody may have written to it.
const objectPerm = 0o444

// objects is one of the two object trees of a cache, opened.
// Names of objects are relative to d, which stays open.
type objects struct {
	c      *Cache
	d      *dir
	legacy bool
	stage  *stage // nil unless writable
	chmod  sync.Once
	fix    bool // created files lack bits of objectPerm (umask)
	clone  cloner
	old    sync.Once // parts were looked for that are too old
}

// objects opens the tree for reading; a tree that does not exist is nil and
// has no objects.
func (c *Cache) objects(legacy bool) (*objects, error) {
	d, err := openDir(c.root(legacy))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &objects{c: c, d: d, legacy: legacy}, nil
}

// writable opens the tree, creating it.
// The caller closes it, which also removes the stage.
func (c *Cache) writable(legacy bool) (*objects, error) {
	if err := c.mkdirAll(c.root(legacy)); err != nil {
		return nil, err
	}
	o, err := c.objects(legacy)
	if err != nil {
		return nil, err
	}
	if c.opts.Shared { // new files must get the group of the cache's directories
		d, err := openDir(o.d.path)
		o.stage = &stage{d, false}
		return o, err
	}
	o.stage, err = c.newStage(o.d.path)
	return o, err
}

// mkdirAll is os.MkdirAll, but in a shared cache the umask must not take rights from
// the group, and new files must inherit it (setgid).
func (c *Cache) mkdirAll(path string) error {
	if !c.opts.Shared {
		return os.MkdirAll(path, 0o777)
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := c.mkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Chmod(path, 0o775|fs.ModeSetgid)
}

// close may be called on nil, a tree that does not exist.
func (o *objects) close() {
	if o != nil {
		o.d.close()
		o.stage.close()
	}
}

// has tells whether the object is there and can be trusted: its mode is exactly
// 0444, or its bytes have its hash. size < 0 is not compared. A damaged object
// is removed.
func (o *objects) has(ctx context.Context, h Hash, size int64) (bool, error) {
	if o == nil || h.IsZero() {
		return false, nil
	}
	name := h.relPath()
	st, err := o.d.stat(name, true)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if size >= 0 && st.key.size != size {
		// Another size cannot have the hash, so the bytes need not be read.
		return false, o.drop(name)
	}
	if st.perm() == objectPerm {
		return true, nil
	}
	// DVC does the same: what isn't 0444 is hashed, then protected or removed.
	err = o.verify(ctx, h, &st)
	if errors.Is(err, ErrCorrupt) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// The mark spares the next look the reading.
	return true, ignorePermission(o.d.chmod(name, objectPerm))
}

// ignorePermission forgives what a read-only cache, or one that belongs to
// somebody else, does not allow.
func ignorePermission(err error) error {
	if errors.Is(err, fs.ErrPermission) || isReadOnlyFS(err) {
		return nil
	}
	return err
}

// drop removes a file; another process may have done so already.
func (o *objects) drop(name string) error {
	err := o.d.remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// verify hashes an object and removes it if it is damaged.
func (o *objects) verify(ctx context.Context, h Hash, st *stat) error {
	name := h.relPath()
	var sum [16]byte
	buf := make([]byte, min(chunkSize, st.key.size+1))
	if o.legacy {
		// DVC 2 decides chunk by chunk what is text, so that smaller pieces would give
		// another hash.
		buf = make([]byte, chunkSize)
	}
	err := stable(o.d, name, st, func(f file) (err error) {
		sum, err = sumFile(ctx, f, buf, &st.key, sumFunc(o.legacy && !h.IsDir()))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if err != nil {
		return err
	}
	if sum != h.sum {
		return o.corrupt(h)
	}
	return nil
}

// corrupt removes a damaged object and returns the error to report.
func (o *objects) corrupt(h Hash) error {
	if err := ignorePermission(o.drop(h.relPath())); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrCorrupt, h)
}

// tempName returns a name for a file that will be renamed; a sweep can tell it
// by its beginning.
func tempName() string {
	return atomicfile.TempPrefix + strconv.FormatUint(rand.Uint64(), 36)
}

// create makes a temporary file on the stage.
// It begins with the mode of an object, so that no window is open in which another
// process could write to it by name.
func (o *objects) create() (file, string, error) {
	tmp := tempName()
	f, err := o.stage.create(tmp, objectPerm)
	if err != nil {
		return f, tmp, err
	}
	// The umask is the same for all files: one is looked at.
	o.chmod.Do(func() {
		st, err := f.stat()
		o.fix = err != nil || st.perm() != objectPerm
	})
	if o.fix {
		if err := f.chmod(objectPerm); err != nil {
			f.Close()
			return f, tmp, errors.Join(err, o.stage.remove(tmp))
		}
	}
	return f, tmp, nil
}

// commit moves a temporary file to the place of an object.
// Whoever renames last wins; the bytes are the same.
func (o *objects) commit(tmp, name string) error { return o.commitFrom(o.stage.dir, tmp, name) }

func (o *objects) commitFrom(from *dir, tmp, name string) error {
	// Nearly always the folder is there: it is made when the rename fails.
	err := from.rename(tmp, o.d, name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = o.mkdir(name[:2]); err == nil {
			err = from.rename(tmp, o.d, name)
		}
	}
	if err == nil && !strings.HasSuffix(name, dirSuffix) {
		o.c.stored.Add(1)
	}
	return err
}

// mkdir makes one of the 256 folders; another process may be faster.
func (o *objects) mkdir(name string) error {
	err := o.d.mkdir(name, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && o.c.opts.Shared {
		return os.Chmod(filepath.Join(o.d.path, name), 0o775|fs.ModeSetgid)
	}
	return err
}

// put stores bytes that have the given hash. The caller has computed it: it is not
// checked again.
func (o *objects) put(h Hash, data []byte) error {
	f, tmp, err := o.create()
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = o.commit(tmp, h.relPath())
	}
	if err != nil {
		o.stage.remove(tmp)
		return fmt.Errorf("store %s: %w", o.c.Path(h), err)
	}
	return nil
}
