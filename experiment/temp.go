package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/host"
	"github.com/reprodl/reprodl/internal/orphan"
)

// standaloneDir is where DVC keeps the copies of --temp.
func (r *Repo) standaloneDir() string { return r.tmpDir("standalone") }

// runTemp runs an experiment in a copy of the working tree.
func (r *Repo) runTemp(ctx context.Context, head git.ID, edits []edit, o *RunOptions) (*Experiment, error) {
	// The tree is fixed here: what the user edits from now on is not in it.
	tree, err := r.snapshot(ctx, o)
	if err != nil {
		return nil, err
	}
	// Parameters are edited in the tree, not in the workspace.
	if tree, err = r.editTree(ctx, tree, edits); err != nil {
		return nil, err
	}
	w, remove, err := r.copyTree(ctx, r.standaloneDir(), "tmp", head, tree, r.withProgram(ctx, tree, o))
	if err != nil {
		return nil, err
	}
	defer remove()
	e, err := w.run(ctx, head, o, nil)
	if err != nil || e == nil {
		return nil, err
	}
	r.log.Info(fmt.Sprintf("\nRan experiment(s): %s\nTo apply the results of an experiment to your workspace run:\n\n\tdvc exp apply <exp>", e.Name))
	return e, nil
}

// withProgram is what a copy needs besides the tree: the files asked for and
// the program that runs stages in Go, if it is a file that git does not track.
func (r *Repo) withProgram(ctx context.Context, tree git.ID, o *RunOptions) []string {
	// The first word is the file; the rest are its arguments.
	name, _, _ := strings.Cut(o.Program, " ")
	name = path.Clean(filepath.ToSlash(name))
	// A name without a slash is found on PATH, an absolute one where it is.
	if len(o.Stages) == 0 || !strings.Contains(o.Program, "/") || !filepath.IsLocal(filepath.FromSlash(name)) || slices.Contains(o.Copy, name) {
		return o.Copy
	}
	abs := filepath.Join(r.dir, filepath.FromSlash(name))
	fi, err := os.Stat(abs)
	if err != nil || !fi.Mode().IsRegular() {
		return o.Copy
	}
	if rel, err := filepath.Rel(r.git.Root(), abs); err == nil {
		if _, err := r.git.Lookup(ctx, tree, filepath.ToSlash(rel)); err == nil {
			return o.Copy
		}
	}
	return append(slices.Clone(o.Copy), name)
}

// editTree is a tree object of the working tree with parameters edited. The
// files themselves stay as they are.
func (r *Repo) editTree(ctx context.Context, tree git.ID, edits []edit) (git.ID, error) {
	changed, err := r.prepareEdits(r.root, r.dir, edits, nil)
	if err != nil || len(changed) == 0 {
		return tree, err
	}
	changes := map[string]git.Change{}
	for _, c := range changed {
		id, err := r.git.WriteObject(git.Blob, c.data)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(r.git.Root(), c.abs)
		if err != nil {
			return "", err
		}
		name = filepath.ToSlash(name)
		// The file stays executable if it was.
		mode := git.ModeFile
		if e, err := r.git.Lookup(ctx, tree, name); err == nil && e.Mode == git.ModeExec {
			mode = git.ModeExec
		}
		changes[name] = git.Change{Mode: mode, ID: id}
	}
	return r.git.EditTree(ctx, tree, changes)
}

// copyTree makes a copy of the working tree, with the files of a tree object,
// in a new directory below base. remove closes and deletes it. A file beside
// it is held locked meanwhile, from before the directory exists: a copy whose
// lock nobody holds was left by a killed process.
func (r *Repo) copyTree(ctx context.Context, base, prefix string, head, tree git.ID, extra []string) (w *work, remove func(), err error) {
	if err := os.MkdirAll(base, 0o777); err != nil {
		return nil, nil, err
	}
	lock, err := os.CreateTemp(base, prefix+"*"+lockSuffix)
	if err != nil {
		return nil, nil, err
	}
	dir := strings.TrimSuffix(lock.Name(), lockSuffix)
	// The lock is held until the directory is gone.
	clean := func() {
		removeAll(dir)
		lock.Close()
		os.Remove(lock.Name())
	}
	if _, err = host.TryLock(lock); err == nil {
		err = os.Mkdir(dir, 0o777)
	}
	if err != nil {
		clean()
		return nil, nil, err
	}
	if w, err = r.populate(ctx, dir, head, tree, extra); err != nil {
		clean()
		return nil, nil, err
	}
	return w, func() { w.git.Close(); clean() }, nil
}

// lockSuffix names the lock of a copy, after its directory.
const lockSuffix = ".lock"

// cleanCopies deletes the copies below base whose owners are gone.
func cleanCopies(base string) error {
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		name := filepath.Join(base, strings.TrimSuffix(e.Name(), lockSuffix))
		// Both the directory and its lock are entries; whichever comes first
		// removes both.
		if !owned(name + lockSuffix) {
			removeAll(name)
			os.Remove(name + lockSuffix)
		}
	}
	return err
}

// endPrograms ends what killed runs left running, in the workspace and in copies
// of it.
func (r *Repo) endPrograms(ctx context.Context) error {
	if err := orphan.End(ctx, filepath.Join(r.root, ".dvc", "tmp"), r.log); err != nil {
		return err
	}
	for _, base := range []string{r.standaloneDir(), r.planDir()} {
		entries, err := os.ReadDir(base)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if !e.IsDir() {
				continue
			}
			if err := orphan.End(ctx, filepath.Join(base, e.Name(), filepath.FromSlash(r.sub), ".dvc", "tmp"), r.log); err != nil {
				return err
			}
		}
	}
	return nil
}

// owned reports whether a living process holds the lock of a copy. A lock that
// cannot be opened has no owner.
func owned(lock string) bool {
	f, err := os.OpenFile(lock, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	ok, err := host.TryLock(f)
	return err == nil && !ok
}

// populate makes dir a working tree of the repository with the files of a
// tree object. Its .git directory has a HEAD and an index of its own and
// shares everything else, so it need not be registered, and deleting it leaves
// no trace. The DVC cache is shared too.
func (r *Repo) populate(ctx context.Context, dir string, head, tree git.ID, extra []string) (*work, error) {
	gitDir := filepath.Join(dir, ".git")
	if err := os.MkdirAll(gitDir, 0o777); err != nil {
		return nil, err
	}
	// HEAD is detached at the baseline; commondir is how git finds the rest, as
	// in a linked work tree.
	for name, text := range map[string]string{"HEAD": string(head), "commondir": r.git.CommonDir()} {
		if err := os.WriteFile(filepath.Join(gitDir, name), []byte(text+"\n"), 0o666); err != nil {
			return nil, err
		}
	}
	g, err := git.Open(dir)
	if err != nil {
		return nil, err
	}
	g.Env = r.opts.Env
	if err := checkoutAll(ctx, g, gitDir, dir, tree); err != nil {
		return nil, err
	}
	if err := r.copyModules(ctx, r.git, tree, dir); err != nil {
		return nil, err
	}
	// The DVC repository and the working directory lie in the copy as they
	// lie in the original.
	w := &work{repo: r, git: g, root: filepath.Join(dir, filepath.FromSlash(r.sub)), temp: true}
	rel, err := filepath.Rel(r.root, r.dir)
	if err != nil {
		return nil, err
	}
	w.dir = filepath.Join(w.root, rel)
	if err := os.MkdirAll(w.dir, 0o777); err != nil {
		return nil, err
	}
	if err := r.shareCache(w.root); err != nil {
		return nil, err
	}
	for _, p := range extra {
		if err := r.copyInto(w.root, p); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// copyInto copies an untracked file or directory of the workspace.
func (r *Repo) copyInto(root, name string) error {
	src := filepath.Join(r.dir, filepath.FromSlash(name))
	rel, err := filepath.Rel(r.root, src)
	if err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("Unable to copy '%s'. It is outside of the repository.", name)
	}
	fi, err := os.Stat(src)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("Unable to copy '%s'. It is not a file or directory.", name)
	case err != nil:
		return err
	case fi.IsDir():
		return os.CopyFS(filepath.Join(root, rel), os.DirFS(src))
	}
	data, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	dst := filepath.Join(root, rel)
	if err := os.MkdirAll(filepath.Dir(dst), 0o777); err != nil {
		return err
	}
	return os.WriteFile(dst, data, fi.Mode().Perm())
}

// removeAll deletes a directory whose files may be read-only.
func removeAll(dir string) {
	// A file can be deleted only if its directory may be written to.
	if os.RemoveAll(dir) == nil {
		return
	}
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(p, 0o777)
		}
		return nil
	})
	os.RemoveAll(dir)
}

// checkTree refuses trees that would write outside of the directory they are
// checked out in: hostile names, and symbolic links that lead out.
func (r *Repo) checkTree(ctx context.Context, tree git.ID) error {
	return r.git.Walk(ctx, tree, func(name string, e git.Entry) error {
		if err := checkPath(name); err != nil {
			return err
		}
		if e.Mode != git.ModeSymlink {
			return nil
		}
		_, target, err := r.git.Object(ctx, e.ID)
		if err != nil {
			return err
		}
		return checkLink(name, string(target))
	})
}

// checkPath refuses names that mean something else on disk: above the root,
// inside .git, however spelled, or not a name at all.
func checkPath(name string) error {
	bad := !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\x00\\")
	for part := range strings.SplitSeq(name, "/") {
		p := strings.ToLower(strings.TrimRight(strings.Map(func(c rune) rune {
			if c == '\u200c' || c == '\u200d' || c == '\ufeff' || (c >= '\u200e' && c <= '\u200f') || (c >= '\u202a' && c <= '\u202e') || (c >= '\u206a' && c <= '\u206f') {
				return -1 // ignored by some file systems
			}
			return c
		}, part), " ."))
		// A colon begins a stream of the file on Windows.
		p, _, _ = strings.Cut(p, ":")
		bad = bad || part == "" || part == "." || part == ".." || p == ".git" || p == "git~1"
	}
	if bad {
		return fmt.Errorf("the experiment contains the path %q, which must not be written", name)
	}
	return nil
}

// checkLink refuses a symbolic link that leaves the working tree.
func checkLink(name, target string) error {
	to := filepath.Join(filepath.Dir(filepath.FromSlash(name)), filepath.FromSlash(target))
	if target == "" || filepath.IsAbs(target) || strings.HasPrefix(target, "/") || !filepath.IsLocal(to) {
		return fmt.Errorf("the experiment contains the symbolic link %q, which leaves the repository (to %q)", name, target)
	}
	return nil
}
