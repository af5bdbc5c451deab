package provenance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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

// Compare lists what differs between two records. It is nil, rather than
// empty, if either of them is nil: then nothing is known.
func Compare(old, now *Record) []Cause {
	if old == nil || now == nil {
		return nil
	}
	d := comparison{list: []Cause{}}
	d.code("", old.Code, now.Code)
	for _, p := range sortedKeys(old.Programs, now.Programs) {
		d.code(p+" ", old.Programs[p], now.Programs[p])
	}
	d.many("params", "", old.Params, now.Params)
	d.many("data", "", old.Data, now.Data)
	d.one("backend", "", old.Backend, now.Backend)
	d.one("seed", "", old.Seed, now.Seed)
	d.many("system", "", old.System, now.System)
	return d.list
}

// comparison collects causes, in the order in which they are looked for.
type comparison struct{ list []Cause }

// one notes a cause if a single value differs.
func (d *comparison) one(kind, what, old, now string) {
	if old != now {
		d.list = append(d.list, Cause{kind, what, old, now})
	}
}

// many compares maps key by key; what one side lacks is "".
func (d *comparison) many(kind, prefix string, old, now map[string]string) {
	for _, k := range sortedKeys(old, now) {
		d.one(kind, prefix+k, old[k], now[k])
	}
}

// code compares programs. What is not in the binary of one side, such as the
// revision of one built outside of git, differs like any other value.
func (d *comparison) code(name string, old, now Code) {
	d.one("code", name+"module", old.Module+" "+old.Version, now.Module+" "+now.Version)
	d.one("code", name+"revision", old.Revision, now.Revision)
	d.one("code", name+"uncommitted changes", fmt.Sprint(old.Dirty), fmt.Sprint(now.Dirty))
	d.one("code", name+"go", old.Go, now.Go)
	d.many("code", name, old.Settings, now.Settings)
	d.many("code", name, old.Deps, now.Deps)
}

// causeKinds is the order in which Explain names them: what people look at
// first comes first.
var causeKinds = []string{"code", "params", "data", "backend", "seed", "system"}

// Explain sums causes up, as in "same code, params and data; backend differs".
// It is "" if causes is nil, as [Compare] returns where a record is missing.
func Explain(causes []Cause) string {
	if causes == nil {
		return ""
	}
	differ := map[string]bool{}
	for _, c := range causes {
		differ[c.Kind] = true
	}
	var same, other []string
	for _, k := range causeKinds {
		if differ[k] {
			other = append(other, k)
		} else if k == "code" || k == "params" || k == "data" || len(causes) == 0 {
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
	// Nothing is the same: the sentence begins with what differs.
	return strings.TrimPrefix(text, "same ; ")
}

// enumerate joins words as in "a, b and c".
func enumerate(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

func sortedKeys[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
