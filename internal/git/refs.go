package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Ref is a reference and the object it names.
type Ref struct {
	Name string // whole: refs/heads/main
	ID   ID
}

// Refs lists the references whose names begin with prefix, such as
// "refs/exps/", sorted by name. Symbolic ones are followed; broken ones are
// left out.
func (r *Repo) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	if !r.plain {
		return r.forEachRef(ctx, prefix)
	}
	found := map[string]ID{}
	// Loose references first: `git pack-refs` writes the packed file before it
	// deletes the loose one, so none is missed between the two reads.
	dir := filepath.Join(r.common, filepath.FromSlash(prefix[:strings.LastIndex(prefix, "/")+1]))
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // deleted meanwhile
			}
			return err
		}
		// A .lock is git's, of an update under way: no reference may end so.
		if d.IsDir() || strings.HasSuffix(p, ".lock") {
			return nil
		}
		rel, err := filepath.Rel(r.common, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if !strings.HasPrefix(name, prefix) {
			return nil
		}
		if id, err := r.readRef(p, 0); err == nil {
			found[name] = id
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := r.packedRefs(func(name string, id ID) bool {
		if _, loose := found[name]; !loose && strings.HasPrefix(name, prefix) {
			found[name] = id
		}
		return true
	}); err != nil {
		return nil, err
	}
	refs := make([]Ref, 0, len(found))
	for name, id := range found {
		refs = append(refs, Ref{name, id})
	}
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	return refs, nil
}

// forEachRef is Refs through git, for a reftable. for-each-ref sorts by name,
// too.
func (r *Repo) forEachRef(ctx context.Context, prefix string) ([]Ref, error) {
	out, err := r.Run(ctx, "for-each-ref", "--format=%(objectname) %(refname)", strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		refs = append(refs, Ref{name, ID(id)})
	}
	return refs, nil
}

// readRef reads the file of a loose reference.
func (r *Repo) readRef(file string, depth int) (ID, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(string(data))
	if target, ok := strings.CutPrefix(s, "ref:"); ok {
		if depth > 5 {
			return "", fmt.Errorf("%s: symbolic references form a cycle", file)
		}
		return r.ref(strings.TrimSpace(target), depth+1)
	}
	return ParseID(s)
}

// ref looks up a whole reference name in the files; HEAD and other
// pseudo-references belong to the working tree.
func (r *Repo) ref(name string, depth int) (ID, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("reference %q: %w", name, ErrNotFound)
	}
	dir := r.common
	if !strings.HasPrefix(name, "refs/") || strings.HasPrefix(name, "refs/bisect/") || strings.HasPrefix(name, "refs/worktree/") {
		dir = r.gitDir
	}
	// A loose reference hides a packed one of the same name.
	id, err := r.readRef(filepath.Join(dir, filepath.FromSlash(name)), depth)
	if err == nil {
		return id, nil
	}
	if perr := r.packedRefs(func(n string, packed ID) bool {
		if n == name {
			id, err = packed, nil
		}
		return n != name
	}); perr != nil {
		return "", perr
	}
	if err != nil {
		return "", fmt.Errorf("reference %s: %w", name, ErrNotFound)
	}
	return id, nil
}

// packedRefs calls fn with each line of packed-refs until it returns false.
func (r *Repo) packedRefs(fn func(name string, id ID) bool) error {
	data, err := os.ReadFile(filepath.Join(r.common, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		// # is the header; ^ gives what the tag on the line before leads to.
		if len(line) <= r.hexLen+1 || line[0] == '#' || line[0] == '^' {
			continue
		}
		if !fn(strings.TrimRight(string(line[r.hexLen+1:]), "\r"), ID(line[:r.hexLen])) {
			break
		}
	}
	return nil
}

// Ref returns the object that a whole reference name, or HEAD, leads to.
func (r *Repo) Ref(ctx context.Context, name string) (ID, error) {
	if r.plain {
		return r.ref(name, 0)
	}
	out, err := r.Run(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
	if err != nil {
		return "", fmt.Errorf("reference %s: %w", name, ErrNotFound)
	}
	return ParseID(strings.TrimSpace(string(out)))
}

// Head returns the commit that is checked out and its branch, as
// "refs/heads/main"; the branch is "" when HEAD is detached. Before the first
// commit the error is [ErrNotFound] and the branch is set.
func (r *Repo) Head(ctx context.Context) (id ID, branch string, err error) {
	if !r.plain {
		if out, err := r.Run(ctx, "symbolic-ref", "--quiet", "HEAD"); err == nil {
			branch = strings.TrimSpace(string(out))
		}
		id, err = r.Ref(ctx, "HEAD")
		return id, branch, err
	}
	data, err := os.ReadFile(filepath.Join(r.gitDir, "HEAD"))
	if err != nil {
		return "", "", err
	}
	s := strings.TrimSpace(string(data))
	target, symbolic := strings.CutPrefix(s, "ref:")
	if !symbolic {
		id, err = ParseID(s)
		return id, "", err
	}
	branch = strings.TrimSpace(target)
	id, err = r.ref(branch, 1)
	return id, branch, err
}

// Resolve turns a revision, as git understands it, or else the name of a DVC
// experiment, into the commit it means.
// HEAD, whole ids, whole references, branches and tags take no process.
func (r *Repo) Resolve(ctx context.Context, rev string) (ID, error) {
	if rev == "" || strings.ContainsAny(rev, "\n\x00") || strings.HasPrefix(rev, "-") {
		return "", fmt.Errorf("revision %q: %w", rev, ErrNotFound)
	}
	if id, err := ParseID(rev); err == nil && len(rev) == r.hexLen {
		c, err := r.Commit(ctx, id)
		if err != nil {
			return "", err
		}
		return c.ID, nil
	}
	// The order is that of gitrevisions(7). A name that is nothing of these may
	// yet be the short form of an id, and goes to rev-parse.
	if r.plain && !strings.ContainsAny(rev, "^~:@{}?*[\\ ") {
		for _, pre := range []string{"", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"} {
			if pre == "" && rev != "HEAD" && !strings.HasPrefix(rev, "refs/") {
				continue
			}
			if id, err := r.ref(pre+rev, 0); err == nil {
				c, err := r.Commit(ctx, id)
				if err != nil {
					return "", err
				}
				return c.ID, nil
			}
		}
	}
	out, err := r.Run(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, ErrMissing) {
			return "", err
		}
		// Git's own meanings come first, as in DVC.
		if id, ok := r.experiment(ctx, rev); ok {
			return id, nil
		}
		return "", fmt.Errorf("revision %q: %w", rev, ErrNotFound)
	}
	return ParseID(strings.TrimSpace(string(out)))
}

// experiment finds the commit of refs/exps/xx/yyyy/NAME. Of several with the
// name, the one started from HEAD counts.
func (r *Repo) experiment(ctx context.Context, name string) (ID, bool) {
	if strings.Contains(name, "/") {
		return "", false
	}
	refs, err := r.Refs(ctx, "refs/exps/")
	if err != nil {
		return "", false
	}
	var found []Ref
	for _, f := range refs {
		if parts := strings.Split(f.Name, "/"); len(parts) == 5 && parts[4] == name {
			found = append(found, f)
		}
	}
	if len(found) == 1 {
		return found[0].ID, true
	}
	head, _, err := r.Head(ctx)
	for _, f := range found {
		if err == nil && strings.HasPrefix(f.Name, "refs/exps/"+string(head[:2])+"/"+string(head[2:])+"/") {
			return f.ID, true
		}
	}
	return "", false
}
