package values

import (
	"context"
	"errors"
	"path"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// imports are the outputs of a view that came from another repository, which has them
// still when neither the cache nor a remote does.
type imports struct {
	ctx   context.Context
	index *project.Index
	files map[string]string // .dvc file by path of the output
	asked map[string]bool   // outputs that were fetched, or could not be
}

func (im *imports) note(f *dvcfile.DotDVC) {
	for _, d := range f.Deps {
		if _, ok := d.Entry.Extra.Get("repo"); ok {
			for n := range f.Outs {
				im.files[f.OutPath(n)] = f.Path
			}
		}
	}
}

// bring fetches the import that name is or lies in, once, if that is what err is for.
// It reports whether there is something new to read.
func (im *imports) bring(name string, err error) bool {
	if !errors.As(err, new(*transfer.NowhereError)) {
		return false
	}
	out := name
	for im.files[out] == "" {
		if out = path.Dir(out); out == "." || out == "/" {
			return false
		}
	}
	if im.asked[out] {
		return false
	}
	im.asked[out] = true
	stages, err := im.index.Load(im.files[out])
	if err != nil {
		return false
	}
	for _, s := range stages {
		for _, o := range s.Outs {
			if o.From == nil || !o.From.IsRepo() || o.Rec.Hash.IsZero() || im.index.FromRoot(o.Abs) != out {
				continue
			}
			_, err := origin.Fetch(im.ctx, im.index.Repo, o, nil)
			if err != nil {
				im.index.Repo.Log.Debug(err.Error())
			}
			return err == nil
		}
	}
	return false
}
