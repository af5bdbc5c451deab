package transfer

import (
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
)

// Wanted is an object to copy, with the files of a directory: all, or those of
// one part.
type Wanted struct {
	Hash object.Hash
	Part string // a file or directory in the directory, with slashes; empty = all
}

// All wants objects whole.
func All(hashes ...object.Hash) []Wanted {
	list := make([]Wanted, len(hashes))
	for i, h := range hashes {
		list[i].Hash = h
	}
	return list
}

// of leaves out what a directory has outside of the part.
func (w Wanted) of(entries []object.Entry) []object.Entry {
	if w.Part == "" {
		return entries
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e object.Entry) bool {
		return e.Path != w.Part && !strings.HasPrefix(e.Path, w.Part+"/")
	})
}

// split drops repeated and zero objects.
// Parts of one directory stay apart: each is a Wanted of its own, of which the
// manifest is asked for once.
func split(objects []Wanted) (files []object.Hash, dirs []Wanted) {
	seen := make(map[Wanted]bool, len(objects))
	for _, w := range objects {
		if !w.Hash.IsDir() {
			w.Part = ""
		}
		switch {
		case w.Hash.IsZero() || seen[w]:
		case w.Hash.IsDir():
			dirs = append(dirs, w)
		default:
			files = append(files, w.Hash)
		}
		seen[w] = true
	}
	return files, dirs
}

// manifests are the directories, each once.
func manifests(dirs []Wanted) []object.Hash {
	var list []object.Hash
	for _, w := range dirs {
		list = append(list, w.Hash)
	}
	return unique(list)
}
