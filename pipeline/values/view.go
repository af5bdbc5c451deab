package values

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// Workspace names the working tree where a revision is wanted.
const Workspace = "workspace"

// view is the repository at one revision: what its files declare, and the
// content of every file that git or DVC keeps there.
type view struct {
	repo  *project.Repo
	fsys  fs.FS
	items []dvcfile.Item
	outs  map[string]transfer.Recorded // cached outputs by place
	data  *transfer.Contents           // of outs
	hide  *ignore.Tree                 // nil until a directory is listed
	from  *imports
}

// workspaceView reads the working tree, with stages that were declared in Go in
// place of its dvc.yaml.
func workspaceView(ctx context.Context, r *project.Repo, data *transfer.Contents) (*view, error) {
	opts, err := r.FileOptions()
	if err != nil {
		return nil, err
	}
	return newView(ctx, r.NewIndex(), data, r.Tree(r.Overlay), &dvcfile.CollectOptions{Options: *opts, Skip: r.NotCollected})
}

// revisionView reads the tree of a commit.
func revisionView(ctx context.Context, r *project.Repo, fsys fs.FS, data *transfer.Contents) (*view, error) {
	opts, err := r.FileOptions()
	if err != nil {
		return nil, err
	}
	// What .dvcignore hides now may have been an output then. Skip is only about
	// where declarations are looked for.
	at := *opts
	at.Ignored = nil
	return newView(ctx, r.NewIndexAt(fsys, ""), data, fsys, &dvcfile.CollectOptions{Options: at, Skip: ignore.DVCIn(fsys, r.Root).Ignored})
}

// newView notes what the files declare. It reads no file of values: that is for
// read, and only for the files that are shown.
func newView(ctx context.Context, x *project.Index, data *transfer.Contents, fsys fs.FS, opts *dvcfile.CollectOptions) (*view, error) {
	items, err := dvcfile.Collect(fsys, opts)
	if err != nil {
		return nil, err
	}
	from := &imports{ctx: ctx, index: x, files: map[string]string{}, asked: map[string]bool{}}
	v := &view{repo: x.Repo, from: from, fsys: fsys, items: items, outs: map[string]transfer.Recorded{}, data: data}
	for _, i := range items {
		v.index(i)
	}
	return v, nil
}

// index notes what is recorded of the cached outputs of a file.
func (v *view) index(i dvcfile.Item) {
	// A .dvc file records its outputs itself; those of a dvc.yaml are in dvc.lock.
	if i.DotDVC != nil {
		v.from.note(i.DotDVC)
		for n, o := range i.DotDVC.Outs {
			v.outs[i.DotDVC.OutPath(n)] = transfer.Recorded{Hash: o.Entry.Hash, Remote: o.Out.Remote}
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
			rec := transfer.Recorded{Remote: o.Remote}
			if entry != nil {
				if e := dvcfile.Entry(entry.Outs, o.Path); e != nil {
					rec.Hash = e.Hash
				}
			}
			v.outs[s.Path(o.Path)] = rec
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
			switch {
			case err != nil:
			case p != name && v.hidden(p, d.IsDir()):
				if d.IsDir() {
					return fs.SkipDir
				}
			case !d.IsDir():
				found = append(found, p)
			}
			return nil
		})
		return found
	}
	_, err = v.data.Find(v.outs, name+"/.")
	v.from.bring(name, err)
	if found, ok := v.data.List(v.outs, name); ok {
		return found
	}
	return []string{name}
}

// hidden reports what is in no listing: what .dvcignore names, the directories of git
// and DVC, and DVC's own files.
func (v *view) hidden(name string, dir bool) bool {
	if v.hide == nil {
		v.hide = ignore.DVCIn(v.fsys, v.repo.Root)
	}
	switch base := path.Base(name); {
	case dir && (base == ".git" || base == ".dvc"):
		return true
	case !dir && (base == ".dvcignore" || base == "dvc.yaml" || base == "dvc.lock" || path.Ext(base) == ".dvc"):
		return true
	}
	return v.hide.Ignored(name, dir)
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
	data := transfer.NewContents(ctx, r)
	if sel.none() {
		v, err := workspaceView(ctx, r, data)
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
	v, err := workspaceView(ctx, r, data)
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
		v, err := revisionView(ctx, r, tree, data)
		err = dvcfile.OfCommit(err, string(g.id))
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
			if !slices.Contains(groups[i].names, name) {
				groups[i].names = append(groups[i].names, name)
			}
			continue
		}
		groups = append(groups, commitGroup{id, []string{name}, len(sel.Revs) > 0})
	}
	return groups, nil
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

// AsValueError is err as DVC's JSON tells it: a *ValueError in its chain, or the
// class and the words that DVC has for an error of dvc.yaml, dvc.lock or a .dvc
// file.
func AsValueError(err error) *ValueError {
	var v *ValueError
	if errors.As(err, &v) {
		return v
	}
	return &ValueError{Type: dvcfile.ExceptionOf(err), Msg: dvcfile.Brief(err), Err: err}
}

// corrupted reports a file that is there and cannot be parsed.
func (e *ValueError) corrupted() bool {
	return e.Type == "EncodingError" || strings.HasSuffix(e.Type, "FileCorruptedError")
}

// Unwrap returns the cause.
func (e *ValueError) Unwrap() error { return e.Err }
