package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
)

// Commits choose commits besides the workspace. The zero Commits chooses none.
type Commits struct {
	Revs           []string // commits by any name git knows
	Num            int      // with Revs and Branches: so many commits back from each; 0 = 1, less than 0 = all
	AllBranches    bool
	AllTags        bool
	AllCommits     bool // every commit that any ref reaches
	AllExperiments bool
	Since          time.Time // every commit, as AllCommits, that was committed then or later; the zero time chooses none
}

// any reports whether any commit is chosen. Num alone chooses none.
func (v *Commits) any() bool {
	return len(v.Revs) > 0 || v.AllBranches || v.AllTags || v.AllCommits || v.AllExperiments || !v.Since.IsZero()
}

// eachIndex calls f with what the workspace declares, and then with what each
// of the chosen commits does. rev is "workspace", or the commit's id.
func (r *Repo) eachIndex(ctx context.Context, revs Commits, f func(rev string, x *project.Index) error) error {
	if err := f("workspace", r.p.NewIndex()); err != nil {
		return err
	}
	return r.eachCommit(ctx, revs, f)
}

// eachCommit is eachIndex without the workspace, which may then be broken.
func (r *Repo) eachCommit(ctx context.Context, revs Commits, f func(rev string, x *project.Index) error) error {
	if !revs.any() {
		return nil
	}
	g, err := r.p.Git()
	if err != nil {
		return err
	}
	// Without git there are no branches, tags and commits, which is no error; but a
	// commit that is asked for by name is.
	if g == nil {
		if len(revs.Revs) > 0 {
			return fmt.Errorf("unknown Git revision '%s': this is not a git repository", revs.Revs[0])
		}
		return nil
	}
	defer g.Close()
	ids, err := r.commits(ctx, g, revs)
	if err != nil {
		return err
	}
	for _, id := range ids {
		x, err := r.indexAt(ctx, g, id)
		if err == nil {
			err = f(id, x)
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", id, err)
		}
	}
	return nil
}

// commits resolves the choice, each commit once.
func (r *Repo) commits(ctx context.Context, g *git.Repo, revs Commits) ([]string, error) {
	var roots []string
	// Whatever any ref reaches, experiments included.
	if revs.AllCommits {
		return revList(ctx, g, allRefs(ctx, g)...)
	}
	// --num counts along the first parents: what a merge brought in belongs to
	// another branch.
	num := revs.Num
	if num == 0 {
		num = 1
	}
	limit := func(name string) error {
		args := []string{"--first-parent"}
		if num > 0 {
			args = append(args, fmt.Sprintf("--max-count=%d", num))
		}
		list, err := revList(ctx, g, append(args, name)...)
		roots = append(roots, list...)
		return err
	}
	for _, rev := range revs.Revs {
		id, err := g.Resolve(ctx, rev)
		if errors.Is(err, git.ErrNotFound) {
			return nil, unknownRevision(rev)
		}
		if err != nil {
			return nil, err
		}
		if err := limit(string(id)); err != nil {
			return nil, err
		}
	}
	for _, kind := range []struct {
		prefix string
		on     bool
	}{{"refs/heads/", revs.AllBranches}, {"refs/tags/", revs.AllTags}, {"refs/exps/", revs.AllExperiments}} {
		if !kind.on {
			continue
		}
		refs, err := g.Refs(ctx, kind.prefix)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			switch kind.prefix {
			case "refs/heads/":
				err = limit(ref.Name)
			case "refs/exps/":
				// The experiment and, as its commits build on each other, what led to
				// it: DVC's own experiments are chains of commits with the baseline
				// below. Only what is above any branch or tag belongs to them.
				var list []string
				list, err = revList(ctx, g, ref.Name, "--not", "--branches", "--tags")
				roots = append(roots, list...)
				fallthrough
			default:
				var list []string
				if err == nil {
					list, err = revList(ctx, g, "--max-count=1", ref.Name)
				}
				roots = append(roots, list...)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if !revs.Since.IsZero() {
		list, err := commitsSince(ctx, g, revs.Since)
		if err != nil {
			return nil, err
		}
		roots = append(roots, list...)
	}
	// A commit that several names reach is read once: its stages are the same.
	seen := map[string]bool{}
	var ids []string
	for _, id := range roots {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// allRefs means every commit that a ref or HEAD reaches. HEAD may be detached; and
// before the first commit there is none.
func allRefs(ctx context.Context, g *git.Repo) []string {
	if _, _, err := g.Head(ctx); err != nil {
		return []string{"--all"}
	}
	return []string{"--all", "HEAD"}
}

// unknownRevision has DVC's words.
func unknownRevision(rev string) error { return fmt.Errorf("unknown Git revision '%s'", rev) }

// revList is git rev-list, one hash a commit.
func revList(ctx context.Context, g *git.Repo, args ...string) ([]string, error) {
	out, err := g.Run(ctx, append([]string{"rev-list"}, args...)...)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

// commitsSince looks at the date of each commit: git's own --since stops at the
// first older one, behind which a clock that went wrong hides newer ones.
func commitsSince(ctx context.Context, g *git.Repo, since time.Time) ([]string, error) {
	out, err := g.Run(ctx, append([]string{"log", "--format=%ct %H"}, allRefs(ctx, g)...)...)
	if err != nil {
		return nil, err
	}
	var ids []string
	for line := range strings.Lines(string(out)) {
		date, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		if at, err := strconv.ParseInt(date, 10, 64); err != nil || at >= since.Unix() {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// indexAt is the index of a commit.
func (r *Repo) indexAt(ctx context.Context, g *git.Repo, rev string) (*project.Index, error) {
	id, err := g.Resolve(ctx, rev)
	if err != nil {
		return nil, err
	}
	tree, err := g.Tree(ctx, string(id))
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(r.p.GitRoot, r.p.Root)
	if err != nil {
		return nil, err
	}
	if rel != "." {
		if tree, err = fs.Sub(tree, filepath.ToSlash(rel)); err != nil {
			return nil, err
		}
	}
	// The overlay of the working tree doesn't apply: the commit has its own files.
	return r.p.NewIndexAt(tree, string(id)), nil
}
