package values

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/pyjson"
)

// Workspace names the working tree where a revision is wanted.
const Workspace = "workspace"

// view is the repository at one revision: what its files declare, and the
// content of every file that git or DVC keeps there.
type view struct {
	repo  *project.Repo
	fsys  fs.FS
	items []dvcfile.Item
	data  map[string]object.Hash // cached outputs by place; zero = nothing recorded
}

// workspaceView reads the working tree, with stages that were declared in Go in
// place of its dvc.yaml.
func workspaceView(r *project.Repo) (*view, error) {
	opts, err := r.FileOptions()
	if err != nil {
		return nil, err
	}
	return newView(r, r.Tree(r.Overlay), &dvcfile.CollectOptions{Options: *opts, Skip: r.NotCollected})
}

// revisionView reads the tree of a commit.
func revisionView(r *project.Repo, fsys fs.FS) (*view, error) {
	opts, err := r.FileOptions()
	if err != nil {
		return nil, err
	}
	// What .dvcignore hides now may have been an output then. Skip is only about
	// where declarations are looked for.
	at := *opts
	at.Ignored = nil
	skip := ignore.DVC(r.Root).Ignored // the patterns of the working tree
	return newView(r, fsys, &dvcfile.CollectOptions{Options: at, Skip: skip})
}

// newView notes what the files declare. It reads no file of values: that is for
// read, and only for the files that are shown.
func newView(r *project.Repo, fsys fs.FS, opts *dvcfile.CollectOptions) (*view, error) {
	items, err := dvcfile.Collect(fsys, opts)
	if err != nil {
		return nil, err
	}
	v := &view{repo: r, fsys: fsys, items: items, data: map[string]object.Hash{}}
	for _, i := range items {
		v.index(i)
	}
	return v, nil
}

// index notes what is recorded of the cached outputs of a file.
func (v *view) index(i dvcfile.Item) {
	// A .dvc file records its outputs itself; those of a dvc.yaml are in dvc.lock.
	if i.DotDVC != nil {
		for n, o := range i.DotDVC.Outs {
			v.data[i.DotDVC.OutPath(n)] = o.Entry.Hash
		}
		return
	}
	for _, s := range i.File.Stages {
		entry := i.File.Lock.Stage(s.Name)
		for _, o := range s.Outs {
			if o.NoCache {
				continue
			}
			// An output that was never made stays in the map with the zero hash: it is
			// declared, so no directory around it may answer for it.
			var h object.Hash
			if entry != nil {
				if e := dvcfile.Entry(entry.Outs, o.Path); e != nil {
					h = e.Hash
				}
			}
			v.data[s.Path(o.Path)] = h
		}
	}
}

// stages lists all stages of all dvc.yaml files.
func (v *view) stages() []*dvcfile.Stage {
	var all []*dvcfile.Stage
	for _, i := range v.items {
		if i.File != nil {
			all = append(all, i.File.Stages...)
		}
	}
	return all
}

// read returns the content of a file given from the root: as it is in the tree,
// or else from the cache.
func (v *view) read(name string) ([]byte, error) {
	data, err := fs.ReadFile(v.fsys, name)
	// git first, as a file may be both in git and, by an older lock, in the cache.
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		return data, err
	}
	h, ok := v.object(name)
	if !ok || h.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := v.repo.Cache().Open(h)
	if errors.Is(err, object.ErrMissing) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// object returns the hash recorded for a path: of an output, or of a file in one.
func (v *view) object(name string) (object.Hash, bool) {
	for dir := name; dir != "." && dir != "/"; dir = path.Dir(dir) {
		h, ok := v.data[dir]
		if !ok {
			continue
		}
		// The innermost declared directory decides: outputs don't nest.
		if dir == name || h.IsZero() {
			return h, !h.IsZero()
		}
		entries, err := v.repo.Cache().Tree(h)
		if err != nil {
			return object.Hash{}, false
		}
		for _, e := range entries {
			if e.Path == name[len(dir)+1:] {
				return e.Hash, true
			}
		}
		return object.Hash{}, false
	}
	return object.Hash{}, false
}

// expand replaces directories by the files below them, and drops repetitions.
func (v *view) expand(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, v.files(name)...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(p string) bool {
		again := seen[p]
		seen[p] = true
		return again
	})
}

// files lists the files below a directory of the tree or, if the tree has none,
// of the cached one of that name. What is not there at all comes back as it is,
// so that reading it gives the error that names it.
func (v *view) files(name string) []string {
	fi, err := fs.Stat(v.fsys, name)
	if err == nil && !fi.IsDir() {
		return []string{name}
	}
	var found []string
	if err == nil {
		// What cannot be walked is left out; the rest is shown.
		_ = fs.WalkDir(v.fsys, name, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				found = append(found, p)
			}
			return nil
		})
		return found
	}
	if found, ok := v.cached(name); ok {
		return found
	}
	return []string{name}
}

// cached lists the files below a directory that is tracked, or is below one that is.
func (v *view) cached(name string) (found []string, ok bool) {
	outer := name
	for v.data[outer].IsZero() {
		if outer = path.Dir(outer); outer == "." || outer == "/" {
			return nil, false
		}
	}
	if !v.data[outer].IsDir() {
		return nil, false
	}
	entries, err := v.repo.Cache().Tree(v.data[outer])
	if err != nil {
		return nil, false
	}
	for _, e := range entries {
		if p := outer + "/" + e.Path; strings.HasPrefix(p, name+"/") {
			found = append(found, p)
		}
	}
	return found, outer == name || len(found) > 0
}

// Revisions selects what the commands that show values look at; the zero value
// is the working tree alone.
type Revisions struct {
	Revs                             []string // as git understands them, or [Workspace]
	AllBranches, AllTags, AllCommits bool
}

// none reports whether the working tree is meant, without any name: then
// neither a git repository nor a commit is needed.
func (s *Revisions) none() bool {
	return s == nil || len(s.Revs) == 0 && !s.AllBranches && !s.AllTags && !s.AllCommits
}

// eachView calls f for the working tree, called "" if nothing else is selected,
// and for each commit with the names it was selected by. A view that cannot be
// read is nil, with the reason.
func eachView(ctx context.Context, r *project.Repo, sel *Revisions, f func(name string, v *view, err error) error) error {
	if sel.none() {
		v, err := workspaceView(r)
		return f("", v, err)
	}
	repo, err := git.Open(r.Root)
	if err != nil {
		return err
	}
	defer repo.Close()
	groups, err := commits(ctx, repo, sel)
	if err != nil {
		return err
	}
	v, err := workspaceView(r)
	if err := f(Workspace, v, err); err != nil {
		return err
	}
	for _, g := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		tree, err := repo.Tree(ctx, string(g.id))
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(repo.Root(), r.Root); err == nil && rel != "." {
			if tree, err = fs.Sub(tree, filepath.ToSlash(rel)); err != nil {
				return err
			}
		}
		// The repository may lie in a directory of the git repository.
		if _, err := fs.Stat(tree, "."); err != nil {
			continue // the commit is older than the repository
		}
		v, err := revisionView(r, tree)
		for _, name := range g.shown() {
			if err := f(name, v, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// A commitGroup is a commit and the names it was selected by.
type commitGroup struct {
	id    git.ID
	names []string
	each  bool // the names are shown one by one
}

// shown are the names under which the values of the commit are reported.
func (g *commitGroup) shown() []string {
	if g.each {
		return g.names
	}
	return []string{strings.Join(g.names, ",")}
}

// commits resolves a selection: revisions, then commits, branches and tags.
func commits(ctx context.Context, repo *git.Repo, sel *Revisions) ([]commitGroup, error) {
	var names []string
	for _, rev := range sel.Revs {
		if rev != Workspace {
			names = append(names, rev)
		}
	}
	if sel.AllCommits {
		args := []string{"rev-list", "--date-order", "--branches", "--tags", "--remotes"}
		// HEAD may be detached; before the first commit it names none.
		if _, _, err := repo.Head(ctx); err == nil {
			args = append(args, "HEAD")
		}
		out, err := repo.Run(ctx, args...)
		if err != nil {
			return nil, err
		}
		names = append(names, strings.Fields(string(out))...)
	}
	for _, kind := range []struct {
		prefix string
		on     bool
	}{{"refs/heads/", sel.AllBranches}, {"refs/tags/", sel.AllTags}} {
		if !kind.on {
			continue
		}
		refs, err := repo.Refs(ctx, kind.prefix)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			names = append(names, strings.TrimPrefix(ref.Name, kind.prefix))
		}
	}
	// A commit that several names mean is read once. If the caller gave names they
	// stay apart, as the caller looks for them; names that were collected are joined
	// by commas, as DVC shows them.
	var groups []commitGroup
	for _, name := range names {
		id, err := repo.Resolve(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("unknown Git revision '%s'", name)
		}
		if i := slices.IndexFunc(groups, func(g commitGroup) bool { return g.id == id }); i >= 0 {
			groups[i].names = append(groups[i].names, name)
			continue
		}
		groups = append(groups, commitGroup{id, []string{name}, len(sel.Revs) > 0})
	}
	return groups, nil
}

// missing is why a file is not there: it may lie in a tracked directory whose
// manifest the cache has lost.
func (v *view) missing(name string) *ValueError {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if h := v.data[dir]; h.IsDir() {
			if _, err := v.repo.Cache().Tree(h); err != nil {
				return &ValueError{Type: "DataIndexDirError", Msg: "failed to load directory " + keyText(dir), Err: err}
			}
			break
		}
	}
	return noSuchFile(name)
}

// keyText is a path as dvc-data names it: a tuple in Python's words.
func keyText(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = pyjson.Repr(part)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// noSuchFile is an error as Python words it.
func noSuchFile(name string) *ValueError {
	return &ValueError{Type: "FileNotFoundError", Msg: "[Errno 2] No such file or directory: '" + name + "'"}
}

// A ValueError says why a file of values cannot be shown, in DVC's words.
type ValueError struct {
	Type string // name of the Python exception that DVC reports
	Msg  string
	Err  error // the cause, if there is one of ours
}

func (e *ValueError) Error() string { return e.Msg }

// corrupted reports a file that is there and cannot be parsed.
func (e *ValueError) corrupted() bool {
	return e.Type == "EncodingError" || strings.HasSuffix(e.Type, "FileCorruptedError")
}

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }
