package experiment

import (
	"slices"
	"strings"

	"github.com/reprodl/reprodl/params"
)

// Combinations expands overrides with several values, such as lr=0.1,0.01 or
// train.seed=range(0,5), to all combinations, the first parameter slowest.
// Without such overrides the only combination is set itself.
func Combinations(set []string) ([][]string, error) {
	all := [][]string{nil}
	for _, e := range parseSet(set) {
		sets, err := params.Sweep(e.Overrides...)
		if err != nil {
			return nil, setError(err)
		}
		if len(sets) == 1 {
			sets = [][]string{e.Overrides} // keep the user's spelling
		}
		var next [][]string
		for _, before := range all {
			for _, one := range sets {
				row := slices.Clone(before)
				for _, o := range one {
					if e.File != "params.yaml" {
						o = e.File + ":" + o
					}
					row = append(row, o)
				}
				next = append(next, row)
			}
		}
		all = next
	}
	return all, nil
}

// SplitOverride separates the file, params.yaml if none is given, from an
// override [FILE:]KEY=VALUE.
func SplitOverride(s string) (file, override string) {
	left, _, _ := strings.Cut(s, "=")
	if i := strings.Index(left, ":"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return "params.yaml", s
}
