package external

import (
	"bytes"
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
)

// Tag is an annotated tag.
type Tag struct {
	Name   string // without refs/tags/
	Time   int64  // seconds since 1970
	Commit string
}

// Tags lists the annotated tags. Those that only name a commit say nothing of
// when they were made, and are left out, as in a model registry.
func (r *Repo) Tags(ctx context.Context) ([]Tag, error) {
	if r.git == nil {
		return nil, nil
	}
	refs, err := r.git.Refs(ctx, "refs/tags/")
	if err != nil {
		return nil, err
	}
	var out []Tag
	for _, ref := range refs {
		kind, data, err := r.git.Object(ctx, ref.ID)
		if err != nil {
			return nil, err
		}
		if kind != git.Tag {
			continue
		}
		c, err := r.git.Commit(ctx, ref.ID)
		if err != nil {
			continue // of a tree or a file
		}
		out = append(out, Tag{strings.TrimPrefix(ref.Name, "refs/tags/"), tagTime(data), string(c.ID)})
	}
	return out, nil
}

// tagTime reads "tagger NAME <EMAIL> SECONDS ZONE".
func tagTime(data []byte) int64 {
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\n")
		if len(line) == 0 {
			break
		}
		if f := bytes.Fields(line); string(f[0]) == "tagger" && len(f) > 3 {
			n, err := strconv.ParseInt(string(f[len(f)-2]), 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// Artifacts are those that the dvc.yaml of a directory declares; their paths are
// relative to it. A missing file is an fs.ErrNotExist.
func (r *Repo) Artifacts(dir string) ([]dvcfile.Artifact, error) {
	p, err := r.partOf(path.Clean(dir))
	if err != nil {
		return nil, err
	}
	if err := p.collect(); err != nil {
		return nil, err
	}
	file := path.Join(below(path.Clean(dir), p.dir), dvcfile.ProjectName)
	project := p.index.Projects[file]
	if project == nil {
		return nil, notExist("open", path.Join(dir, dvcfile.ProjectName))
	}
	return project.Artifacts, nil
}
