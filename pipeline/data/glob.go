package data

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// globPaths expands shell patterns, "**" included.
func (r *Repo) globPaths(patterns []string) ([]string, error) {
	var out []string
	for _, pattern := range patterns {
		found, err := r.glob(pattern)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("Glob %s has no matches.", pyList(patterns))
		}
		out = append(out, found...)
	}
	return out, nil
}

// glob expands one pattern. Python's glob, which DVC calls with recursive=True,
// lets "**" stand for any number of directories, none included; filepath.Glob
// doesn't know it. What follows "**/" is taken for the pattern of a name, as in
// "data/**/*.csv".
func (r *Repo) glob(pattern string) ([]string, error) {
	if !strings.Contains(pattern, "**") {
		matches, err := filepath.Glob(r.p.UserPath(pattern))
		for i := range matches {
			matches[i] = r.p.Rel(matches[i])
		}
		return matches, err
	}
	var out []string
	top, rest, _ := strings.Cut(filepath.ToSlash(pattern), "**")
	rest = strings.TrimPrefix(rest, "/")
	err := filepath.WalkDir(r.p.UserPath(top), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ok, err := filepath.Match(rest, e.Name()); err != nil || !ok && rest != "" {
			return err
		}
		out = append(out, r.p.Rel(path))
		return nil
	})
	return out, err
}
