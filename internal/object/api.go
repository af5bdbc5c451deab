package object

import (
	"context"
	"errors"
	"io"
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
type Hasher struct{}

// NewHasher never fails: a memo that cannot be read is an empty one.
func NewHasher(opts *HasherOptions) *Hasher { return &Hasher{} }

// Hash returns the hash of the file or directory at path (absolute or relative
// to the process), following symbolic links as DVC does. A missing path is an error wrapping
// fs.ErrNotExist.
func (h *Hasher) Hash(ctx context.Context, path string) (Meta, error) {
	return Meta{}, errors.ErrUnsupported
}

// HashLegacy is Hash as DVC 2 computed it. The result is a legacy hash.
func (h *Hasher) HashLegacy(ctx context.Context, path string) (Meta, error) {
	return Meta{}, errors.ErrUnsupported
}

// Matches reports whether path now holds want, by want's own kind of hash. A missing path is an error.
func (h *Hasher) Matches(ctx context.Context, path string, want Hash) (bool, error) {
	return false, errors.ErrUnsupported
}

// Close writes the memo, if anything new was learned.
func (h *Hasher) Close() error { return nil }

// LinkType is a way of getting an object into the workspace.
type LinkType string

// The link types of cache.type.
const (
	Reflink  LinkType = "reflink"
	Hardlink LinkType = "hardlink"
	Symlink  LinkType = "symlink"
	Copy     LinkType = "copy"
)

// CacheOptions: nil means DVC's defaults.
type CacheOptions struct {
	Links  []LinkType // in order of preference; nil = reflink, copy
	Shared bool       // cache.shared = group: modes 0664 and 02775
	Jobs   int        // 0 = one per core
}

// Cache is a DVC cache directory. It is safe for concurrent use, also by
// several processes.
type Cache struct{}

// ErrMissing says that the cache lacks an object; ErrCorrupt that an object's bytes do
// not have its hash (it has been removed then). The error text names the object.
var (
	ErrMissing = errors.New("object is not in the cache")
	ErrCorrupt = errors.New("object in the cache is corrupt")
)

// OpenCache returns the cache below dir (.dvc/cache). Nothing is created before something is added.
func OpenCache(dir string, opts *CacheOptions) *Cache { return &Cache{} }

// Dir returns the directory given to OpenCache.
func (c *Cache) Dir() string { return "" }

// Path returns where the object of h lies, present or not.
func (c *Cache) Path(h Hash) string { return "" }

// Add hashes the file or directory at path and stores what it hashed. legacy asks
// for DVC 2 hashing and place. The workspace is not touched; see Relink.
func (c *Cache) Add(ctx context.Context, hs *Hasher, path string, legacy bool) (Meta, error) {
	return Meta{}, errors.ErrUnsupported
}

// Relink makes the path, which holds h, what it would be had it been checked out: a file is recreated
// from the cache; in a directory only files whose link type is not the wanted one are.
func (c *Cache) Relink(ctx context.Context, hs *Hasher, path string, m Meta) error {
	return errors.ErrUnsupported
}

// Has reports whether the object (for a directory: and those of all its files) is in the cache. Objects
// whose mode is not 0444 are hashed first and removed when wrong, as DVC does.
func (c *Cache) Has(ctx context.Context, h Hash) (bool, error) { return false, errors.ErrUnsupported }

// Missing returns the hashes among h and, for a directory, its files, that the cache lacks.
func (c *Cache) Missing(ctx context.Context, h Hash) ([]Hash, error) { return nil, errors.ErrUnsupported }

// Open returns the bytes of an object; reading to the end of a damaged one gives ErrCorrupt instead of io.EOF.
func (c *Cache) Open(h Hash) (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

// Tree returns the files of the directory h, sorted; legacy if h is.
func (c *Cache) Tree(h Hash) ([]Entry, error) { return nil, errors.ErrUnsupported }

// Verify hashes the object (and a directory's files) whatever its mode is.
func (c *Cache) Verify(ctx context.Context, h Hash) error { return errors.ErrUnsupported }

// CheckoutOptions: nil means none.
type CheckoutOptions struct {
	Force  bool // overwrite and delete files whose content is not in the cache
	Relink bool // recreate files whose link type is not the wanted one
	Exec   bool // set the owner's execute bit of a file
}

// Change says what Checkout did to a path.
type Change byte

// The changes, as DVC prints them. Zero = none.
const (
	Added    Change = 'A'
	Modified Change = 'M'
	Deleted  Change = 'D'
)

// UnsavedError lists files that would have been lost.
type UnsavedError struct{ Paths []string }

func (e *UnsavedError) Error() string {
	return "Can't remove the following unsaved files without confirmation. Use `--force` to force."
}

// Checkout makes path hold h; the zero Hash means that nothing shall be there. Nothing is
// changed unless every object is there, and unless whatever gets lost is in the cache or Force is set (*UnsavedError).
func (c *Cache) Checkout(ctx context.Context, hs *Hasher, path string, h Hash, opts *CheckoutOptions) (Change, error) {
	return 0, errors.ErrUnsupported
}
