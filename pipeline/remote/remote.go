package remote

import (
	"context"
	"io"
	"iter"
	"time"
)

// A Remote stores bytes under keys: relative paths with slashes, clean in the
// sense of path.Clean, that fs.ValidPath accepts. The same key names the same
// object on every kind of remote. Implementations are safe for concurrent use.
type Remote interface {
	// Stat tells about an object. A missing one is an error wrapping ErrNotFound.
	Stat(ctx context.Context, key string) (Info, error)
	// Open streams an object from offset on, length bytes or, if length is
	// negative, all that follow. Reading may end with an Error whose Temporary
	// is set; the caller then opens again where it stopped.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Put stores a source under a key, replacing what is there. Others see the
	// old content or the new one; if reading the source fails, or it is not of
	// its size, the old one. The Info is what the server said of the object, at
	// least its size.
	Put(ctx context.Context, key string, src Source) (Info, error)
	// Remove deletes keys, many in a request where the server can. A missing
	// key is no error.
	Remove(ctx context.Context, keys ...string) error
}

// A Lister is a Remote that can tell what it holds.
type Lister interface {
	Remote
	// List yields all objects below a prefix, which ends in a slash or is
	// empty, in no particular order. A prefix that nothing is below yields nothing.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Versioned is a Remote that may keep what Put and Remove replaced. Whether it
// does is up to its server: an Info without a Version says that it does not.
type Versioned interface {
	Lister
	// StatVersion is Stat for one version of an object.
	StatVersion(ctx context.Context, key, version string) (Info, error)
	// OpenVersion is Open for one version of an object.
	OpenVersion(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error)
	// ListVersions is List for all versions, of each key the newest first.
	ListVersions(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// A VersionKeeper is a Versioned remote whose versions alone don't tell whether they
// are kept: Google names one also where they are not.
type VersionKeeper interface {
	Versioned
	// KeepsVersions reports whether the server keeps what is replaced; true, too, where
	// it doesn't tell this caller.
	KeepsVersions(ctx context.Context) (bool, error)
}

// Info is what a remote tells about an object without its bytes.
type Info struct {
	Key  string
	Size int64 // bytes; -1 = the server doesn't say
	// ETag changes when the content does. It is spelled as DVC records it:
	// S3's without its quotes, HTTP's and Azure's with them. Empty where there
	// is none.
	ETag string
	// Modified is when the content changed, by the server's clock and as exactly as it
	// tells; zero where it doesn't. It takes the place of a missing ETag: drivers whose
	// servers always have one may leave it out.
	Modified time.Time
	// Version names this version of the object; empty where versions are not kept.
	// Google names one also then.
	Version string
	// Deleted marks a version, in ListVersions, that says the object is gone.
	Deleted bool
}
