package origin

import (
	"context"
	"path"
	"strings"

	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// Tree is what a directory consists of that was imported from another repository, as
// that one says: neither the cache nor a remote may have its manifest. It is false
// where the source is gone, or has something else.
func Tree(ctx context.Context, o *project.Output) ([]object.Entry, bool) {
	if o.From == nil || !o.From.IsRepo() || !o.Rec.Hash.IsDir() {
		return nil, false
	}
	src, ok := o.From.Origin.(*repoOrigin)
	if !ok {
		return nil, false
	}
	r, err := src.open(ctx, false, nil)
	if err != nil {
		return nil, false
	}
	defer r.Close()
	top, known := src.path(), true
	var entries []object.Entry
	err = r.Walk(ctx, top, func(n *external.Node) error {
		if n.Dir || external.IsDVCFile(n.Path) {
			return nil
		}
		known = known && !n.Hash.IsZero() && !n.Git
		entries = append(entries, object.Entry{Path: strings.TrimPrefix(path.Clean(n.Path), top+"/"), Hash: n.Hash})
		return nil
	})
	if err != nil || !known {
		return nil, false
	}
	object.SortEntries(entries)
	_, h, err := object.HashManifest(entries)
	return entries, err == nil && h == o.Rec.Hash
}
