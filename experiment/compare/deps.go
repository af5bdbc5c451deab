package compare

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

// deps lists what the stages and imports from URLs depend on, not what is imported
// from other repositories. DVC fills a dict by path, so a path that two stages
// depend on is there once, where it came first and with the hash of the last.
func (c *collector) deps() []Dep {
	var list []Dep
	at := map[string]int{}
	add := func(d Dep) {
		if i, ok := at[d.Path]; ok {
			list[i] = d // the last one counts, in the place of the first
			return
		}
		at[d.Path] = len(list)
		list = append(list, d)
	}
	for _, item := range c.items {
		if d := item.DotDVC; d != nil {
			for i := range d.Deps {
				if e := &d.Deps[i].Entry; !fromElsewhere(e) {
					add(depOfEntry(c.depPath(e.Path, d.Wdir), e))
				}
			}
			continue
		}
		for _, s := range item.File.Stages {
			lock := item.File.Lock.Stage(s.Name)
			for _, p := range s.Deps {
				var e *dvcfile.LockEntry
				if lock != nil {
					e = dvcfile.Entry(lock.Deps, p)
				}
				add(depOfEntry(c.depPath(p, s.Path(".")), e))
			}
		}
	}
	return list
}

// fromElsewhere reports what DVC does not list: parts of other repositories,
// queries of databases and datasets.
func fromElsewhere(e *dvcfile.LockEntry) bool {
	for _, key := range []string{"repo", "db"} {
		if _, ok := e.Extra.Get(key); ok {
			return true
		}
	}
	return strings.HasPrefix(e.Path, "ds://")
}

// depOfEntry has the sum of the server where there is no MD5.
func depOfEntry(p string, e *dvcfile.LockEntry) Dep {
	if e == nil {
		return Dep{Path: p, Size: -1, NFiles: -1}
	}
	d := depOfOut(p, e)
	if _, sum := e.Sum(); e.Hash.IsZero() && sum != "" {
		d.Hash = sum
		if !e.NoSize {
			d.Size = e.Size
		}
	}
	return d
}

// depOfOut has -1 for a size or count that is not known, which DVC's JSON
// has as null. Only a directory has a count of files.
func depOfOut(p string, e *dvcfile.LockEntry) Dep {
	d := Dep{Path: p, Size: -1, NFiles: -1}
	if e.Hash.IsZero() {
		return d
	}
	d.Hash = e.Hash.String()
	if !e.NoSize {
		d.Size = e.Size
	}
	if e.Hash.IsDir() && !(e.NoSize && e.Files == 0) { // the first lock files had neither
		d.NFiles = e.Files
	}
	return d
}

// depPath is how DVC shows a dependency that is written in a file whose paths are
// relative to dir: relative to the root. The path of a URL is what DVC's file systems
// have after the scheme, or for a web page all of it.
func (c *collector) depPath(p, dir string) string {
	if strings.HasPrefix(p, "remote://") && c.contents != nil {
		p = c.contents.Resolve(p)
	}
	scheme, rest, isURL := strings.Cut(p, "://")
	switch {
	case !isURL && filepath.IsAbs(p):
		return c.fromRoot(p)
	case !isURL:
		return path.Join(dir, filepath.ToSlash(p))
	case scheme == "ssh" || scheme == "sftp" || scheme == "hdfs":
		if u, err := url.Parse(p); err == nil {
			return c.fromRoot(u.Path)
		}
	case scheme == "http" || scheme == "https" || scheme == "webdav" || scheme == "webdavs":
		return path.Clean(p)
	}
	return path.Clean(rest)
}

// fromRoot is an absolute path as DVC shows it.
func (c *collector) fromRoot(abs string) string {
	if c.contents == nil {
		return abs
	}
	rel, err := filepath.Rel(c.contents.Root(), abs)
	if err != nil {
		return abs
	}
	return filepath.ToSlash(rel)
}
