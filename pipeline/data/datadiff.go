package data

import (
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
)

// Diff is how tracked data differs between two states. Paths are relative to
// the repository's directory, and directories end in a slash.
type Diff struct {
	Modified, Added, Deleted []string
	Renamed                  [][2]string // old and new path
	Unknown                  []string    // in a directory whose manifest is neither in the cache nor in the remote
}

// IsZero reports that nothing differs.
func (d *Diff) IsZero() bool {
	return len(d.Modified)+len(d.Added)+len(d.Deleted)+len(d.Renamed)+len(d.Unknown) == 0
}

// diff compares two states, and lists what is in both and equal.
func (d *dataStatus) diff(old, now *dataTree) (diff Diff, same []string) {
	var gone, added []string
	for _, path := range old.order {
		if !d.selected(path) {
			continue
		}
		h, ok := now.hashes[path]
		switch {
		case ok && h == old.hashes[path]:
			same = append(same, now.show(path))
		case ok: // a directory that became a file, or back, has the new one's slash
			diff.Modified = append(diff.Modified, now.show(path))
		// What the new state holds there is not known, so nothing is said.
		case now.unknown(path):
		default:
			gone = append(gone, path)
		}
	}
	// A manifest that is nowhere leaves open what its directory held: such files
	// are neither added nor deleted, but unknown.
	for _, path := range now.order {
		if _, ok := old.hashes[path]; ok || !d.selected(path) {
			continue
		}
		if old.unknown(path) {
			diff.Unknown = append(diff.Unknown, now.show(path))
		} else {
			added = append(added, path)
		}
	}
	diff.pair(old, gone, now, added)
	return diff, same
}

// pair finds renames: what was deleted and added again with the same content.
// As dvc-data does, both sides are taken in the order of their paths, the
// earliest deletion first; deletions that are left come by content, those of
// one content backwards.
func (diff *Diff) pair(old *dataTree, gone []string, now *dataTree, added []string) {
	slices.SortFunc(gone, comparePaths)
	slices.SortFunc(added, comparePaths)
	byHash := map[object.Hash][]string{}
	var hashes []object.Hash
	for _, path := range gone {
		h := old.hashes[path]
		if byHash[h] == nil {
			hashes = append(hashes, h)
		}
		byHash[h] = append(byHash[h], path)
	}
	for _, path := range added {
		h := now.hashes[path]
		if was := byHash[h]; len(was) > 0 && !h.IsZero() {
			diff.Renamed = append(diff.Renamed, [2]string{old.show(was[0]), now.show(path)})
			byHash[h] = was[1:]
			continue
		}
		diff.Added = append(diff.Added, now.show(path))
	}
	for _, h := range hashes {
		for _, path := range slices.Backward(byHash[h]) {
			shown := old.show(path)
			if now.holds(path) && !strings.HasSuffix(shown, "/") {
				shown += "/" // by now it is a directory
			}
			diff.Deleted = append(diff.Deleted, shown)
		}
	}
}

// comparePaths compares part by part: a directory's files follow it.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}
