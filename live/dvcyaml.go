package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// dvcyamlState remembers what was last written, so that a step that changes
// nothing costs one stat.
type dvcyamlState struct {
	entries string // the logger's own entries
	size    int64
	modTime time.Time
}

// MakeDVCYAML writes dvc.yaml, also if Options.NoDVCYAML keeps the logger from
// doing so by itself.
func (l *Logger) MakeDVCYAML() error {
	if l.classic != nil {
		return nil
	}
	if err := l.touch(); err != nil {
		return err
	}
	defer l.io.Unlock()
	return l.makeDVCYAML(1)
}

// makeDVCYAML brings dvc.yaml up to date, if the logger's entries or the file
// have changed since it last did. It does so for the given number of syncs:
// a second one may move entries behind those it keeps. A file that can't be
// read is left alone.
func (l *Logger) makeDVCYAML(syncs int) error {
	file := l.DVCFile()
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return err
	}
	entries := l.dvcEntries(dir)
	state := dvcyamlState{entries: string(dvcyaml.Marshal(entries))}
	if state.stat(file); state == l.files.dvcyaml {
		return nil
	}
	old, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		// Writing the new file is the first of the syncs.
		old, syncs = dvcyaml.Marshal(entries), syncs-1
	case err != nil:
		return err
	}
	text, stable := old, false
	// DVCLive rewrites the file at every sync, and each time puts its entries
	// behind those it keeps. The order is settled after the second time, so more
	// need not be imitated.
	for range min(syncs, 2) {
		merged, err := l.mergeEntries(file, text, dir, entries)
		if err != nil {
			l.files.refuse(l, fmt.Errorf("dvc.yaml is left as it is: %w", err))
			return nil
		}
		text, stable = merged, string(merged) == string(text)
	}
	if _, err := atomicfile.WriteFileIfChanged(file, text, nil); err != nil {
		return err
	}
	if stable {
		state.stat(file)
		l.files.dvcyaml = state
	}
	return nil
}

// stat notes size and time of the file: somebody else's change shows by them. A
// file that is not there leaves them as they are.
func (s *dvcyamlState) stat(file string) {
	if fi, err := os.Stat(file); err == nil {
		s.size, s.modTime = fi.Size(), fi.ModTime()
	}
}

// dvcEntries lists what dvc.yaml, lying in dir, says about this run.
func (l *Logger) dvcEntries(dir string) *pyjson.Map {
	c := &l.files.content
	rel := func(name string) string { return relPath(dir, l.abs(name)) }
	m := new(pyjson.Map)
	if c.params.Len() > 0 || c.badParams {
		m.Set("params", []any{rel("params.yaml")})
	}
	if l.hasMetrics() {
		m.Set("metrics", []any{rel("metrics.json")})
	}
	var plots []any
	if _, err := os.Stat(l.abs("plots/metrics")); err == nil {
		plots = append(plots, pyjson.NewMap(rel("plots/metrics"), pyjson.NewMap("x", "step")))
	}
	if c.images {
		plots = append(plots, rel("plots/images"))
	}
	for _, p := range c.plots {
		plots = append(plots, pyjson.NewMap(rel(p.file), p.config()))
	}
	if plots != nil {
		m.Set("plots", plots)
	}
	if c.artifacts.Len() > 0 {
		artifacts := new(pyjson.Map)
		for name, a := range c.artifacts.All() {
			artifacts.Set(name, a.(*artifact).entry(dir))
		}
		m.Set("artifacts", artifacts)
	}
	return m
}

// hasMetrics reports whether a metric was logged or the summary holds
// something.
func (l *Logger) hasMetrics() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.order) > 0 || len(l.summary.nodes) > 0
}

// mergeEntries replaces this run's entries in the text of a dvc.yaml. The rest
// keeps its comments and its style.
func (l *Logger) mergeEntries(file string, old []byte, dir string, entries *pyjson.Map) ([]byte, error) {
	doc, err := dvcyaml.ParseDocument(file, old)
	if err != nil {
		return nil, err
	}
	root, ok := doc.Value().(*pyjson.Map)
	if !ok && doc.Value() != nil {
		return nil, fmt.Errorf("%s: not a mapping", file)
	}
	if root == nil {
		root = new(pyjson.Map)
		doc.Update(root)
	}
	own := l.ownPath(dir)
	if m, ok := mapAt(root, "plots"); ok {
		root.Set("plots", l.plotsList(m))
	}
	for _, key := range []string{"params", "metrics", "plots"} {
		if err := mergeList(doc, root, key, entries, own); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if err := mergeArtifacts(doc, root, entries, own); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, key := range []string{"params", "metrics", "plots", "artifacts"} {
		if v, ok := root.Get(key); !ok {
			doc.Delete(key)
		} else if err := doc.Set(v, key); err != nil {
			return nil, err
		}
	}
	return doc.Bytes(), nil
}

// ownPath returns the test whether an entry belongs to this logger's
// directory. DVCLive looks for the directory's name anywhere in the entry, and
// never finds it when dvc.yaml lies in the directory.
func (l *Logger) ownPath(dir string) func(entry string) bool {
	own := relPath(dir, l.path)
	if l.opts.Exact {
		return func(entry string) bool { return strings.Contains(entry, own+"/") }
	}
	return func(entry string) bool {
		clean := path.Clean(entry)
		if own == "." {
			return isOwnFile(clean)
		}
		return strings.HasPrefix(clean, own+"/")
	}
}

// isOwnFile recognises the names that a logger writes into its directory.
func isOwnFile(name string) bool {
	switch name {
	case "params.yaml", "metrics.json", "plots/metrics", "plots/images":
		return true
	}
	return strings.HasPrefix(name, "plots/custom/") || strings.HasPrefix(name, "plots/sklearn/")
}

// mapAt is the mapping at key, if there is one.
func mapAt(root *pyjson.Map, key string) (*pyjson.Map, bool) {
	v, _ := root.Get(key)
	m, ok := v.(*pyjson.Map)
	return m, ok
}

// plotsList makes the list of a mapping, the other form that plots may have.
// DVCLive loses what the mapping says about the plots.
func (l *Logger) plotsList(m *pyjson.Map) []any {
	var list []any
	for k, v := range m.All() {
		if l.opts.Exact {
			list = append(list, k)
		} else {
			list = append(list, pyjson.NewMap(k, v))
		}
	}
	return list
}

// mergeList keeps the entries of a list that aren't this run's and appends
// those that are.
func mergeList(doc *dvcyaml.Document, root *pyjson.Map, key string, entries *pyjson.Map, own func(string) bool) error {
	var list []any
	switch old, _ := root.Get(key); old := old.(type) {
	case nil:
	case []any:
		for i, e := range old {
			if !own(entryPath(e)) {
				list = append(list, kept(doc, e, key, i))
			}
		}
	default:
		return fmt.Errorf("%s is not a list", key)
	}
	if added, ok := entries.Get(key); ok {
		list = append(list, added.([]any)...)
	}
	if len(list) == 0 {
		root.Delete(key)
		return nil
	}
	root.Set(key, list)
	return nil
}

// kept returns an entry that stays, a collection as the document has it.
func kept(doc *dvcyaml.Document, v any, path ...any) any {
	switch v.(type) {
	case *pyjson.Map, []any:
		if n := doc.Node(path...); n != nil {
			return n
		}
	}
	return v
}

// entryPath returns the path that a list entry names: its text, or its key. An
// entry with more keys, which can't be the logger's, has none.
func entryPath(e any) string {
	switch e := e.(type) {
	case string:
		return e
	case *pyjson.Map:
		if e.Len() == 1 {
			key, _ := e.At(0)
			s, _ := key.(string)
			return s
		}
	}
	return ""
}

// mergeArtifacts is mergeList for the mapping of artifacts.
func mergeArtifacts(doc *dvcyaml.Document, root, entries *pyjson.Map, own func(string) bool) error {
	merged := new(pyjson.Map)
	switch old, _ := root.Get("artifacts"); old := old.(type) {
	case nil:
	case *pyjson.Map:
		for name, a := range old.All() {
			if m, ok := a.(*pyjson.Map); ok {
				// An artifact of this run that is not logged again goes.
				if p, ok := m.Get("path"); ok && !own(fmt.Sprint(p)) {
					merged.Set(name, kept(doc, a, "artifacts", name))
				}
			}
		}
	default:
		return errors.New("artifacts is not a mapping")
	}
	if added, ok := entries.Get("artifacts"); ok {
		for name, a := range added.(*pyjson.Map).All() {
			merged.Set(name, a)
		}
	}
	if merged.Len() == 0 {
		root.Delete("artifacts")
		return nil
	}
	root.Set("artifacts", merged)
	return nil
}

// relPath returns a path relative to dir, with slashes.
func relPath(dir, path string) string {
	rel, err := filepath.Rel(dir, filepath.Clean(path))
	if err != nil {
		return filepath.ToSlash(path) // another volume
	}
	return filepath.ToSlash(rel)
}
