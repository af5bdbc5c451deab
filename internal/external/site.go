package external

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/reprodl/reprodl/internal/project"
)

// SiteCacheDir is where DVC keeps what the repositories of a machine share and
// may be lost: DVC_SITE_CACHE_DIR, or else core.site_cache_dir, or else a
// directory of the system.
func SiteCacheDir(env []string, configured string) string {
	if dir := project.Getenv(env, "DVC_SITE_CACHE_DIR"); dir != "" {
		return dir
	}
	if configured != "" {
		return configured
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(project.Getenv(env, "PROGRAMDATA"), "iterative", "dvc", "Cache")
	case "darwin":
		return "/Library/Caches/dvc"
	}
	return "/var/tmp/dvc"
}

// cloneRoot is the directory of clones below the site's cache: the user's own,
// since a repository that somebody else can write to runs their commands.
func cloneRoot(env []string, configured string) (string, error) {
	dir, err := ownDir(SiteCacheDir(env, configured))
	if err == nil {
		return dir, nil
	}
	// The system's directory may be root's.
	return ownDir(filepath.Join(os.TempDir(), "dvc"))
}

func ownDir(site string) (string, error) {
	// Shared by all users, as DVC makes it; but none may move another's away.
	if _, err := os.Stat(site); err != nil {
		if err := os.MkdirAll(site, 0o777); err != nil {
			return "", err
		}
		_ = os.Chmod(site, 0o777|os.ModeSticky) // a file system without modes has no other users
	}
	dir := filepath.Join(site, "clones-"+userName())
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	return dir, checkOwner(dir, fi)
}
