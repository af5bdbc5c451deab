package project

import (
	"io/fs"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/pipeline/config"
)

// A Source is a repository that is only read: the tree of a commit, or a working
// tree.
type Source struct {
	Files  fs.FS  // the repository's directory
	Root   string // absolute path that it stands for; there need be nothing
	Work   bool   // Files are the working tree at Root, where git's patterns hold, too
	Local  string // a .dvc directory on disk whose config.local holds, too; may be empty
	Commit string // id of the commit that Files are of; may be empty
	Temp   string // directory for what may be lost
	Cache  string // cache directory; empty = what the configuration says
}

// At is a repository at a Source.
func At(s Source, opts Options) *Repo {
	r := newRepo(s.Root, s.Root, opts)
	r.source = &s
	return r
}

// loadConfig reads the configuration from where the repository is.
func (r *Repo) loadConfig() (*config.Config, error) {
	getenv := func(name string) string { return Getenv(r.Env, name) }
	dir := filepath.Join(r.Root, ".dvc")
	if s := r.source; s != nil {
		return config.LoadAt(dir, s.Local, func() ([]byte, error) { return fs.ReadFile(s.Files, ".dvc/config") }, getenv)
	}
	return config.Load(dir, getenv)
}

// newIgnore is what .dvcignore files say.
func (r *Repo) newIgnore() *ignore.Tree {
	if r.source != nil {
		return ignore.DVCIn(r.source.Files, r.Root)
	}
	return ignore.DVC(r.Root)
}
