package experiment

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/config"
)

// skipper tells what DVC does not look at in a working tree.
func skipper(root string) func(string, bool) bool {
	dvc, git := ignore.DVC(root), ignore.Git(root, "")
	return func(p string, dir bool) bool { return dvc.Ignored(p, dir) || git.Ignored(p, dir) }
}

// objects is the DVC cache, wherever the configuration puts it; nil, and then
// nothing is read from it, if that cannot be read.
func (r *Repo) objects() *object.Cache {
	p, err := project.Open(r.root, project.Options{Env: r.opts.Env})
	if err != nil {
		return nil
	}
	return p.Cache()
}

// shareCache makes a copy of the repository use the cache of this one. Local
// settings, such as credentials of remotes, are copied.
func (r *Repo) shareCache(root string) error {
	const local = "config.local"
	data, err := os.ReadFile(filepath.Join(r.root, ".dvc", local))
	if err == nil {
		err = os.WriteFile(filepath.Join(root, ".dvc", local), data, 0o600)
	}
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	c, err := config.Load(filepath.Join(root, ".dvc"), r.getenv)
	if err != nil {
		return err
	}
	cache := r.objects()
	if cache == nil {
		return nil
	}
	// In config.local of the copy, which git ignores and no commit takes in.
	return c.Set(config.Local, "cache", "dir", cache.Dir(), root)
}

// getenv looks into the environment given to Open.
func (r *Repo) getenv(name string) string {
	// The last of several settings counts, as in os/exec.
	for _, kv := range slices.Backward(r.opts.Env) {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}
