package project

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// RunHit is a recorded run with the same inputs, whose outputs are all in the
// cache.
type RunHit struct {
	Name  string // "key/value"; "" when it is the lock's own entry
	Entry *dvcfile.LockStage
}

// RunDir is the run cache.
func (r *Repo) RunDir() string { return filepath.Join(r.Cache().Dir(), "runs") }

// runKey names the runs of a stage with given inputs: a hash of the lock entry
// with nothing of the outputs but their paths.
func runKey(entry *dvcyaml.Map) (string, error) {
	// DVC keys by what is known before the run: command, inputs, and which outputs
	// there will be. The file below the key is named by all of the entry, so that
	// different outcomes of the same inputs lie side by side.
	m := entry.Clone()
	outs, _ := m.Get("outs")
	paths := []any{}
	if list, ok := outs.([]any); ok {
		for _, item := range list {
			path, _ := item.(*dvcyaml.Map).Get("path")
			paths = append(paths, path)
		}
	}
	m.Set("outs", paths)
	return runValue(m)
}

// runValue hashes an entry. Sizes and numbers of files don't count, and neither
// does any parameter of these names: a flaw of DVC that the key must share, and
// that the check of the recorded parameters in sameParams makes up for.
func runValue(entry *dvcyaml.Map) (string, error) {
	// The key is the SHA-256 of the JSON that Python's json.dumps(sort_keys=True)
	// makes, so floats, escapes and the order of keys are Python's.
	data, err := pyjson.Marshal(withoutSizes(entry), pyjson.Style{SortKeys: true, ASCII: true})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// withoutSizes is DVC's exclude=["size", "nfiles"], which goes into all mappings.
func withoutSizes(v any) any {
	switch v := v.(type) {
	case *dvcyaml.Map:
		m := dvcyaml.NewMap()
		for key, item := range v.All() {
			if key != "size" && key != "nfiles" {
				m.Set(key, withoutSizes(item))
			}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = withoutSizes(item)
		}
		return list
	}
	return v
}

// Eligible reports whether runs with these inputs are kept in the run cache.
func (s *Stage) Eligible(in *Inputs) bool {
	if !s.MayRestore() {
		return false
	}
	for _, d := range in.deps {
		if name, _ := d.Sum(); name == "" {
			return false
		}
	}
	return !slices.ContainsFunc(in.params, func(m *dvcyaml.Map) bool { return m.Len() == 0 })
}

// LoadRun reads the newest run with these inputs from the run cache.
func (s *Stage) LoadRun(in *Inputs) (*RunHit, error) {
	key, err := runKey(s.entry(in, make([]object.Meta, len(s.Outs))).Map())
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Repo.RunDir(), key[:2], key)
	files, err := newestFirst(dir)
	if err != nil {
		return nil, err
	}
	// Of several outcomes DVC takes whichever the directory lists first. The
	// newest is what was seen last.
	for _, name := range files {
		file := filepath.Join(dir, name)
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		entry, err := dvcfile.DecodeLockStage(file, data)
		// DVC deletes what it can't read, with this warning.
		if err != nil {
			s.Repo.Log.Warn("corrupted cache file '" + s.Repo.Rel(file) + "'.")
			if err := os.Remove(file); err != nil {
				return nil, err
			}
			continue
		}
		if s.sameParams(entry, in) {
			return &RunHit{Name: key + "/" + name, Entry: entry}, nil
		}
	}
	return nil, nil
}

// newestFirst lists the files of a directory, which may be missing.
func newestFirst(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type file struct {
		name string
		info fs.FileInfo
	}
	var files []file
	for _, e := range entries {
		// Temporary files, this program's and DVC's, have names of other lengths.
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && len(e.Name()) == 2*sha256.Size {
			files = append(files, file{e.Name(), info})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.name
	}
	return names, nil
}

// sameParams reports whether a run had these very parameters, those that the
// key leaves out included.
func (s *Stage) sameParams(entry *dvcfile.LockStage, in *Inputs) bool {
	for i, p := range s.Params {
		found := false
		for _, rec := range entry.Params {
			if rec.File == p.Written {
				found = params.Equal(rec.Values, in.params[i])
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// saveRun remembers a run in the run cache. An output that only git keeps
// (a metric or plot with cache: false) is stored in the cache as well, so that
// it can be restored.
func (s *Stage) saveRun(ctx context.Context, in *Inputs, entry *dvcfile.LockStage) error {
	if !s.Eligible(in) {
		return nil
	}
	m := entry.Map()
	key, err := runKey(m)
	if err != nil {
		return err
	}
	value, err := runValue(m)
	if err != nil {
		return err
	}
	if err := s.KeepUncached(ctx, func(i int) bool { return entry.Outs[i].Hash.IsLegacy() }); err != nil {
		return err
	}
	dir := filepath.Join(s.Repo.RunDir(), key[:2], key)
	file := filepath.Join(dir, value)
	// The name is the hash of the entry: what is there and can be read is the same.
	if data, err := os.ReadFile(file); err == nil {
		if _, err := dvcfile.DecodeLockStage(file, data); err == nil {
			return nil
		}
		s.Repo.Log.Warn("corrupted cache file '" + s.Repo.Rel(file) + "'.")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(file, dvcyaml.Marshal(m), nil)
}
