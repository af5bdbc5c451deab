package data

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params/pyjson"
)

// fromSource reports an output whose content is had from where it was imported
// from: another repository, or a source of which nothing but its state is recorded.
func fromSource(o *project.Output) bool {
	return o.From != nil && (o.From.IsRepo() || o.Rec.Hash.IsZero() || o.From.Versioned())
}

// fetchImports fetches the content of imports, each from its source, and returns how
// many files that were. One that fails is noted, and the others go on.
func (r *Repo) fetchImports(ctx context.Context, opts *TransferOptions, outs []*project.Output, failure *TransferError) (int, error) {
	x := (&ImportOptions{Jobs: opts.Jobs, Progress: opts.Progress, Ask: opts.Ask}).transferOptions()
	x.Bandwidth = opts.Bandwidth
	n := 0
	seen := map[string]bool{}
	for _, o := range outs {
		want, known := r.imported(o)
		key := importKey(o) + want.Hash.String()
		if seen[key] {
			continue
		}
		seen[key] = true
		if known {
			missing, err := r.p.Cache().Missing(ctx, want.Hash)
			if err != nil {
				return n, err
			}
			if len(missing) == 0 {
				continue
			}
		}
		if opts.DryRun {
			r.p.Log.Info(fmt.Sprintf("'%s' would be fetched from '%s'.", o.Show, o.From.Show))
			continue
		}
		before := r.p.Cache().Stored()
		m, err := origin.Fetch(ctx, r.p, o, x)
		n += r.p.Cache().Stored() - before
		if err != nil {
			if ctx.Err() != nil {
				return n, context.Cause(ctx)
			}
			err = fmt.Errorf("failed to fetch '%s' from '%s': %w", o.Show, o.From.Show, err)
			// A source that is another by now is no error of a fetch, as in DVC; the
			// checkout misses the data.
			if errors.As(err, new(*origin.ChangedError)) {
				r.p.Log.Warn(err.Error())
				continue
			}
			failure.Errs = append(failure.Errs, err)
			failure.Count++
			continue
		}
		if o.Rec.Hash.IsZero() {
			if err := r.noteImport(o, m); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// importKey names the state of a source that is recorded of an import.
func importKey(o *project.Output) string {
	dep := dvcfile.DotOut{Entry: o.From.Rec}
	text, _ := pyjson.Marshal(dep.Map(), pyjson.Style{SortKeys: true, ASCII: true})
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}

// fetchedImport is what a fetch found out of an import of which nothing is recorded.
type fetchedImport struct {
	Hash  object.Hash
	Size  int64
	Files int
}

func (r *Repo) importsFile(key string) string {
	return filepath.Join(r.p.TmpDir(), "reprodl", "imports", key)
}

// noteImport remembers what such an import is, for a checkout. Losing it only means
// that it is fetched again.
func (r *Repo) noteImport(o *project.Output, m object.Meta) error {
	data, err := json.Marshal(fetchedImport{m.Hash, m.Size, m.Files})
	if err != nil {
		return err
	}
	file := r.importsFile(importKey(o))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(file, data, nil)
}

// imported is what an output holds: what is recorded or, of an import of which
// nothing is, what a fetch has found out.
func (r *Repo) imported(o *project.Output) (object.Meta, bool) {
	if !o.Rec.Hash.IsZero() || o.From == nil {
		return o.Rec, !o.Rec.Hash.IsZero()
	}
	data, err := os.ReadFile(r.importsFile(importKey(o)))
	var f fetchedImport
	if err != nil || json.Unmarshal(data, &f) != nil {
		return object.Meta{}, false
	}
	return object.Meta{Hash: f.Hash, Size: f.Size, Files: f.Files}, !f.Hash.IsZero()
}

// filled are pieces with what is known of imports of which nothing is recorded.
func (r *Repo) filled(outs []project.Piece) []project.Piece {
	for i, o := range outs {
		if m, ok := r.imported(o.Output); ok && o.Rec.Hash.IsZero() {
			known := *o.Output
			known.Rec = m
			outs[i].Output = &known
		}
	}
	return outs
}

var errNotFetched = errors.New("it was imported without its data, which has not been fetched: dvc pull")
