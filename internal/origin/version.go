package origin

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// versioned reports an import that is bound to versions of a server's objects.
func (u *urlOrigin) versioned() bool {
	d := project.Dependency{Rec: u.rec}
	if d.Versioned() {
		return true
	}
	c, err := u.config()
	return err == nil && (c.Bool("version_aware", false) || c.Bool("worktree", false))
}

// Versioned reports an import whose source keeps what was imported.
func Versioned(s *project.Stage) bool {
	u, ok := Of(s).(*urlOrigin)
	return ok && u.versioned()
}

// unversioned is a file without a version, or "".
func (l *listing) unversioned() string {
	for _, f := range l.files {
		if f.Version == "" || f.Version == "null" {
			return f.Key
		}
	}
	return ""
}

// versions is the list "files" of a directory.
func (l *listing) versions(name string, sums []string) []any {
	files := make([]any, len(l.files))
	for i, f := range l.files {
		m := dvcyaml.NewMap("relpath", l.names[i])
		if name != "" {
			m.Set(name, sums[i])
		}
		if f.Size >= 0 {
			m.Set("size", f.Size)
		}
		m.Set("version_id", f.Version)
		files[i] = m
	}
	return files
}

// fileVersions are the versions by name in a directory.
func fileVersions(e *dvcfile.LockEntry) map[string]string {
	v, _ := e.Extra.Get("files")
	list, _ := v.([]any)
	if list == nil {
		return nil
	}
	out := map[string]string{}
	for _, item := range list {
		m, _ := item.(*dvcyaml.Map)
		name, _ := m.Get("relpath")
		version, _ := m.Get("version_id")
		out[fmt.Sprint(name)] = fmt.Sprint(version)
	}
	return out
}

func sameVersions(a, b *dvcfile.LockEntry) bool {
	x, y := fileVersions(a), fileVersions(b)
	if len(x) != len(y) || a.Version() != b.Version() {
		return false
	}
	for name, version := range x {
		if y[name] != version {
			return false
		}
	}
	return true
}

// wanted are the files to copy: those that are there, or the recorded versions, which
// may be there no more for those who don't ask for them.
func (u *urlOrigin) wanted(ctx context.Context, opts *transfer.Options) (*listing, error) {
	versions := fileVersions(&u.rec)
	if u.rec.Version() == "" && versions == nil {
		l, err := u.list(ctx, opts)
		return l, err
	}
	c, name, _, store, err := u.open(ctx, opts)
	if err != nil {
		return nil, err
	}
	l := &listing{scheme: c.Scheme(), store: store, dir: versions != nil}
	if !l.dir {
		l.files = []transfer.Plain{{Key: name, Size: -1, Version: u.rec.Version()}}
		return l, nil
	}
	if name != "" {
		name += "/"
	}
	for _, file := range slices.Sorted(maps.Keys(versions)) {
		l.names = append(l.names, file)
		l.files = append(l.files, transfer.Plain{Key: name + file, Size: -1, Version: versions[file]})
	}
	return l, nil
}
