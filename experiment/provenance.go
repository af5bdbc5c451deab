package experiment

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/pyjson"
)

// Record is what the result of an experiment depends on besides what DVC
// records. It is a blob on a reference of its own, below
// refs/reprodl/provenance, so that the commit is exactly DVC's; pushing and removing experiments
// takes it along.
type Record struct {
	Task     string            `json:"task,omitempty"`     // of the queue
	Code     Code              `json:"code"`               // of the program that ran the stages
	Programs map[string]Code   `json:"programs,omitempty"` // Go programs among the dependencies, by path
	System   map[string]string `json:"system"`             // goos, goarch, cpu features, gomaxprocs
	Backend  string            `json:"backend,omitempty"`
	Seed     string            `json:"seed,omitempty"`
	Params   map[string]string `json:"params,omitempty"` // hash of the values that stages used, by file
	Data     map[string]string `json:"data,omitempty"`   // hash of each dependency, by path
}

// Code is a Go program: what `go version -m` tells of it.
type Code struct {
	Module, Version string
	Revision        string
	Dirty           bool // built from a tree with changes
	Go              string
	Settings        map[string]string // GOEXPERIMENT, GOAMD64, tags and the like
	Deps            map[string]string // version and sum of each module
}

// recordDir is where the records of a commit are kept. Two experiments may have
// the same commit, saved within a second, and yet different records.
func recordDir(commit git.ID) string {
	return "refs/reprodl/provenance/" + string(commit[:2]) + "/" + string(commit[2:]) + "/"
}

func recordRef(f ref) string { return recordDir(f.ID) + f.Name }

// record stores what is known about this run and returns the update that
// attaches it to the commit.
func (w *work) record(f ref, o *RunOptions) (git.Update, error) {
	rec := Record{Task: o.task, System: system(), Backend: o.Backend, Seed: o.Seed,
		Params: map[string]string{}, Data: map[string]string{}, Programs: map[string]Code{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		rec.Code = codeOf(info)
	}
	w.addInputs(&rec)
	data, err := json.MarshalIndent(rec, "", " ")
	if err != nil {
		return git.Update{}, err
	}
	id, err := w.git.WriteObject(git.Blob, append(data, '\n'))
	return git.Update{Name: recordRef(f), New: id}, err
}

// addInputs takes the hashes of parameters and data from the lock entries, of
// all stages, and looks for Go programs among the dependencies.
func (w *work) addInputs(rec *Record) {
	items, err := w.items()
	if err != nil {
		return
	}
	for _, item := range items {
		if item.File == nil {
			continue
		}
		for _, st := range item.File.Stages {
			entry := item.File.Lock.Stage(st.Name)
			if entry == nil {
				continue
			}
			for _, d := range entry.Deps {
				full := st.Path(d.Path)
				rec.Data[full] = d.Hash.String()
				if code, ok := programAt(filepath.Join(w.root, filepath.FromSlash(full))); ok {
					rec.Programs[full] = code
				}
			}
			for _, p := range entry.Params {
				text, err := pyjson.Marshal(p.Values, pyjson.Style{SortKeys: true, ASCII: true})
				if err == nil {
					key := st.Path(p.File)
					rec.Params[key] = string(w.git.HashObject(git.Blob, append([]byte(rec.Params[key]), text...)))
				}
			}
		}
	}
}

// programAt reads the build information of an executable file.
func programAt(file string) (Code, bool) {
	fi, err := os.Stat(file)
	if err != nil || !fi.Mode().IsRegular() || (runtime.GOOS != "windows" && fi.Mode()&0o111 == 0) || fi.Size() < 1<<16 {
		return Code{}, false
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return Code{}, false
	}
	return codeOf(info), true
}

func codeOf(info *debug.BuildInfo) Code {
	c := Code{Module: info.Path, Version: info.Main.Version, Go: info.GoVersion, Settings: map[string]string{}, Deps: map[string]string{}}
	if info.Main.Path != "" {
		c.Module = info.Main.Path
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			c.Revision = s.Value
		case "vcs.modified":
			c.Dirty = s.Value == "true"
		case "vcs.time", "vcs":
		default:
			c.Settings[s.Key] = s.Value
		}
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		c.Deps[d.Path] = strings.TrimSpace(d.Version + " " + d.Sum)
	}
	return c
}

func system() map[string]string {
	return map[string]string{
		"goos": runtime.GOOS, "goarch": runtime.GOARCH, "cpu": strings.Join(cpuFeatures(), " "),
		"gomaxprocs": strconv.Itoa(runtime.GOMAXPROCS(0)),
	}
}

// Provenance returns the record of an experiment, by name or commit. The error
// wraps [ErrNotFound] if it has none, as one that DVC saved.
func (r *Repo) Provenance(ctx context.Context, name string) (*Record, error) {
	id, err := r.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	rec, err := r.recordOf(ctx, id, name)
	if errors.Is(err, git.ErrNotFound) {
		return nil, &messageError{"experiment '" + name + "' has no record of its provenance", ErrNotFound}
	}
	return rec, err
}

// recordOf returns the record of a commit; of several, that of the name. DVC
// renames experiments without telling us.
func (r *Repo) recordOf(ctx context.Context, id git.ID, name string) (*Record, error) {
	refs, err := r.git.Refs(ctx, recordDir(id))
	if err != nil {
		return nil, err
	}
	if len(refs) == 0 {
		return nil, git.ErrNotFound
	}
	blob := refs[0].ID
	for _, g := range refs {
		if g.Name == recordDir(id)+name {
			blob = g.ID
		}
	}
	_, data, err := r.git.Object(ctx, blob)
	if err != nil {
		return nil, err
	}
	rec := new(Record)
	return rec, json.Unmarshal(data, rec)
}
