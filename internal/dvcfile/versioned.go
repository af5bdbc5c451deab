package dvcfile

import (
	"cmp"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
)

// What a remote that keeps versions says of an object: dvc push writes it to the
// .dvc file, for a directory in a list of its files.
const filesKey = "files"

var versionKeys = []string{"cloud", "version_id", "etag", "checksum", "remote"}

// A ListedFile is a file of a directory, as it is now.
type ListedFile struct {
	object.Entry
	Size int64
}

// Listed returns the files of a directory that the entry lists by itself. The entry
// has then no hash of its own in the .dvc file: it is that of the list.
func (e *LockEntry) Listed() ([]object.Entry, bool) {
	list, ok := e.listed()
	if !ok {
		return nil, false
	}
	var entries []object.Entry
	for _, item := range list {
		m, _ := item.(*dvcyaml.Map)
		rel, _ := m.Get("relpath")
		sum, _ := m.Get("md5")
		p, _ := rel.(string)
		h, err := object.ParseHash(sumText(sum))
		if p == "" || err != nil {
			return nil, false
		}
		entries = append(entries, object.Entry{Path: p, Hash: h})
	}
	return entries, true
}

func (e *LockEntry) listed() ([]any, bool) {
	v, _ := e.Extra.Get(filesKey)
	list, ok := v.([]any)
	return list, ok
}

// sumListed makes the hash of the list that of the entry.
func (e *LockEntry) sumListed() {
	entries, ok := e.Listed()
	if !ok || !e.Hash.IsZero() {
		return
	}
	_, h, err := object.HashManifest(entries)
	if err != nil {
		return
	}
	if !e.named {
		h = h.Legacy()
	}
	e.Meta = object.Meta{Hash: h, Files: len(entries)}
}

// Record notes what an output is now; files are those of a directory. What a remote
// said of a version stays with content that is the same: anything else would send a
// later pull for the old one.
func (e *LockEntry) Record(m object.Meta, files func() ([]ListedFile, error)) error {
	old := e.Hash
	e.Meta, e.NoSize = m, false
	if e.Extra == nil {
		return nil
	}
	e.Extra = e.Extra.Clone()
	list, ok := e.listed()
	switch {
	case !ok && m.Hash == old:
		return nil
	case !ok || !m.Hash.IsDir():
		for _, key := range append(versionKeys, filesKey) {
			e.Extra.Delete(key)
		}
		return nil
	}
	now, err := files()
	if err != nil {
		return err
	}
	e.NoSize = true
	e.Extra.Set(filesKey, updated(list, now))
	return nil
}

// updated is the list of the files of now, by path, with what was listed of those
// that have not changed.
func updated(list []any, now []ListedFile) []any {
	was := map[string]*dvcyaml.Map{}
	for _, item := range list {
		if m, ok := item.(*dvcyaml.Map); ok {
			rel, _ := m.Get("relpath")
			p, _ := rel.(string)
			was[p] = m
		}
	}
	slices.SortFunc(now, func(a, b ListedFile) int { return cmp.Compare(a.Path, b.Path) })
	all := make([]any, len(now))
	for i, f := range now {
		if m := was[f.Path]; m != nil {
			if sum, _ := m.Get("md5"); sumText(sum) == f.Hash.String() {
				all[i] = m
				continue
			}
		}
		all[i] = dvcyaml.NewMap("relpath", f.Path, "md5", f.Hash.String(), "size", f.Size)
	}
	return all
}
