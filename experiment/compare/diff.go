package compare

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/provenance"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Change is a metric or parameter on two sides, with the file that it is in.
type Change struct {
	File string
	params.Change
}

// Difference is what differs between two states, by file and name.
type Difference struct {
	Metrics, Params []Change
	// Why lists what was recorded about how both came to be and differs, nil
	// unless both sides are experiments with a record.
	Why []provenance.Cause
}

// DiffOptions change what [Diff] compares. Nil means the zero DiffOptions.
type DiffOptions struct {
	All       bool // unchanged values too
	ParamDeps bool // only parameters that stages depend on
}

// Diff compares two revisions or experiments; a is HEAD if "", b the
// workspace. Before the first commit there is nothing to compare, and both are nil.
func Diff(ctx context.Context, repo *experiment.Repo, a, b string, opts *DiffOptions) (*Difference, error) {
	if opts == nil {
		opts = &DiffOptions{}
	}
	if a == "" {
		a = "HEAD"
	}
	if _, err := repo.Head(ctx); errors.Is(err, experiment.ErrNoCommits) {
		return nil, nil
	}
	// There is no cache here: two states are read faster than remembered.
	data := contents(ctx, repo)
	old, err := collectRev(ctx, repo, a, data, opts.ParamDeps)
	if err != nil {
		return nil, err
	}
	now, err := collectRev(ctx, repo, b, data, opts.ParamDeps)
	if err != nil {
		return nil, err
	}
	d := &Difference{
		Metrics: diffFiles((*Data).Metrics, old, now, opts.All),
		Params:  diffFiles((*Data).Params, old, now, opts.All),
	}
	d.Why, err = causes(ctx, repo, a, b)
	return d, err
}

// collectRev returns nil data for a state that cannot be read, as DVC does.
func collectRev(ctx context.Context, repo *experiment.Repo, rev string, data *transfer.Contents, paramDeps bool) (*Data, error) {
	if rev == "" || rev == experiment.Workspace {
		return workspace(repo, data, paramDeps).Data, nil
	}
	r, err := repo.Revision(ctx, rev)
	if err != nil {
		return nil, err
	}
	d, err := collectRevision(r, data, paramDeps)
	if err != nil {
		// Only a cancelled context is an error; the rest is an empty side.
		return nil, ctx.Err()
	}
	return d, nil
}

// causes compares the records of two experiments; nil if one has none.
func causes(ctx context.Context, repo *experiment.Repo, a, b string) ([]provenance.Cause, error) {
	// The working tree has no record, for it has not run.
	if b == "" || a == experiment.Workspace || b == experiment.Workspace {
		return nil, nil
	}
	old, err := repo.Provenance(ctx, a)
	if err != nil {
		return nil, unrecorded(err)
	}
	now, err := repo.Provenance(ctx, b)
	if err != nil {
		return nil, unrecorded(err)
	}
	return provenance.Compare(old, now), nil
}

// unrecorded makes nothing of the error that there is no record.
func unrecorded(err error) error {
	if errors.Is(err, experiment.ErrNotFound) {
		return nil
	}
	return err
}

// diffFiles compares what side returns, file by file. A file that is no
// mapping counts as one value without a name.
func diffFiles(side func(*Data) []FileValues, old, now *Data, all bool) []Change {
	values := func(d *Data) map[string]any {
		files := map[string]any{}
		if d == nil {
			return files
		}
		for _, f := range side(d) {
			v := f.Value
			if _, ok := v.(*pyjson.Map); !ok && v != nil {
				v = pyjson.NewMap("", v)
			}
			files[f.Path] = v
		}
		return files
	}
	a, b := values(old), values(now)
	// The files of both sides, sorted, so that the result does not depend
	// on the order of the map.
	files := maps.Clone(a)
	maps.Copy(files, b)
	var out []Change
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, c := range params.Diff(a[file], b[file], all) {
			out = append(out, Change{file, c})
		}
	}
	return out
}

// Explain sums the recorded causes up, as in "same code, params and data;
// backend differs". It is "" if either side has no record.
func (d *Difference) Explain() string { return provenance.Explain(d.Why) }

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
			// A side that lacks the value has null.
			one := pyjson.NewMap("old", c.Old, "new", c.New)
			// Only numbers have a "diff".
			if d, ok := c.Delta(); ok {
				one.Set("diff", d)
			}
			m.Set(c.Key, one)
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
		o.B = experiment.Workspace
	}
	if o.Precision == 0 {
		o.Precision = 5
	}
	// Both tables go through one function, but parameters are never rounded.
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
			delta, _ := c.Delta()
			rows = append(rows, []string{c.File, c.Key, cell(c.Old, "-"), cell(c.New, "-"), cell(delta, "diff not supported")})
		}
		if o.NoPath {
			headers = headers[1:]
			for i := range rows {
				rows[i] = rows[i][1:]
			}
		}
		// Without rows Markdown still has its header; text is left out.
		if len(rows) > 0 || o.Markdown {
			dst = appendGrid(dst, headers, rows, o.Markdown)
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
