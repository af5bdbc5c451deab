package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/stagegraph"
)

// Index is what the files of the repository declare. An operation loads it
// once and keeps it; files that change meanwhile are not read again.
type Index struct {
	Repo     *Repo
	overlay  map[string][]byte // files that stand in for those on disk, by absolute path
	Fsys     fs.FS
	ignored  *ignore.Tree // of a commit: its .dvcignore files; nil for the working tree
	commit   string       // its id
	Stages   []*Stage     // in collection order
	Projects map[string]*dvcfile.File
	byFile   map[string][]*Stage
	Whole    bool // all files were collected, not only those asked for
	graph    *stagegraph.Graph
	At       map[*Stage]int // place in stages, which is the node of the graph
}

// NewIndex makes an index of the working tree, with the overlay in place. It
// reads nothing yet.
func (r *Repo) NewIndex() *Index {
	x := &Index{
		Repo: r, Fsys: r.Tree(r.Overlay), overlay: r.Overlay,
		Projects: map[string]*dvcfile.File{}, byFile: map[string][]*Stage{}, At: map[*Stage]int{},
	}
	if r.source != nil {
		x.commit = r.source.Commit
	}
	return x
}

// NewIndexAt makes an index of the tree of a commit. Of patterns only those of
// its own .dvcignore files hold: what git ignores now, a commit may have.
func (r *Repo) NewIndexAt(tree fs.FS, commit string) *Index {
	x := r.NewIndex()
	x.Fsys, x.ignored, x.commit = tree, ignore.DVCIn(tree, r.Root), commit
	return x
}

// options say how files are read and where they are looked for.
func (x *Index) options() (*dvcfile.CollectOptions, error) {
	opts, err := x.Repo.FileOptions()
	if err != nil {
		return nil, err
	}
	if x.ignored == nil {
		return &dvcfile.CollectOptions{Options: *opts, Skip: x.Repo.NotCollected}, nil
	}
	opts.Ignored = func(p string) error {
		by := x.ignored.Match(p, false)
		if by == nil {
			by = x.ignored.Match(p, true)
		}
		if by == nil {
			return nil
		}
		return &ignoredError{path: x.Repo.Abs(p), by: by}
	}
	return &dvcfile.CollectOptions{Options: *opts, Skip: x.ignored.Ignored}, nil
}

// SetOverlay puts more files in place of those on disk.
func (x *Index) SetOverlay(files map[string][]byte) {
	x.overlay = maps.Clone(x.overlay)
	if x.overlay == nil {
		x.overlay = map[string][]byte{}
	}
	maps.Copy(x.overlay, files)
	x.Fsys = x.Repo.Tree(x.overlay)
}

// Load returns the stages of one dvc.yaml or .dvc file, given from the root.
func (x *Index) Load(file string) ([]*Stage, error) {
	if stages, ok := x.byFile[file]; ok {
		return stages, nil
	}
	opts, err := x.options()
	if err != nil {
		return nil, err
	}
	item, err := dvcfile.LoadItem(x.Fsys, file, &opts.Options)
	if err != nil {
		return nil, dvcfile.OfCommit(err, x.commit)
	}
	if abs := x.Repo.Abs(file); x.ignored == nil && x.Repo.GitIgnores(abs) {
		return nil, fmt.Errorf("bad DVC file name '%s' is git-ignored.", x.Repo.Rel(abs)) // as DVC, which leaves it out elsewhere
	}
	return x.add(item), nil
}

// add makes the stages of a file that was read.
func (x *Index) add(item dvcfile.Item) []*Stage {
	// Stages are known by their pointers, so a file makes its stages once.
	if stages, ok := x.byFile[item.Path()]; ok {
		return stages
	}
	var stages []*Stage
	if item.DotDVC != nil {
		stages = []*Stage{x.Repo.NewDataStage(item.DotDVC)}
	} else {
		for _, w := range item.File.Warnings {
			x.Repo.Log.Warn(w)
		}
		x.Projects[item.Path()] = item.File
		stages = make([]*Stage, 0, len(item.File.Stages))
		for _, def := range item.File.Stages {
			s := x.Repo.NewStage(item.File, def)
			for _, p := range s.Params {
				p.data = x.overlay[p.Abs]
			}
			stages = append(stages, s)
		}
	}
	x.byFile[item.Path()] = stages
	return stages
}

// Collect loads all files of the repository.
func (x *Index) Collect() error {
	if x.Whole {
		return nil
	}
	opts, err := x.options()
	if err != nil {
		return err
	}
	return x.collect(opts)
}

// collect loads files as DVC does: it walks the whole tree for dvc.yaml and .dvc files,
// but for what .dvcignore and .gitignore leave out.
func (x *Index) collect(opts *dvcfile.CollectOptions) error {
	items, err := dvcfile.Collect(x.Fsys, opts)
	if err != nil {
		return dvcfile.OfCommit(err, x.commit)
	}
	for _, item := range items {
		for _, s := range x.add(item) {
			x.At[s] = len(x.Stages)
			x.Stages = append(x.Stages, s)
		}
	}
	x.Whole = true
	return nil
}

// Put makes a stage that is to be written part of the index, in place of the one that
// its file has.
func (x *Index) Put(s *Stage) {
	x.graph = nil
	for i, other := range x.Stages {
		if other.File == s.File && s.IsDVC() {
			x.Stages[i], x.At[s] = s, i
			return
		}
	}
	x.At[s] = len(x.Stages)
	x.Stages = append(x.Stages, s)
}

// Build makes the graph of all stages and checks it.
func (x *Index) Build() (*stagegraph.Graph, error) {
	if x.graph != nil {
		return x.graph, nil
	}
	if err := x.Collect(); err != nil {
		return nil, err
	}
	// Parameter files are dependencies for the graph as well: a stage may write
	// the file that another takes its parameters from.
	nodes := make([]stagegraph.Node, len(x.Stages))
	for i, s := range x.Stages {
		n := stagegraph.Node{Address: s.Addr, File: s.File, Frozen: s.Frozen, DVCFile: s.IsDVC()}
		for _, d := range s.Deps {
			if d.Origin == nil {
				n.Deps = append(n.Deps, x.FromRoot(d.Abs))
			}
		}
		for _, p := range s.Params {
			n.Deps = append(n.Deps, x.FromRoot(p.Abs))
		}
		for _, o := range s.Outs {
			n.Outs = append(n.Outs, stagegraph.Out{Path: x.FromRoot(o.Abs), Show: o.Show})
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

// FromRoot is an absolute path as the graph wants it.
func (x *Index) FromRoot(abs string) string { return x.Repo.FromRoot(abs) }

// FromRoot is an absolute path relative to the root, with slashes.
func (r *Repo) FromRoot(abs string) string {
	// Nearly all paths lie below the root and are clean: no more is needed for them.
	if rest, ok := strings.CutPrefix(abs, r.Root+string(filepath.Separator)); ok {
		return filepath.ToSlash(rest)
	}
	if rel, err := filepath.Rel(r.Root, abs); err == nil {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(abs)
}

// IsMissing reports an error about a file that isn't there.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*fileMissingError)) || dvcfile.ClassOf(err) == dvcfile.FileMissing
}

// CollectReadable is collect that leaves out files that cannot be read.
func (x *Index) CollectReadable() error {
	opts, err := x.options()
	if err != nil {
		return err
	}
	opts.OnError = func(file string, err error) error {
		if errors.Is(err, context.Canceled) {
			return err
		}
		x.Repo.Log.Debug("Stages from " + file + " failed to load")
		return nil
	}
	return x.collect(opts)
}
