package experiment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline"
)

// stages is what a commit needs to know about the pipeline: which entries make
// up the hash in the message, and which files belong in although git may not
// track them.
type stages struct {
	entries *pyjson.Map // lock entries by stage name, of the stages that ran
	files   []string    // from the root of the DVC repository
}

// stagesOf reads the files of the pipeline after a run.
func (w *work) stagesOf(results []pipeline.Result) (*stages, error) {
	items, err := w.items()
	if err != nil {
		return nil, err
	}
	ran, planned := map[string]bool{}, map[string]bool{}
	for _, res := range results {
		planned[res.Address] = true
		// What was skipped has a lock entry too, but is not in the hash.
		ran[res.Address] = res.Action == pipeline.Ran || res.Action == pipeline.Restored || res.Action == pipeline.Verified
	}
	s := &stages{entries: pyjson.NewMap()}
	dvc := tracked(items)
	for _, item := range items {
		if item.DotDVC != nil {
			// Stages outside of the targets were not looked at: their files are
			// none of the experiment's business, unless git tracks them.
			if planned[w.address(item.DotDVC.Path, "")] {
				s.files = append(s.files, item.DotDVC.Path)
			}
			continue
		}
		for _, st := range item.File.Stages {
			addr := w.address(item.File.Path, st.Name)
			if !planned[addr] {
				continue
			}
			s.addStage(item.File, st, dvc)
			if entry := item.File.Lock.Stage(st.Name); ran[addr] && entry != nil {
				s.entries.Set(st.Name, entry.Map())
			}
		}
	}
	s.addTop(items)
	return s, nil
}

// items reads all files of the pipeline in this working tree, anew at each call:
// a run may write dvc.lock and .dvc files.
func (w *work) items() ([]dvcfile.Item, error) {
	return dvcfile.Collect(os.DirFS(w.root), &dvcfile.CollectOptions{Options: dvcfile.Options{Root: w.root}, Skip: skipper(w.root)})
}

// address names a stage as the results of Repro do: relative to the working
// directory.
func (w *work) address(file, name string) string {
	show := file
	if rel, err := filepath.Rel(w.dir, filepath.Join(w.root, filepath.FromSlash(file))); err == nil {
		show = filepath.ToSlash(rel)
	}
	switch {
	case name == "":
		return show
	case show == dvcfile.ProjectName:
		return name
	}
	return show + ":" + name
}

// tracked is the set of outputs that the DVC cache keeps.
func tracked(items []dvcfile.Item) map[string]bool {
	set := map[string]bool{}
	for _, item := range items {
		if item.DotDVC != nil {
			for i := range item.DotDVC.Outs {
				set[item.DotDVC.OutPath(i)] = true
			}
			continue
		}
		for _, st := range item.File.Stages {
			for _, o := range st.Outs {
				if !o.NoCache {
					set[st.Path(o.Path)] = true
				}
			}
		}
	}
	return set
}

// add takes in paths from the root, each once. What lies outside of the
// repository cannot be part of a commit.
func (s *stages) add(files ...string) {
	for _, f := range files {
		if filepath.IsLocal(filepath.FromSlash(f)) && !slices.Contains(s.files, f) {
			s.files = append(s.files, f)
		}
	}
}

// addStage takes in what DVC stages for a stage: its files, dependencies that
// DVC does not track, and outputs that the cache does not keep.
func (s *stages) addStage(f *dvcfile.File, st *dvcfile.Stage, dvc map[string]bool) {
	s.add(f.Path, path.Join(f.Dir(), dvcfile.LockName))
	for _, p := range append(slices.Clone(st.Deps), paramPaths(st)...) {
		// What DVC keeps is in the lock file by its hash, not in git.
		if full := st.Path(p); !inside(dvc, full) {
			s.add(full)
		}
	}
	for _, o := range st.Outs {
		if o.NoCache {
			s.add(st.Path(o.Path))
		}
	}
}

// paramPaths are the files whose keys a stage depends on.
func paramPaths(st *dvcfile.Stage) []string {
	var list []string
	for _, p := range st.Params {
		list = append(list, p.Path)
	}
	return list
}

// inside reports whether a path is in the set or below a member.
func inside(set map[string]bool, p string) bool {
	for ; p != "." && p != "/"; p = path.Dir(p) {
		if set[p] {
			return true
		}
	}
	return false
}

// addTop takes in top-level metrics, params and plots.
func (s *stages) addTop(items []dvcfile.Item) {
	dvc := tracked(items)
	for _, item := range items {
		if item.File == nil {
			continue
		}
		list := append(slices.Clone(item.File.Metrics), item.File.Params...)
		for _, p := range item.File.Plots {
			list = append(list, plotFiles(p)...)
		}
		for _, p := range list {
			if full := path.Join(item.File.Dir(), p); !inside(dvc, full) {
				s.add(full)
			}
		}
	}
}

// plotFiles are the data files of a top-level plot: the keys of y if it is a
// mapping, else the name itself.
func plotFiles(p dvcfile.TopPlot) []string {
	if p.Props != nil {
		// y may map files to their fields.
		y, _ := p.Props.Get("y")
		if m, ok := y.(*pyjson.Map); ok {
			var list []string
			for _, k := range m.Keys() {
				if f, ok := k.(string); ok {
					list = append(list, f)
				}
			}
			return list
		}
	}
	return []string{p.ID}
}

// hash is the number in DVC's commit message.
func (s *stages) hash() (string, error) {
	text, err := pyjson.Marshal(s.entries, pyjson.Style{SortKeys: true, ASCII: true})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// commit stores the working tree as an experiment. Its reference and the
// record of provenance appear in one step, together with the extra updates.
func (w *work) commit(ctx context.Context, base git.ID, s *stages, o *RunOptions, extra []git.Update) (*Experiment, error) {
	hash, err := s.hash()
	if err != nil {
		return nil, err
	}
	files, err := w.snapshotFiles(s.files)
	if err != nil {
		return nil, err
	}
	tree, err := w.git.Snapshot(ctx, files...)
	if err != nil {
		return nil, err
	}
	author, committer, err := w.repo.git.Identity(ctx)
	if err != nil {
		return nil, err
	}
	// The parent is the baseline, wherever HEAD is by now.
	c := &git.Commit{Tree: tree, Parents: []git.ID{base}, Author: author, Committer: committer, Message: o.Message}
	if c.Message == "" {
		c.Message = "dvc: commit experiment " + hash
	}
	// Objects without a reference are harmless if the process ends here.
	id, err := w.git.WriteCommit(c)
	if err != nil {
		return nil, err
	}
	f := ref{Baseline: base, Name: o.Name, ID: id}
	record, err := w.record(f, o)
	if err != nil {
		return nil, err
	}
	extra = append(extra, record)
	// The record of a replaced experiment goes with it, in the same step.
	if old, ok := w.repo.exists(ctx, f); ok && old != id { // to be replaced, if at all
		was := ref{Baseline: base, Name: f.Name, ID: old}
		if rec, err := w.repo.git.Ref(ctx, recordRef(was)); err == nil {
			extra = append(extra, git.Update{Name: recordRef(was), Old: rec})
		}
	}
	push, err := w.repo.autoPush(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.repo.publish(ctx, f, o.Force, extra); err != nil {
		return nil, err
	}
	push.push(ctx, f)
	// A warning, and no part of the outcome.
	w.tellUntracked(ctx, tree)
	return w.repo.experiment(ctx, f)
}

// snapshotFiles makes paths relative to the top and leaves out what lies
// behind a symbolic link: git would refuse it, and it may be anywhere.
func (w *work) snapshotFiles(files []string) ([]string, error) {
	var list []string
	for _, f := range files {
		if !throughLink(w.root, f) {
			list = append(list, path.Join(w.sub(), f))
		}
	}
	return list, nil
}

// throughLink reports whether a directory on the way to name is a symbolic
// link.
func throughLink(root, name string) bool {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		fi, err := os.Lstat(filepath.Join(root, filepath.FromSlash(dir)))
		if err == nil && fi.Mode()&fs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// publish creates the reference of an experiment; without force it must not
// exist.
func (r *Repo) publish(ctx context.Context, f ref, force bool, extra []git.Update) error {
	u := git.Update{Name: f.String(), New: f.ID, Old: git.NoRef}
	if force {
		// "" lets git replace whatever is there.
		u.Old = ""
	}
	err := r.git.UpdateRefs(ctx, append([]git.Update{u}, extra...)...)
	// The update fails as a whole; this finds out whether the name was taken
	// since it was claimed, to say so in DVC's words.
	if err != nil && !force {
		if _, ok := r.exists(ctx, f); ok {
			return existsError(f.Name)
		}
	}
	return err
}

// tellUntracked names what lies in the working tree and is not part of the
// experiment.
func (w *work) tellUntracked(ctx context.Context, tree git.ID) {
	// In a copy, the run alone can have left files, and they go with it.
	if w.temp {
		return
	}
	names, err := w.git.Untracked(ctx)
	if err != nil {
		return
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		_, err := w.git.Lookup(ctx, tree, n)
		return err == nil
	})
	if len(names) > 0 {
		text := "The following untracked files were present in the workspace and are not part of the experiment:\n\t"
		if w.saving { // DVC's words; of a run in the workspace it says nothing
			text = "The following untracked files were present in the workspace before saving but will not be included in the experiment commit:\n\t"
		}
		w.repo.log.Warn(text + strings.Join(names, ", "))
	}
}

// machineFiles lists dvc.lock and .gitignore beside every dvc.yaml, from the
// root, whether or not they exist.
func machineFiles(root string) ([]string, error) {
	w := &work{root: root, dir: root}
	items, err := w.items()
	if err != nil {
		return nil, err
	}
	var list []string
	add := func(name string) {
		if filepath.IsLocal(filepath.FromSlash(name)) && !slices.Contains(list, name) && !throughLink(root, name) {
			list = append(list, name)
		}
	}
	for _, item := range items {
		if item.File == nil {
			continue
		}
		add(path.Join(item.File.Dir(), dvcfile.LockName))
		for _, st := range item.File.Stages {
			for _, o := range st.Outs {
				full := st.Path(o.Path)
				if !o.NoCache {
					add(path.Join(path.Dir(full), ".gitignore"))
				} else if fi, err := os.Lstat(filepath.Join(root, filepath.FromSlash(full))); err != nil || fi.Mode().IsRegular() {
					add(full)
				}
			}
		}
	}
	return list, nil
}
