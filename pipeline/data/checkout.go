package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// CheckoutOptions change what Checkout does; nil means the zero CheckoutOptions.
type CheckoutOptions struct {
	Force        bool // overwrite and delete files whose content is not in the cache
	Relink       bool // recreate files that are linked in another way than configured
	WithDeps     bool // also what the targets depend on
	Recursive    bool // a target may be a directory: all stages declared below it
	AllowMissing bool // content that is not in the cache is no error
	Recorded     bool // leave out the outputs of stages that never ran
}

// Checkouts lists what Checkout changed, in DVC's order: paths relative to Dir,
// directories, with a slash at the end, first.
type Checkouts struct {
	Modified, Added, Deleted []string
	// How many files that are, those in directories counted one by one.
	ModifiedFiles, AddedFiles, DeletedFiles int
}

// CheckoutError lists outputs that could not be checked out since the cache
// lacks their content.
type CheckoutError struct {
	Targets []string
	Errs    []error // of the targets: which objects are missing or damaged
}

func (e *CheckoutError) Error() string {
	return "Checkout failed for following targets:\n" + strings.Join(e.Targets, "\n") +
		"\nIs your cache up to date?\n<https://error.dvc.org/missing-files>"
}

// Unwrap returns the errors of the targets.
func (e *CheckoutError) Unwrap() []error { return e.Errs }

// Checkout makes outputs in the workspace what is recorded of them: all, or
// those of the targets (stages, groups, .dvc files, outputs). Unless Force is
// set nothing is done if files would be lost whose content is not in the cache.
// If content is missing from the cache the error is a *CheckoutError, and all
// other outputs are checked out.
func (r *Repo) Checkout(ctx context.Context, opts *CheckoutOptions, targets ...string) (*Checkouts, error) {
	if opts == nil {
		opts = new(CheckoutOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return r.checkout(ctx, opts, targets)
}

// suggestGit says, as DVC does, that git may know a target that DVC doesn't.
func (r *Repo) suggestGit(targets []string, err error) error {
	var missing *project.NoTargetError
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("Did you mean `git checkout %s`?: %w", missing.Target, err)
	case project.IsMissing(err):
		for _, t := range targets {
			if parsed, perr := project.ParseTarget(t, false); perr == nil && parsed.File != "" && !project.Exists(r.p.UserPath(parsed.File)) {
				return fmt.Errorf("Did you mean `git checkout %s`?: %w", t, err)
			}
		}
	}
	return err
}

// checkout is Checkout under the lock.
func (r *Repo) checkout(ctx context.Context, opts *CheckoutOptions, targets []string) (*Checkouts, error) {
	defer r.p.SaveMemo()
	x := r.p.NewIndex()
	chosen, err := x.Granular(project.Scope{WithDeps: opts.WithDeps, Recursive: opts.Recursive}, targets)
	if err != nil {
		return nil, r.suggestGit(targets, err)
	}
	// No output may be written through a link to a place outside of the repository; all
	// are checked before one is touched.
	for _, o := range project.Pieces(chosen) {
		if !o.GitIgnored() {
			continue
		}
		if err := r.p.CheckInside(o.Path()); err != nil {
			return nil, err
		}
	}
	links := r.p.OpenLinks()
	defer links.Save()
	done := &checkouts{repo: r, opts: opts, links: links}
	// Only a checkout of everything knows what is declared nowhere any more. DVC
	// finds it by its table of links, which has the same purpose.
	if len(targets) == 0 {
		if err := done.removeUnused(ctx, chosen); err != nil {
			return nil, err
		}
	}
	if err := done.all(ctx, chosen); err != nil {
		return nil, err
	}
	list := done.sorted()
	// The list goes with the error: the other outputs have been changed.
	if len(done.failed.Targets) > 0 && !opts.AllowMissing {
		return list, &done.failed
	}
	return list, nil
}

// checkouts is one Checkout at work.
// failed becomes the error of the whole; list counts what was changed all the same.
type checkouts struct {
	repo   *Repo
	opts   *CheckoutOptions
	links  *project.Links
	list   Checkouts
	failed CheckoutError
}

// removeUnused removes outputs that are declared no more.
func (c *checkouts) removeUnused(ctx context.Context, chosen []project.Selection) error {
	declared := map[string]bool{}
	for _, s := range chosen {
		for _, o := range s.Stage.Outs {
			declared[o.Abs] = true
		}
	}
	for _, abs := range c.links.Unused(ctx, declared) {
		// The table of links may be of another time, when the path was another.
		if c.repo.p.CheckInside(abs) != nil {
			continue
		}
		show := c.show(abs)
		if err := os.RemoveAll(abs); err != nil {
			return err
		}
		c.list.Deleted = append(c.list.Deleted, show)
		c.list.DeletedFiles++
	}
	return nil
}

// show is a path as the list has it.
// It must be called while the path is there, or a directory has no slash.
func (c *checkouts) show(abs string) string {
	if show := c.repo.p.Rel(abs); project.IsDir(abs) {
		return show + string(os.PathSeparator)
	} else {
		return show
	}
}

// all checks out the chosen outputs. With files that would be lost it stops
// before anything was changed.
func (c *checkouts) all(ctx context.Context, chosen []project.Selection) error {
	outs := slices.DeleteFunc(project.Pieces(chosen), func(o project.Piece) bool { return !o.GitIgnored() })
	outs = c.repo.filled(outs)
	if !c.opts.Force {
		if err := c.check(ctx, outs); err != nil {
			return err
		}
	}
	for _, o := range outs {
		if o.Rec.Hash.IsZero() {
			if !c.opts.Recorded {
				c.unknown(o.Output)
			}
			continue
		}
		if err := c.one(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// check finds all files that would be lost.
// An output that nothing is recorded of counts as lost if it is there.
func (c *checkouts) check(ctx context.Context, outs []project.Piece) error {
	var unsaved []string
	for _, o := range outs {
		if o.Rec.Hash.IsZero() {
			if _, err := os.Lstat(o.Path()); err == nil {
				unsaved = append(unsaved, o.Path())
			}
			continue
		}
		lost, err := c.repo.p.Cache().Unsaved(ctx, c.repo.p.Hasher(), o.Abs, o.Rec.Hash, o.Part)
		if err != nil {
			return err
		}
		unsaved = append(unsaved, lost...)
	}
	if unsaved != nil {
		return &UnsavedError{unsaved}
	}
	return nil
}

// UnsavedError lists files that an operation refused to overwrite or delete:
// their content is nowhere else.
type UnsavedError struct{ Paths []string }

func (e *UnsavedError) Error() string {
	return "Can't remove the following unsaved files without confirmation. Use `--force` to force.\n" + strings.Join(e.Paths, "\n")
}

// unknown is for an output that nothing is recorded of. Unlike DVC, which
// deletes what is there, it leaves it alone.
func (c *checkouts) unknown(o *project.Output) {
	if o.From != nil {
		c.failed.Targets = append(c.failed.Targets, o.Show)
		c.failed.Errs = append(c.failed.Errs, errNotFetched)
		return
	}
	o.WarnUnknown(c.repo.p.Log)
	c.failed.Targets = append(c.failed.Targets, o.Show)
	c.failed.Errs = append(c.failed.Errs, errors.New("nothing is recorded of it"))
}

// An output whose content is missing is noted, and is no error of one.
func (c *checkouts) one(ctx context.Context, o project.Piece) error {
	release, err := c.repo.p.Claim(ctx, &project.Stage{Outs: []*project.Output{o.Output}})
	if err != nil {
		return err
	}
	defer release()
	_, there := os.Lstat(o.Abs)
	// Force here, since check has looked at all outputs before the first one was
	// touched: a checkout that stops half-way would leave two states mixed.
	opts := &object.CheckoutOptions{Force: true, Relink: c.opts.Relink, Exec: o.Rec.Exec, Part: o.Part}
	done, err := c.repo.p.Cache().Checkout(ctx, c.repo.p.Hasher(), o.Abs, o.Rec.Hash, opts)
	if errors.Is(err, object.ErrMissing) || errors.Is(err, object.ErrCorrupt) {
		c.failed.Targets = append(c.failed.Targets, o.Show)
		c.failed.Errs = append(c.failed.Errs, err)
		c.repo.p.Log.Debug(o.Show + ": " + err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	// A part is not noted: the rest of the output may be anything.
	if o.Part == "" {
		c.links.Note(o.Abs, o.Rec.Hash)
	}
	c.list.ModifiedFiles += done.Modified
	c.list.AddedFiles += done.Added
	c.list.DeletedFiles += done.Deleted
	if o.Part != "" && there == nil && done.Change != 0 {
		done.Change = object.Modified // of the output
	}
	show := c.show(o.Abs)
	switch {
	// Several parts of one output are one line.
	case done.Change == 0, slices.Contains(c.list.Added, show), slices.Contains(c.list.Modified, show):
	case done.Change == object.Added:
		c.list.Added = append(c.list.Added, show)
	default:
		c.list.Modified = append(c.list.Modified, show)
	}
	return nil
}

// sorted puts directories first.
func (c *checkouts) sorted() *Checkouts {
	for _, list := range [][]string{c.list.Modified, c.list.Added, c.list.Deleted} {
		slices.SortFunc(list, func(a, b string) int {
			aDir, bDir := strings.HasSuffix(a, string(os.PathSeparator)), strings.HasSuffix(b, string(os.PathSeparator))
			if aDir != bDir {
				if aDir {
					return -1
				}
				return 1
			}
			return strings.Compare(a, b)
		})
	}
	return &c.list
}
