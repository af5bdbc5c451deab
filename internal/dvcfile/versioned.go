package dvcfile

import (
	"cmp"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
)

// What a remote that keeps versions says of an object: a push writes it to the .dvc
// file or dvc.lock, for a directory in a list of its files.
const (
	filesKey = "files"
	cloudKey = "cloud"
)

var versionKeys = []string{cloudKey, "version_id", "etag", "checksum", "remote"}

// A CloudVersion names one version of a file in a remote that keeps versions.
type CloudVersion struct {
	Remote string // its name in the configuration; empty in files of early versions of DVC
	ETag   string
	ID     string // empty = none is recorded
}

// A ListedFile is a file of a directory, as it is now or as it is recorded.
type ListedFile struct {
	object.Entry
	Size    int64 // -1 = not recorded
	Version CloudVersion
}

// Listed returns the files of a directory that the entry lists by itself. The entry
// has then no hash of its own in the file: it is that of the list.
func (e *LockEntry) Listed() ([]object.Entry, bool) {
	files, ok := e.ListedFiles()
	if !ok {
		return nil, false
	}
	entries := make([]object.Entry, len(files))
	for i, f := range files {
		entries[i] = f.Entry
	}
	return entries, true
}

// ListedFiles is Listed with what else is recorded of the files.
func (e *LockEntry) ListedFiles() ([]ListedFile, bool) {
	list, ok := e.listed()
	if !ok {
		return nil, false
	}
	files := make([]ListedFile, len(list))
	for i, item := range list {
		m, _ := item.(*dvcyaml.Map)
		rel, _ := m.Get("relpath")
		sum, _ := m.Get("md5")
		p, _ := rel.(string)
		h, err := object.ParseHash(sumText(sum))
		if p == "" || err != nil || h.IsZero() {
			return nil, false
		}
		f := ListedFile{Entry: object.Entry{Path: p, Hash: h}, Size: -1, Version: versionIn(m)}
		if n, ok := m.Get("size"); ok {
			f.Size, _ = n.(int64)
		}
		files[i] = f
	}
	return files, true
}

// Cloud is the version that is recorded of a file.
func (e *LockEntry) Cloud() CloudVersion { return versionIn(e.Extra) }

// versionIn reads what is recorded of a version: below the name of the remote or, by
// early versions of DVC, beside it.
func versionIn(m *dvcyaml.Map) CloudVersion {
	var v CloudVersion
	at := m
	cloud, _ := m.Get(cloudKey)
	if remotes, _ := cloud.(*dvcyaml.Map); remotes.Len() > 0 {
		name, of := remotes.At(0)
		v.Remote, _ = name.(string)
		at, _ = of.(*dvcyaml.Map)
	} else if name, ok := m.Get("remote"); ok {
		v.Remote, _ = name.(string)
	}
	for key, field := range map[string]*string{"etag": &v.ETag, "version_id": &v.ID} {
		value, _ := at.Get(key)
		*field = sumText(value)
	}
	return v
}

// put writes a version as DVC does.
func (v CloudVersion) put(m *dvcyaml.Map) {
	if v.ID == "" {
		return
	}
	at := dvcyaml.NewMap()
	if v.ETag != "" {
		at.Set("etag", v.ETag)
	}
	at.Set("version_id", v.ID)
	m.Set(cloudKey, dvcyaml.NewMap(v.Remote, at))
}

// Pin records where a remote that keeps versions has the content: of a file its
// version, of a directory the list of its files with theirs, in place of its hash.
func (e *LockEntry) Pin(file CloudVersion, files []ListedFile) {
	if e.Extra = e.Extra.Clone(); e.Extra == nil {
		e.Extra = dvcyaml.NewMap()
	}
	for _, key := range append(versionKeys, filesKey) {
		e.Extra.Delete(key)
	}
	if e.Hash.IsDir() {
		e.NoSize = true
		e.Extra.Set(filesKey, list(files))
	} else {
		file.put(e.Extra)
	}
	if e.Extra.Len() == 0 {
		e.Extra = nil
	}
}

// List records the files of a directory in place of its hash, as DVC writes a
// dependency beside outputs with versions.
func (e *LockEntry) List(entries []object.Entry) {
	files := make([]ListedFile, len(entries))
	for i, f := range entries {
		files[i] = ListedFile{Entry: f, Size: -1}
	}
	e.Pin(CloudVersion{}, files)
}

func list(files []ListedFile) []any {
	all := make([]any, len(files))
	for i, f := range files {
		m := dvcyaml.NewMap("relpath", f.Path, "md5", f.Hash.String())
		if f.Size >= 0 {
			m.Set("size", f.Size)
		}
		f.Version.put(m)
		all[i] = m
	}
	return all
}

// Unpinned is what was recorded without what a remote said of it.
func (e LockEntry) Unpinned() LockEntry {
	if e.Extra == nil {
		return e
	}
	e.Extra = e.Extra.Clone()
	for _, key := range append(versionKeys, filesKey) {
		e.Extra.Delete(key)
	}
	if e.Extra.Len() == 0 {
		e.Extra = nil
	}
	return e
}

// unlisted is the entry as it is written: a list of its files says what the hash of a
// directory would.
func (e LockEntry) unlisted() LockEntry {
	if _, listed := e.listed(); listed && e.NoSize {
		e.Hash, e.Files = object.Hash{}, 0
	}
	return e
}

func (e *LockEntry) listed() ([]any, bool) {
	v, _ := e.Extra.Get(filesKey)
	list, ok := v.([]any)
	return list, ok
}

// sumListed makes the hash of the list that of the entry.
func (e *LockEntry) sumListed() {
	files, ok := e.ListedFiles()
	if !ok || !e.Hash.IsZero() {
		return
	}
	entries := make([]object.Entry, len(files))
	size := int64(0)
	for i, f := range files {
		entries[i] = f.Entry
		size += max(0, f.Size)
	}
	_, h, err := object.HashManifest(entries)
	if err != nil {
		return
	}
	if !e.named {
		h = h.Legacy()
	}
	e.Meta = object.Meta{Hash: h, Files: len(entries), Size: size}
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
