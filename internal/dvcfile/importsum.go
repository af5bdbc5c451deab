package dvcfile

import (
	"crypto/md5"
	"encoding/hex"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// unsummed are the keys that do not count for a declaration's checksum, at any
// depth: notes for people, and what follows from the content.
var unsummed = map[any]bool{
	"desc": true, "type": true, "labels": true, "meta": true, "locked": true, "frozen": true,
	"metric": true, "persist": true, "isexec": true, "size": true, "nfiles": true,
}

// UpdateMD5 makes the file's own checksum that of what it declares now. Only an
// import has one: DVC takes another for one whose source has changed. Of other
// files DVC drops it.
func (f *DotDVC) UpdateMD5() (err error) {
	f.MD5, err = f.Sum()
	return err
}

// Sum is the checksum of what the file declares now; empty unless it is an import.
func (f *DotDVC) Sum() (string, error) {
	// An import has just one source and one output.
	if len(f.Deps) != 1 || len(f.Outs) != 1 {
		return "", nil
	}
	m := f.Map()
	m.Delete("md5")
	// Python's json.dumps of the file's mapping, with sorted keys.
	text, err := pyjson.Marshal(summed(m), pyjson.Style{SortKeys: true, ASCII: true})
	if err != nil {
		return "", err
	}
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:]), nil
}

// summed is a copy of v without what does not count.
func summed(v any) any {
	switch v := v.(type) {
	case *dvcyaml.Map:
		m := dvcyaml.NewMap()
		for k, item := range v.All() {
			if !unsummed[k] {
				m.Set(k, summed(item))
			}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = summed(item)
		}
		return list
	}
	return v
}
