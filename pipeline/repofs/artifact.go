package repofs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/reprodl/reprodl/internal/external"
)

// ArtifactOptions say which state of an artifact is meant; nil means the latest
// version.
type ArtifactOptions struct {
	Version string // "v1.2.0"; empty = the highest
	Stage   string // such as "prod": the version that was assigned to it last
}

// artifactName is a name, with the directory of its dvc.yaml in front:
// "models/audio:net".
var artifactName = lazyregexp.New(`^(?:([a-zA-Z0-9\-_./]+):)?([a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?)$`)

// artifactTag is what GTO writes: NAME@VERSION and NAME#STAGE, with "=" for the
// colon of a name, "!" for what takes it back, and a number.
var artifactTag = lazyregexp.New(`^([a-zA-Z0-9\-_./]+=)?([a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?)` +
	`(?:#([a-zA-Z0-9](?:[a-zA-Z0-9\-/_]*[a-zA-Z0-9])?)!?|@(v[0-9][^!#]*)!?|@(?:deprecated|created))(?:#[0-9]+)?$`)

// Artifact finds an artifact of a model registry, whose versions and stages are
// annotated tags as GTO writes them. The name may have the directory of its
// dvc.yaml, or that file, in front ("models:net"). The result is the commit to
// open and the path in it. The error wraps [ErrArtifact] if there is none.
func (f *FS) Artifact(name string, opts *ArtifactOptions) (rev, file string, err error) {
	if opts == nil {
		opts = new(ArtifactOptions)
	}
	if opts.Version != "" && opts.Stage != "" {
		return "", "", errors.New("Artifact version and stage are mutually exclusive.")
	}
	none := fmt.Errorf("%w '%s'", ErrArtifact, name)
	if at := cmp.Or(opts.Version, opts.Stage); at != "" {
		none = fmt.Errorf("%w '%s @ %s'", ErrArtifact, name, at)
	}
	m := artifactName.FindStringSubmatch(name)
	if m == nil {
		return "", "", none
	}
	dir, base := m[1], m[2]
	if path.Base(dir) == "dvc.yaml" {
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
	}
	if rev, err = f.artifactRev(dir, base, opts); err != nil || rev == "" {
		return "", "", cmp.Or(err, none)
	}
	at, err := f.At(f.ctx, rev)
	if err != nil {
		return "", "", err
	}
	defer at.Close()
	list, err := at.r.Artifacts(path.Clean(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	for _, a := range list {
		if a.Name == base {
			return rev, path.Join(dir, a.Path), nil
		}
	}
	return "", "", none
}

// artifactRev is the commit of the tag that is meant; empty if there is none.
func (f *FS) artifactRev(dir, name string, opts *ArtifactOptions) (string, error) {
	tags, err := f.r.Tags(f.ctx)
	if err != nil {
		return "", err
	}
	slices.SortStableFunc(tags, func(a, b external.Tag) int { return cmp.Compare(a.Time, b.Time) })
	commit, highest := "", ""
	for _, t := range tags {
		m := artifactTag.FindStringSubmatch(t.Name)
		if m == nil || strings.TrimSuffix(m[1], "=") != dir || m[2] != name {
			continue
		}
		stage, version := m[3], m[4]
		switch {
		case opts.Version != "" || opts.Stage != "":
			if version == opts.Version && stage == opts.Stage {
				commit = t.Commit
			}
		case semver.IsValid(version) && (highest == "" || semver.Compare(version, highest) >= 0):
			commit, highest = t.Commit, version
		case commit == "": // no version was ever registered
			commit = t.Commit
		}
	}
	return commit, nil
}

// At opens another revision of the same repository, with the same options.
func (f *FS) At(ctx context.Context, rev string) (*FS, error) {
	opts := f.opts
	opts.Rev = rev
	return Open(ctx, f.r.URL, &opts)
}
