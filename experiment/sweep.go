package experiment

import (
	"slices"

	"github.com/reprodl/reprodl/params"
)

// combinations expands overrides with several values, such as lr=0.1,0.01 or
// train.seed=range(0,5), to all combinations, the first parameter slowest.
// Without such overrides the only combination is set itself.
func combinations(set []string) ([][]string, error) {
	// all grows by one factor per file: each row is joined with each set.
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
					// params.yaml is what no name means.
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
