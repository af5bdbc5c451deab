package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/stagegraph"
)

// index is what the files of the repository declare. An operation loads it
// once and keeps it; files that change meanwhile are not read again.
type index struct {
	repo     *Repo
	overlay  map[string][]byte // files that stand in for those on disk, by absolute path
	fsys     fs.FS
	stages   []*stage // in collection order
	projects map[string]*dvcfile.File
	byFile   map[string][]*stage
	whole    bool // all files were collected, not only those asked for
	graph    *stagegraph.Graph
	at       map[*stage]int // place in stages, which is the node of the graph
}

func (r *Repo) newIndex() *index {
	return &index{
		repo: r, fsys: r.tree(r.overlay), overlay: r.overlay,
		projects: map[string]*dvcfile.File{}, byFile: map[string][]*stage{}, at: map[*stage]int{},
	}
}

// setOverlay puts more files in place of those on disk.
func (x *index) setOverlay(files map[string][]byte) {
	x.overlay = maps.Clone(x.overlay)
	if x.overlay == nil {
		x.overlay = map[string][]byte{}
	}
	maps.Copy(x.overlay, files)
	x.fsys = x.repo.tree(x.overlay)
}

// load returns the stages of one dvc.yaml or .dvc file, given from the root.
func (x *index) load(file string) ([]*stage, error) {
	if stages, ok := x.byFile[file]; ok {
		return stages, nil
	}
	opts, err := x.repo.fileOptions()
	if err != nil {
		return nil, err
	}
	item, err := dvcfile.LoadItem(x.fsys, file, opts)
	if err != nil {
		return nil, err
	}
	return x.add(item), nil
}

// add makes the stages of a file that was read.
func (x *index) add(item dvcfile.Item) []*stage {
	if stages, ok := x.byFile[item.Path()]; ok {
		return stages
	}
	var stages []*stage
	if item.DotDVC != nil {
		stages = []*stage{x.repo.newDataStage(item.DotDVC)}
	} else {
		for _, w := range item.File.Warnings {
			x.repo.log.Warn(w)
		}
		x.projects[item.Path()] = item.File
		stages = make([]*stage, 0, len(item.File.Stages))
		for _, def := range item.File.Stages {
			s := x.repo.newStage(item.File, def)
			for _, p := range s.params {
				p.data = x.overlay[p.abs]
			}
			stages = append(stages, s)
		}
	}
	x.byFile[item.Path()] = stages
	return stages
}

// collect loads all files of the repository.
func (x *index) collect() error {
	if x.whole {
		return nil
	}
	opts, err := x.repo.fileOptions()
	if err != nil {
		return err
	}
	items, err := dvcfile.Collect(x.fsys, &dvcfile.CollectOptions{Options: *opts, Skip: x.repo.notCollected})
	if err != nil {
		return err
	}
	for _, item := range items {
		for _, s := range x.add(item) {
			x.at[s] = len(x.stages)
			x.stages = append(x.stages, s)
		}
	}
	x.whole = true
	return nil
}

// build makes the graph of all stages and checks it.
func (x *index) build() (*stagegraph.Graph, error) {
	if x.graph != nil {
		return x.graph, nil
	}
	if err := x.collect(); err != nil {
		return nil, err
	}
	nodes := make([]stagegraph.Node, len(x.stages))
	for i, s := range x.stages {
		n := stagegraph.Node{Address: s.addr, File: s.file, Frozen: s.frozen, DVCFile: s.isDVC()}
		for _, d := range s.deps {
			n.Deps = append(n.Deps, x.fromRoot(d.abs))
		}
		for _, p := range s.params {
			n.Deps = append(n.Deps, x.fromRoot(p.abs))
		}
		for _, o := range s.outs {
			n.Outs = append(n.Outs, stagegraph.Out{Path: x.fromRoot(o.abs), Show: o.show})
		}
		nodes[i] = n
	}
	graph, err := stagegraph.New(nodes)
	if err != nil {
		return nil, err
	}
	x.graph = graph
	return graph, nil
}

// fromRoot is an absolute path as the graph wants it.
func (x *index) fromRoot(abs string) string {
	if rest, ok := strings.CutPrefix(abs, x.repo.root+string(filepath.Separator)); ok {
		return filepath.ToSlash(rest)
	}
	if rel, err := filepath.Rel(x.repo.root, abs); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(abs)
}

// isMissing reports an error about a file that isn't there.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*fileMissingError)) || dvcfile.ClassOf(err) == dvcfile.FileMissing
}

// collectReadable is collect that leaves out files that cannot be read.
func (x *index) collectReadable() error {
	opts, err := x.repo.fileOptions()
	if err != nil {
		return err
	}
	items, err := dvcfile.Collect(x.fsys, &dvcfile.CollectOptions{Options: *opts, Skip: x.repo.notCollected,
		OnError: func(file string, err error) error {
			if errors.Is(err, context.Canceled) {
				return err
			}
			x.repo.log.Debug("Stages from " + file + " failed to load")
			return nil
		}})
	if err != nil {
		return err
	}
	for _, item := range items {
		for _, s := range x.add(item) {
			x.at[s] = len(x.stages)
			x.stages = append(x.stages, s)
		}
	}
	x.whole = true
	return nil
}
