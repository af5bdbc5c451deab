package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// An Origin is a dependency that is no file of this machine: a URL, or a path of
// another repository.
type Origin interface {
	// Measure says what is there now, with a checksum. What is missing is an
	// fs.ErrNotExist.
	Measure(ctx context.Context) (dvcfile.LockEntry, error)
	// Compare says how it differs from what is recorded.
	Compare(ctx context.Context, rec *dvcfile.LockEntry) (Verdict, error)
}

// NewOrigin makes the Origin of a dependency as it is written in a file. Package
// data sets it: this package, below it, knows no remotes.
var NewOrigin = func(r *Repo, entry *dvcfile.LockEntry) Origin { return nil }

// UpdateAvailable is a source that has something newer than what was imported.
const UpdateAvailable Verdict = "update available"

// newDependency places a dependency that is written relative to wdir, from the root.
func (r *Repo) newDependency(e dvcfile.LockEntry, wdir string) *Dependency {
	if url := repoURL(&e); url != "" {
		return &Dependency{Declared: Declared{Written: e.Path, Show: fmt.Sprintf("%s (%s)", e.Path, url)}, Origin: NewOrigin(r, &e)}
	}
	if IsURL(e.Path) {
		return &Dependency{Declared: Declared{Written: e.Path, Show: e.Path}, Origin: NewOrigin(r, &e)}
	}
	p := filepath.ToSlash(e.Path)
	if !path.IsAbs(p) && !filepath.IsAbs(e.Path) {
		p = path.Join(wdir, p)
	}
	return &Dependency{Declared: r.declare(e.Path, r.Abs(p))}
}

// repoURL is the repository that a dependency comes from, or "".
func repoURL(e *dvcfile.LockEntry) string {
	v, _ := e.Extra.Get("repo")
	m, _ := v.(*dvcyaml.Map)
	url, _ := m.Get("url")
	s, _ := url.(string)
	return s
}

// IsURL reports a path that is a URL, as in "s3://bucket/key".
func IsURL(path string) bool {
	scheme, _, ok := strings.Cut(path, "://")
	return ok && scheme != "" && !strings.ContainsAny(scheme, `/\\`)
}

// IsRepo reports a dependency that is a path of another repository.
func (d *Dependency) IsRepo() bool { return repoURL(&d.Rec) != "" }

// Versioned reports a dependency whose versions its server keeps.
func (d *Dependency) Versioned() bool {
	if d.Rec.Version() != "" {
		return true
	}
	if _, ok := d.Rec.Extra.Get("files"); ok {
		return true
	}
	v, _ := d.Rec.Extra.Get("fs_config")
	m, _ := v.(*dvcyaml.Map)
	on, _ := m.Get("version_aware")
	return on == true
}

// IsImport reports a .dvc file of data that comes from elsewhere.
func (s *Stage) IsImport() bool { return s.IsDVC() && len(s.Deps) == 1 && len(s.Outs) == 1 }

// IsRepoImport reports an import from another repository.
func (s *Stage) IsRepoImport() bool { return s.IsImport() && s.Deps[0].IsRepo() }

// IsPartialImport reports an import whose content was not fetched.
func (s *Stage) IsPartialImport() bool { return s.IsImport() && s.Outs[0].Rec.Hash.IsZero() }

// SumChanged reports a .dvc file whose own checksum is not that of what it says.
func (s *Stage) SumChanged() (bool, error) {
	if !s.IsDVC() {
		return false, nil
	}
	want, err := s.Dot.Sum()
	return want != s.Dot.MD5, err
}

// compareOrigin is CompareDep for what is no file here.
func compareOrigin(ctx context.Context, d *Dependency) (Verdict, error) {
	v, err := d.Origin.Compare(ctx, &d.Rec)
	if errors.Is(err, fs.ErrNotExist) {
		return Deleted, nil
	}
	return v, err
}

// Differs compares two states of a source by their checksums.
func Differs(now, rec *dvcfile.LockEntry) Verdict {
	name, value := rec.Sum()
	if nowName, nowValue := now.Sum(); name == "" || name != nowName || value != nowValue {
		return modified
	}
	return Same
}
