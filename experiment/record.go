package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/reprodl/reprodl/experiment/provenance"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/params/pyjson"
)

// recordDir is where the records of a commit are kept. Two experiments may have
// the same commit, saved within a second, and yet different records.
func recordDir(commit git.ID) string {
	return "refs/reprodl/provenance/" + string(commit[:2]) + "/" + string(commit[2:]) + "/"
}

// recordRef is where the record of one experiment is.
func recordRef(f ref) string { return recordDir(f.ID) + f.Name }

// record stores what is known about this run and returns the update that
// attaches it to the commit.
func (w *work) record(f ref, o *RunOptions) (git.Update, error) {
	rec := provenance.Here()
	rec.Task, rec.Backend, rec.Seed = o.task, o.Backend, o.Seed
	w.addInputs(rec)
	data, err := json.MarshalIndent(rec, "", " ")
	if err != nil {
		return git.Update{}, err
	}
	id, err := w.git.WriteObject(git.Blob, append(data, '\n'))
	// No Old: a record of an earlier try may be there and is replaced.
	return git.Update{Name: recordRef(f), New: id}, err
}

// addInputs takes the hashes of parameters and data from the lock entries, of
// all stages, and looks for Go programs among the dependencies.
func (w *work) addInputs(rec *provenance.Record) {
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
			// A stage that never ran has no inputs to tell of.
			if entry == nil {
				continue
			}
			for _, d := range entry.Deps {
				full := st.Path(d.Path)
				rec.Data[full] = d.Hash.String()
				if code, ok := provenance.CodeAt(filepath.Join(w.root, filepath.FromSlash(full))); ok {
					rec.Programs[full] = code
				}
			}
			for _, p := range entry.Params {
				text, err := pyjson.Marshal(p.Values, pyjson.Style{SortKeys: true, ASCII: true})
				if err == nil {
					// Stages that use different keys of one file are chained.
					key := st.Path(p.File)
					rec.Params[key] = string(w.git.HashObject(git.Blob, append([]byte(rec.Params[key]), text...)))
				}
			}
		}
	}
}

// Provenance returns the record of an experiment, by name or commit. The error
// wraps [ErrNotFound] if it has none, as one that DVC saved.
func (r *Repo) Provenance(ctx context.Context, name string) (*provenance.Record, error) {
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
func (r *Repo) recordOf(ctx context.Context, id git.ID, name string) (*provenance.Record, error) {
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
	rec := new(provenance.Record)
	return rec, json.Unmarshal(data, rec)
}
