package experiment

import (
	"context"
	"maps"
	"slices"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/pyjson"
)

// Change is a metric or parameter on two sides. Lists are their Python text;
// nil is a side that lacks it.
type Change struct {
	File, Name string
	Old, New   any
	Diff       any // new − old if both are numbers, else nil
}

// Difference is what differs between two states, by file and name.
type Difference struct {
	Metrics, Params []Change
	// Why lists what was recorded about how both came to be and differs, nil
	// unless both sides are experiments with a record.
	Why []Cause
}

// DiffOptions change what [Repo.Diff] compares. Nil means the zero DiffOptions.
type DiffOptions struct {
	All       bool // unchanged values too
	ParamDeps bool // only parameters that stages depend on
}

// Diff compares two revisions or experiments; a is HEAD if "", b the
// workspace.
func (r *Repo) Diff(ctx context.Context, a, b string, opts *DiffOptions) (*Difference, error) {
	if opts == nil {
		opts = &DiffOptions{}
	}
	if a == "" {
		a = "HEAD"
	}
	old, oldID, err := r.collectRev(ctx, a, opts.ParamDeps)
	if err != nil {
		return nil, err
	}
	now, nowID, err := r.collectRev(ctx, b, opts.ParamDeps)
	if err != nil {
		return nil, err
	}
	d := &Difference{
		Metrics: diffFiles((*Data).Metrics, old, now, opts.All),
		Params:  diffFiles((*Data).Params, old, now, opts.All),
	}
	d.Why, err = r.causes(ctx, oldID, nowID, a, b)
	return d, err
}

// collectRev returns nil data for a state that cannot be read, as DVC does.
func (r *Repo) collectRev(ctx context.Context, rev string, paramDeps bool) (*Data, git.ID, error) {
	store := r.objects()
	if rev == "" || rev == Workspace {
		s := &showing{repo: r, opts: &ShowOptions{ParamDeps: paramDeps}, store: store}
		return s.workspace().Data, "", nil
	}
	id, err := r.resolve(ctx, rev)
	if err != nil {
		return nil, "", err
	}
	return r.collectKnown(ctx, id, store, paramDeps)
}

func (r *Repo) collectKnown(ctx context.Context, id git.ID, store *object.Cache, paramDeps bool) (*Data, git.ID, error) {
	d, err := r.collectCommit(ctx, id, store, paramDeps)
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if err != nil {
		return nil, id, nil
	}
	return d, id, nil
}

func diffFiles(side func(*Data) []FileValues, old, now *Data, all bool) []Change {
	leaves := func(d *Data) map[string]map[string]any {
		files := map[string]map[string]any{}
		if d == nil {
			return files
		}
		for _, f := range side(d) {
			m := map[string]any{}
			if _, ok := f.Value.(*pyjson.Map); !ok && f.Value != nil {
				m[""] = formatted(f.Value)
			}
			for name, v := range Flatten(f.Value) {
				m[name] = formatted(v)
			}
			files[f.Path] = m
		}
		return files
	}
	a, b := leaves(old), leaves(now)
	var out []Change
	for _, file := range sortedKeys(a, b) {
		for _, name := range sortedKeys(a[file], b[file]) {
			c := Change{File: file, Name: name, Old: a[file][name], New: b[file][name]}
			if !all && equal(c.Old, c.New) {
				continue
			}
			_, n1 := pyjson.Number(c.Old)
			_, n2 := pyjson.Number(c.New)
			if n1 && n2 {
				c.Diff = minus(c.New, c.Old)
			}
			out = append(out, c)
		}
	}
	return out
}

func formatted(v any) any {
	if list, ok := v.([]any); ok {
		return pyjson.Repr(list)
	}
	return v
}

func sortedKeys[V any](a, b map[string]V) []string {
	set := map[string]bool{}
	for k := range a {
		set[k] = true
	}
	for k := range b {
		set[k] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// AppendJSON appends DVC's JSON of the difference, the output of
// `dvc exp diff --json` without the final newline.
func (d *Difference) AppendJSON(dst []byte) ([]byte, error) {
	side := func(list []Change) *pyjson.Map {
		files := pyjson.NewMap()
		for _, c := range list {
			v, _ := files.Get(c.File)
			m, ok := v.(*pyjson.Map)
			if !ok {
				m = pyjson.NewMap()
				files.Set(c.File, m)
			}
			one := pyjson.NewMap("old", c.Old, "new", c.New)
			if c.Diff != nil {
				one.Set("diff", c.Diff)
			}
			m.Set(c.Name, one)
		}
		return files
	}
	return pyjson.Append(dst, pyjson.NewMap("metrics", side(d.Metrics), "params", side(d.Params)), asciiJSON)
}

// DiffTableOptions lay out the tables of a [Difference].
type DiffTableOptions struct {
	A, B      string // headings of the sides; "" is HEAD and workspace
	Precision int    // significant digits of metrics; 0 is 5
	Markdown  bool
	NoPath    bool
}

// AppendText appends a table of metrics and one of parameters, as
// `dvc exp diff` prints them.
func (d *Difference) AppendText(dst []byte, opts *DiffTableOptions) []byte {
	o := DiffTableOptions{}
	if opts != nil {
		o = *opts
	}
	if o.A == "" {
		o.A = "HEAD"
	}
	if o.B == "" {
		o.B = Workspace
	}
	if o.Precision == 0 {
		o.Precision = 5
	}
	table := func(title string, list []Change, precision int) {
		headers := []string{"Path", title, o.A, o.B, "Change"}
		var rows [][]string
		for _, c := range list {
			cell := func(v any, none string) string {
				if v == nil {
					return none
				}
				return formatCell(v, precision)
			}
			rows = append(rows, []string{c.File, c.Name, cell(c.Old, "-"), cell(c.New, "-"), cell(c.Diff, "diff not supported")})
		}
		if o.NoPath {
			headers = headers[1:]
			for i := range rows {
				rows[i] = rows[i][1:]
			}
		}
		if len(rows) > 0 || o.Markdown {
			dst = appendGrid(dst, headers, rows, o.Markdown)
		} else {
			dst = append(dst, '\n')
		}
		if o.Markdown {
			dst = append(dst, '\n')
		}
	}
	table("Metric", d.Metrics, o.Precision)
	dst = append(dst, '\n')
	table("Param", d.Params, 0)
	return dst
}
