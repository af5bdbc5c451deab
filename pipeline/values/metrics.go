package values

import (
	"context"
	"errors"
	"io/fs"
	"math/big"
	"path"
	"path/filepath"
	"reflect"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/data"
)

// RevValues is what the files of values hold at one revision.
type RevValues struct {
	Rev   string // "" or Workspace for the working tree
	Files []FileValues
	Err   error // the revision cannot be read; Files is nil
}

// FileValues is the content of one file of values.
type FileValues struct {
	Path string // relative to the Repo's Dir
	Data any    // numbers, strings, booleans, lists and *params.Map; nil if Err is set
	Err  *ValueError
}

// ShowOptions select what Metrics shows; nil means all metrics of the working
// tree.
type ShowOptions struct {
	Revisions
	// Targets are files or directories to show instead of those declared,
	// relative to the Repo's Dir.
	Targets []string
}

// Metrics reads the metrics that stages produce and that dvc.yaml files
// declare, at each revision. If all branches, tags or commits are selected and
// the working tree equals the current branch it is left out, as DVC does.
func Metrics(ctx context.Context, repo *data.Repo, opts *ShowOptions) ([]RevValues, error) {
	r := project.Of(repo)
	if opts == nil {
		opts = &ShowOptions{}
	}
	all, err := gather(ctx, r, "metrics", &opts.Revisions, func(v *view) []FileValues { return v.metrics(opts.Targets) })
	// DVC leaves the working tree out only where it chose it by itself.
	if err != nil || len(opts.Revs) > 0 {
		return all, err
	}
	return hideWorkspace(ctx, r, all), nil
}

// gather reads values, of which what is the name, at each revision of a selection.
func gather(ctx context.Context, r *project.Repo, what string, sel *Revisions, read func(*view) []FileValues) ([]RevValues, error) {
	var all []RevValues
	err := eachView(ctx, r, sel, func(name string, v *view, err error) error {
		if err != nil {
			r.Log.Warn("failed to load " + what + " in revision '" + name + "', " + dvcfile.Brief(err))
			all = append(all, RevValues{Rev: name, Err: err})
			return nil
		}
		all = append(all, RevValues{Rev: name, Files: read(v)})
		return nil
	})
	return all, err
}

// hideWorkspace drops the working tree if the current branch is shown with the
// same values.
func hideWorkspace(ctx context.Context, r *project.Repo, all []RevValues) []RevValues {
	if len(all) < 2 {
		return all
	}
	_, branch, err := head(ctx, r)
	if err != nil || branch == "" {
		return all
	}
	// The working tree always comes first. A detached HEAD has no branch that could
	// stand for it.
	for _, v := range all[1:] {
		if v.Rev == branch && sameValues(v.Files, all[0].Files) {
			return all[1:]
		}
	}
	return all
}

// sameValues wants the same files in the same order. Errors are never the same:
// what cannot be read is always shown.
func sameValues(a, b []FileValues) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Err != nil || b[i].Err != nil || a[i].Path != b[i].Path || !params.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}

// metrics reads the metrics of a view: those of stages first, then those that
// are only declared.
func (v *view) metrics(targets []string) []FileValues {
	names := v.fromUser(targets)
	if len(targets) == 0 {
		names = v.declaredMetrics()
	}
	var all []FileValues
	files := v.expand(names)
	v.prefetch(files)
	for _, name := range files {
		f := v.values(name)
		if f.Err == nil {
			f.Data, _ = metric(f.Data)
			// DVC shows a file of nothing usable as an empty mapping, not as an error.
			if isFalsy(f.Data) {
				f.Data = &params.Map{}
			}
		}
		all = append(all, f)
	}
	return all
}

// declaredMetrics lists paths from the root. A directory of DVCLive has its
// metrics beside it, in a file of its name with .json.
func (v *view) declaredMetrics() []string {
	var names []string
	for _, s := range v.stages() {
		for _, o := range s.Outs {
			switch {
			case o.Kind == dvcfile.Metric:
				names = append(names, s.Path(o.Path))
			case o.Kind == dvcfile.Live && o.LiveSummary:
				names = append(names, s.Path(o.Path+".json"))
			}
		}
	}
	for _, i := range v.items {
		if i.File != nil {
			for _, m := range i.File.Metrics {
				names = append(names, path.Join(i.File.Dir(), m))
			}
		}
	}
	return names
}

// fromUser turns paths relative to the working directory into ones from the
// root.
func (v *view) fromUser(targets []string) []string {
	var names []string
	for _, t := range targets {
		rel, err := filepath.Rel(v.repo.Root, v.repo.UserPath(t))
		if err != nil {
			rel = t
		}
		names = append(names, filepath.ToSlash(rel))
	}
	return names
}

// values reads one file of values.
func (v *view) values(name string) FileValues {
	f := FileValues{Path: v.show(name)}
	data, err := v.read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Err = missing(name, err)
		return f
	case err != nil:
		f.Err = &ValueError{Type: "OSError", Msg: err.Error(), Err: err}
		return f
	}
	values, err := parseValues(name, data)
	if err != nil {
		f.Err = v.corrupted(name, err)
		return f
	}
	f.Data = values.Value()
	return f
}

// errEncoding is a file that is no text. DVC decodes before it parses.
var errEncoding = errors.New("not valid UTF-8")

func parseValues(name string, data []byte) (*params.Values, error) {
	if !utf8.Valid(data) {
		return nil, errEncoding
	}
	return params.Parse(name, data)
}

// show is the path as the caller sees it: relative to the working directory,
// with slashes on all systems.
func (v *view) show(name string) string {
	return filepath.ToSlash(v.repo.Rel(v.repo.Abs(name)))
}

// corrupted is how DVC calls a file that cannot be parsed. Its path is the one in
// DVC's file system of a repository, whose root is "/": DVC takes that for one of
// this machine, and shows it relative to the working directory.
func (v *view) corrupted(name string, err error) *ValueError {
	shown, relErr := filepath.Rel(v.repo.Dir, string(filepath.Separator)+filepath.FromSlash(name))
	if relErr != nil {
		shown = name
	}
	return corrupted(name, filepath.ToSlash(shown), err)
}

// corrupted names the parser, which goes by the ending, and not what it stumbled
// over: that is in err.
func corrupted(name, shown string, err error) *ValueError {
	kind := map[string]string{".json": "JSON", ".toml": "TOML", ".py": "Python"}[path.Ext(name)]
	if kind == "" {
		kind = "YAML"
	}
	e := &ValueError{Type: kind + "FileCorruptedError", Msg: kind + " file structure is corrupted", Err: err}
	if errors.Is(err, errEncoding) {
		e.Type, e.Msg = "EncodingError", "is not valid utf-8"
	}
	e.Msg = "unable to read: '" + shown + "', " + e.Msg
	return e
}

// metric keeps what can be a metric: numbers, strings, booleans, and mappings
// of them that are not empty.
func metric(x any) (any, bool) {
	switch x := x.(type) {
	// Lists and nulls are no metrics for DVC, and fall out wherever they stand.
	case bool, int64, *big.Int, float64, string:
		return x, true
	case *params.Map:
		kept := &params.Map{}
		for k, item := range x.All() {
			if m, ok := metric(item); ok {
				kept.Set(k, m)
			}
		}
		return kept, kept.Len() > 0
	}
	return nil, false
}

// isFalsy reports what Python takes for false.
func isFalsy(x any) bool {
	switch x := x.(type) {
	case nil:
		return true
	case *params.Map:
		return x.Len() == 0
	case []any:
		return len(x) == 0
	case *big.Int:
		return x.Sign() == 0
	}
	// false, 0, 0.0 and the empty string: what metric can return besides the above.
	return reflect.ValueOf(x).IsZero()
}
