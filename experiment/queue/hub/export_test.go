package hub

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// keyFilesReadableByOthers lists files of secrets that others may read.
func (h *Hub) keyFilesReadableByOthers() (bad []string) {
	for _, name := range []string{"keys.json", "hub.pem", "port"} {
		if fi, err := fs.Stat(os.DirFS(h.path), name); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
			bad = append(bad, filepath.Join(h.path, name))
		}
	}
	return bad
}

// WithTerm makes a hub give way sooner than users' do.
func WithTerm(o Options) *Options {
	o.term = testTerm
	return &o
}

// Kept is how many objects of a kind the site's server has.
func (h *Hub) Kept(ctx context.Context, kind string) (n int) {
	list, _ := h.keeper.store.List(ctx)
	for _, o := range list {
		if strings.HasPrefix(o.Name, kind) {
			n++
		}
	}
	return n
}

// Site is that of the tests within the package.
var Site = site

// SiteCluster is that of the tests within the package.
var SiteCluster = siteCluster
