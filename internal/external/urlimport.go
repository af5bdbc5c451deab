package external

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// urlSource is a URL whose server keeps the versions that were imported: no remote of
// the repository has them.
type urlSource struct {
	store *transfer.Store
	url   string
	files map[string]urlFile // by path in a directory; "" is a file
}

type urlFile struct {
	key, version string
	size         int64
}

// urlSource is where an output was imported from by version; nil if it was not.
func (r *Repo) urlSource(p *part, o *project.Output) (*urlSource, error) {
	if o == nil || o.From == nil || o.From.IsRepo() || o.From.Origin == nil || !o.From.Versioned() {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.urls[o]; s != nil {
		return s, nil
	}
	rec := o.From.Rec
	options := map[string]string{}
	v, _ := rec.Extra.Get("fs_config")
	m, _ := v.(*dvcyaml.Map)
	for k, v := range m.All() {
		options[strings.ToLower(fmt.Sprint(k))] = fmt.Sprint(v)
	}
	store, url, err := transfer.OpenURL(r.ctx, p.p, rec.Path, options, r.opts.Transfer)
	if err != nil {
		return nil, err
	}
	name := path.Base(url)
	s := &urlSource{store: store, url: url, files: map[string]urlFile{}}
	if version := rec.Version(); version != "" {
		s.files[""] = urlFile{name, version, rec.Size}
	}
	list, _ := rec.Extra.Get("files")
	items, _ := list.([]any)
	for _, item := range items {
		m, _ := item.(*dvcyaml.Map)
		rel, _ := m.Get("relpath")
		version, _ := m.Get("version_id")
		size, ok := m.Get("size")
		n, isInt := size.(int64)
		if !ok || !isInt {
			n = -1
		}
		s.files[fmt.Sprint(rel)] = urlFile{name + "/" + fmt.Sprint(rel), fmt.Sprint(version), n}
	}
	if r.urls == nil {
		r.urls = map[*project.Output]*urlSource{}
	}
	r.urls[o] = s
	return s, nil
}

// entries are the files of a directory, as far as their hashes are known: not at all.
func (s *urlSource) entries() []object.Entry {
	var list []object.Entry
	for rel := range s.files {
		if rel != "" {
			list = append(list, object.Entry{Path: rel})
		}
	}
	object.SortEntries(list)
	return list
}

// open streams a file; nil if there is none of that name.
func (s *urlSource) open(r *Repo, n *Node, verify bool) io.ReadCloser {
	f, ok := s.files[n.rest]
	if !ok {
		return nil
	}
	open := func(offset int64) (io.ReadCloser, error) {
		return s.store.ReadVersion(r.ctx, f.key, f.version, offset), nil
	}
	return newStream(n.Hash, verify && !n.Hash.IsZero(), open, func() (int64, error) { return f.size, nil })
}

// address is where a file is, for people.
func (s *urlSource) address(n *Node) string {
	if f, ok := s.files[n.rest]; ok {
		at := s.url
		if n.rest != "" {
			at += "/" + n.rest
		}
		return at + "?versionId=" + f.version
	}
	return s.url
}
