//go:build unix

package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// walk calls each for all files and directories below dir, which may be
// missing, with slash-separated relative paths.
func walk(t *testing.T, dir string, each func(rel, path string, info fs.FileInfo) error) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) && path == dir {
			return nil
		}
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		return each(filepath.ToSlash(rel), path, info)
	})
	require.NoError(t, err)
}

// skipOwn leaves out the repositories' own directories.
func skipOwn(rel string, info fs.FileInfo) error {
	if info.IsDir() && (rel == ".git" || rel == ".dvc") {
		return fs.SkipDir
	}
	return nil
}

// isMeta tells the files that DVC keeps beside data; they are compared byte
// for byte and left out of the list of the workspace.
func isMeta(rel string) bool {
	base := rel[strings.LastIndexByte(rel, '/')+1:]
	return base == "dvc.lock" || base == "dvc.yaml" || base == ".gitignore" || base == ".dvcignore" ||
		strings.HasSuffix(base, ".dvc")
}

// texts are the contents of all files whose text may be compared.
func (tr *goldenTree) texts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	walk(t, tr.root, func(rel, path string, info fs.FileInfo) error {
		switch {
		case info.IsDir():
			return skipOwn(rel, info)
		case !info.Mode().IsRegular():
			return nil
		}
		switch filepath.Ext(rel) {
		case ".yaml", ".yml", ".json", ".toml", ".py":
		default:
			if !isMeta(rel) || strings.HasSuffix(rel, ".dvcignore") {
				return nil
			}
		}
		data, err := os.ReadFile(path)
		texts[rel] = string(data)
		return err
	})
	return texts
}

// workspace lists all files that are not meta files, as the expectations do.
func (tr *goldenTree) workspace(t *testing.T) map[string]any {
	t.Helper()
	list := map[string]any{}
	cache := filepath.Join(tr.root, ".dvc", "cache")
	walk(t, tr.root, func(rel, path string, info fs.FileInfo) error {
		switch {
		case info.IsDir():
			entries, err := os.ReadDir(path)
			if err == nil && len(entries) == 0 {
				list[rel+"/"] = map[string]any{"path": rel + "/", "empty_dir": true}
			}
			return skipOwn(rel, info)
		case isMeta(rel):
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if in, ok := strings.CutPrefix(to, cache); ok {
				to = "<CACHE>" + in
			}
			list[rel] = map[string]any{"path": rel, "symlink": to}
			return err
		default:
			data, err := os.ReadFile(path)
			sum := md5.Sum(data)
			list[rel] = map[string]any{
				"path": rel, "md5": hex.EncodeToString(sum[:]),
				"size": fmt.Sprint(len(data)), "mode": mode(info),
			}
			return err
		}
		return nil
	})
	return list
}

func mode(info fs.FileInfo) string { return fmt.Sprintf("%04o", info.Mode().Perm()) }

// objects lists a cache or remote, without the run cache, by name.
func objects(t *testing.T, dir string, runs bool) map[string]any {
	t.Helper()
	list := map[string]any{}
	walk(t, dir, func(rel, path string, info fs.FileInfo) error {
		if info.IsDir() {
			if rel == "runs" && !runs {
				return fs.SkipDir
			}
			return nil
		}
		entry := map[string]any{"name": rel, "size": fmt.Sprint(info.Size()), "mode": mode(info)}
		list[rel] = entry
		if !strings.HasSuffix(rel, ".dir") {
			return nil
		}
		data, err := os.ReadFile(path)
		entry["content"] = string(data)
		return err
	})
	return list
}

// runs are the files of the run cache with their contents.
func (tr *goldenTree) runs(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	walk(t, filepath.Join(tr.root, ".dvc", "cache", "runs"), func(rel, path string, info fs.FileInfo) error {
		if info.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		list["runs/"+rel] = string(data)
		return err
	})
	return list
}

// gitStatus are the sorted lines of git status.
func (tr *goldenTree) gitStatus(t *testing.T) []string {
	t.Helper()
	out := strings.TrimRight(tr.git(t, "status", "--porcelain", "-uall"), "\n")
	if out == "" {
		return []string{}
	}
	lines := strings.Split(out, "\n")
	sort.Strings(lines)
	return lines
}
