//go:build unix

package main

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goldenTree is the repository that a case runs in, with its sibling remote.
type goldenTree struct {
	base, root string
	env        []string
	before     map[string]string // texts before the present step
}

// goldenEntry is a file, link or directory to create.
type goldenEntry struct {
	Path    string
	Text    *string
	Base64  *string
	Symlink *string
	Dir     bool
	Exec    bool
}

// goldenEdit is a change of the tree before a step; one group of fields is set.
type goldenEdit struct {
	Write        *goldenEntry
	Delete       *string
	Rename       string
	To           string
	Chmod        string
	Mode         string
	DeleteCache  *string `json:"delete_cache"`
	DeleteRemote *string `json:"delete_remote"`
	CorruptCache string  `json:"corrupt_cache"`
	Text         string
	GitAdd       string `json:"git_add"`
}

// dvcInit are the files of a fresh repository.
var dvcInit = map[string]string{
	".dvc/config":     "",
	".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
	".dvcignore": "# Add patterns of files dvc should ignore, which could improve\n" +
		"# the performance. Learn more at\n# https://dvc.org/doc/user-guide/dvcignore\n",
}

func newTree(t *testing.T, c *goldenCase) *goldenTree {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	home := filepath.Join(base, "home")
	tree := &goldenTree{base: base, root: filepath.Join(base, "repo"), env: []string{
		"SHELL=/bin/sh", "LC_ALL=C.UTF-8", "TZ=UTC", "PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR=" + filepath.Join(base, "site"),
		"DVC_GLOBAL_CONFIG_DIR=" + home, "DVC_SYSTEM_CONFIG_DIR=" + home,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com",
		"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com",
	}}
	require.NoError(t, os.MkdirAll(filepath.Join(tree.root, ".dvc"), 0o777))
	require.NoError(t, os.MkdirAll(home, 0o777))
	for name, text := range dvcInit {
		tree.write(t, name, text)
	}
	config := configText(t, c.Config)
	if c.Remote {
		config += "[core]\n    remote = origin\n['remote \"origin\"']\n    url = ../../remote\n"
		require.NoError(t, os.MkdirAll(filepath.Join(base, "remote"), 0o777))
	}
	tree.write(t, ".dvc/config", config)
	tree.git(t, "init", "-q", "-b", "main", "--template=")
	tree.git(t, "add", "-A")
	tree.git(t, "commit", "-q", "-m", "init")

	input := filepath.Join(c.dir, "input")
	if _, err := os.Stat(input); err == nil {
		require.NoError(t, copyTree(tree.root, input))
	}
	for _, entry := range c.Inline {
		entry.create(t, tree.root)
	}
	return tree
}

// configText is the .dvc/config for the "config" of a case: a mapping of
// section.key to value, or a list of such pairs.
func configText(t *testing.T, config any) string {
	t.Helper()
	var text strings.Builder
	add := func(key, value string) {
		section, name, ok := strings.Cut(key, ".")
		require.True(t, ok, "config key %q", key)
		if strings.ContainsAny(value, ",#") {
			value = `"` + value + `"`
		}
		fmt.Fprintf(&text, "[%s]\n    %s = %s\n", section, name, value)
	}
	switch config := config.(type) {
	case nil:
	case map[string]any:
		for key, value := range config {
			add(key, fmt.Sprint(value))
		}
	case []any:
		for _, pair := range config {
			pair := pair.([]any)
			add(fmt.Sprint(pair[0]), fmt.Sprint(pair[1]))
		}
	default:
		t.Fatalf("config of the case: %v", config)
	}
	return text.String()
}

// copyTree copies files with plain modes: the cases are stored read-only.
func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(src, path)
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o777)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644|info.Mode().Perm()&0o111)
	})
}

func (tr *goldenTree) write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(tr.root, name), []byte(text), 0o644))
}

func (tr *goldenTree) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = tr.root, tr.env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s: %s", args, out)
	return string(out)
}

func (e goldenEntry) create(t *testing.T, root string) {
	t.Helper()
	path := filepath.Join(root, e.Path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	switch {
	case e.Dir:
		require.NoError(t, os.MkdirAll(path, 0o777))
	case e.Symlink != nil:
		require.NoError(t, os.Symlink(*e.Symlink, path))
	default:
		var data []byte
		if e.Text != nil {
			data = []byte(*e.Text)
		} else if e.Base64 != nil {
			var err error
			data, err = base64.StdEncoding.DecodeString(*e.Base64)
			require.NoError(t, err)
		}
		mode := fs.FileMode(0o644)
		if e.Exec {
			mode = 0o755
		}
		os.Remove(path) // it may be a link into the cache, or read-only
		require.NoError(t, os.WriteFile(path, data, mode))
		require.NoError(t, os.Chmod(path, mode))
	}
}

func (e goldenEdit) apply(t *testing.T, tree *goldenTree) {
	t.Helper()
	at := func(path string) string { return filepath.Join(tree.root, path) }
	inCache := func(path string) string { return filepath.Join(tree.root, ".dvc", "cache", path) }
	mode := func() fs.FileMode {
		m, err := strconv.ParseUint(e.Mode, 8, 32)
		require.NoError(t, err)
		return fs.FileMode(m)
	}
	switch {
	case e.Write != nil:
		e.Write.create(t, tree.root)
	case e.Delete != nil:
		require.NoError(t, os.RemoveAll(at(*e.Delete)))
	case e.Rename != "":
		require.NoError(t, os.Rename(at(e.Rename), at(e.To)))
	case e.Chmod != "":
		require.NoError(t, os.Chmod(at(e.Chmod), mode()))
	case e.DeleteCache != nil:
		require.NoError(t, os.RemoveAll(inCache(*e.DeleteCache)))
	case e.DeleteRemote != nil:
		require.NoError(t, os.RemoveAll(filepath.Join(tree.base, "remote", *e.DeleteRemote)))
	case e.CorruptCache != "":
		path := inCache(e.CorruptCache)
		os.Chmod(path, 0o644)
		require.NoError(t, os.WriteFile(path, []byte(e.Text), 0o644))
		require.NoError(t, os.Chmod(path, mode()))
	case e.GitAdd != "":
		tree.git(t, "add", "-f", e.GitAdd)
	default:
		t.Fatalf("unknown edit %+v", e)
	}
}
