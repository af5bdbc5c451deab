package experiment

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// Cause is one recorded circumstance in which two experiments differ.
type Cause struct {
	Kind     string // "code", "params", "data", "system", "backend" or "seed"
	What     string // which module, file or setting; may be ""
	Old, New string
}

// String tells the cause in one line.
func (c Cause) String() string {
	what := c.Kind
	if c.What != "" {
		what += " " + c.What
	}
	show := func(s string) string {
		if s == "" {
			return "(none)"
		}
		return s
	}
	return fmt.Sprintf("%s: %s -> %s", what, show(c.Old), show(c.New))
}

var causeKinds = []string{"code", "params", "data", "backend", "seed", "system"}

// Explain sums the recorded causes up, as in "same code, params and data;
// backend differs". It is "" if either side has no record.
func (d *Difference) Explain() string {
	if d.Why == nil {
		return ""
	}
	differ := map[string]bool{}
	for _, c := range d.Why {
		differ[c.Kind] = true
	}
	var same, other []string
	for _, k := range causeKinds {
		if differ[k] {
			other = append(other, k)
		} else if k == "code" || k == "params" || k == "data" || len(d.Why) == 0 {
			same = append(same, k)
		}
	}
	text := "same " + enumerate(same)
	switch len(other) {
	case 0:
		return text
	case 1:
		text += "; " + other[0] + " differs"
	default:
		text += "; " + enumerate(other) + " differ"
	}
	return strings.TrimPrefix(text, "same ; ")
}

func enumerate(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// causes compares the records of two commits; nil if one has none.
func (r *Repo) causes(ctx context.Context, a, b git.ID, nameA, nameB string) ([]Cause, error) {
	if a == "" || b == "" {
		return nil, nil
	}
	old, err := r.recordOf(ctx, a, nameA)
	if errors.Is(err, git.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now, err := r.recordOf(ctx, b, nameB)
	if errors.Is(err, git.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list := []Cause{}
	one := func(kind, what, x, y string) {
		if x != y {
			list = append(list, Cause{kind, what, x, y})
		}
	}
	many := func(kind, prefix string, x, y map[string]string) {
		for _, k := range sortedKeys(x, y) {
			one(kind, prefix+k, x[k], y[k])
		}
	}
	code := func(name string, x, y Code) {
		one("code", name+"module", x.Module+" "+x.Version, y.Module+" "+y.Version)
		one("code", name+"revision", x.Revision, y.Revision)
		one("code", name+"uncommitted changes", fmt.Sprint(x.Dirty), fmt.Sprint(y.Dirty))
		one("code", name+"go", x.Go, y.Go)
		many("code", name, x.Settings, y.Settings)
		many("code", name, x.Deps, y.Deps)
	}
	code("", old.Code, now.Code)
	for _, p := range sortedKeys(old.Programs, now.Programs) {
		code(p+" ", old.Programs[p], now.Programs[p])
	}
	many("params", "", old.Params, now.Params)
	many("data", "", old.Data, now.Data)
	one("backend", "", old.Backend, now.Backend)
	one("seed", "", old.Seed, now.Seed)
	many("system", "", old.System, now.System)
	return list, nil
}
