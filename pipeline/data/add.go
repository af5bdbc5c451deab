package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// AddOptions change what Add does; nil means the zero AddOptions.
type AddOptions struct {
	Glob     bool // a target is a shell pattern of paths
	NoCommit bool // hash, and write the .dvc file, but store nothing
	NoRelink bool // leave the workspace files as they are

	// Out copies the target, which may be anywhere and also a URL, to this path, or
	// into this directory if it exists, and tracks the copy.
	Out   string
	Force bool // replace what is at Out
	// ToRemote sends the target, which may be anywhere and also a URL, to a remote,
	// and keeps nothing of it here but the .dvc file.
	ToRemote bool
	Remote   string // which, with ToRemote; empty = core.remote
	Jobs     int    // copies at a time, with Out or ToRemote; 0 = 4 per core

	// Progress hears how far such copies are, some times a second; nil = nobody.
	Progress func(Progress)
	// Ask reads a password that a remote asks for; nil = that is an error.
	Ask func(ctx context.Context, prompt string) (string, error)
}

// Add puts files and directories under DVC's control: their content is stored
// in the cache and recorded in a .dvc file beside each, and git is told to
// ignore them. A target inside a directory that is already tracked refreshes
// that part of it. The result are the .dvc files, relative to Dir.
func (r *Repo) Add(ctx context.Context, opts *AddOptions, targets ...string) ([]string, error) {
	if opts == nil {
		opts = new(AddOptions)
	}
	if err := opts.check(targets); err != nil {
		return nil, err
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer r.p.SaveMemo()
	if opts.ToRemote || opts.Out != "" {
		file, err := r.addFrom(ctx, targets[0], opts)
		if err != nil {
			return nil, err
		}
		return []string{file}, nil
	}
	if opts.Glob {
		if targets, err = r.globPaths(targets); err != nil {
			return nil, err
		}
	}
	jobs, err := r.planAdd(targets)
	if err != nil {
		return nil, err
	}
	// One set of lines for all targets: an error takes back those of the targets that
	// went well before, but neither their objects nor their .dvc files.
	lines := &project.IgnoreLines{Repo: r.p}
	var files []string
	for _, job := range jobs {
		if err := r.add(ctx, job, opts, lines); err != nil {
			lines.Undo()
			return nil, err
		}
		if file := r.p.Rel(r.p.Abs(job.dot.Path)); !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	// Only what is in the cache may a later checkout remove as unused.
	links := r.p.OpenLinks()
	for _, job := range jobs {
		if !opts.NoCommit && !job.hash.IsZero() {
			links.Note(job.abs, job.hash)
		}
	}
	links.Save()
	return files, r.p.Track(ctx, slices.Concat(files, lines.Files()))
}

// addJob is one target of Add and the .dvc file it goes to.
// Several jobs may share dot: parts of one directory that is tracked already.
type addJob struct {
	abs string
	dot *dvcfile.DotDVC
	out *project.Output
	at  int // index of the output in dot

	hash object.Hash // of what was added
}

// planAdd finds out where the targets go, and checks them against all that the
// repository declares, before anything is done.
func (r *Repo) planAdd(targets []string) ([]*addJob, error) {
	x := r.p.NewIndex()
	if _, err := x.Build(); err != nil {
		return nil, err
	}
	var jobs []*addJob
	fresh := map[string]*addJob{}
	for _, text := range targets {
		job, isNew, err := addTarget(x, text)
		if err != nil {
			return nil, err
		}
		if isNew {
			// The same target twice. Of tracked ones both are kept: the second changes nothing.
			if same := fresh[job.abs]; same != nil {
				continue
			}
			fresh[job.abs] = job
		}
		jobs = append(jobs, job)
	}
	// New targets are checked against each other, too: a and a/b can't be tracked
	// both.
	for _, job := range jobs {
		if fresh[job.abs] == job {
			if err := checkOverlap(x, job); err != nil {
				return nil, err
			}
			adopt(x, job)
		}
	}
	// The graph with all new files in it must be sound before the first is written.
	_, err := x.Build()
	return jobs, err
}

// addTarget decides what a target means. isNew tells that it was not tracked.
func addTarget(x *project.Index, text string) (job *addJob, isNew bool, err error) {
	r := x.Repo
	if project.IsURL(text) {
		return nil, false, checkURLTarget(text)
	}
	abs := r.UserPath(text)
	if err := checkAddPath(r, text, abs); err != nil {
		return nil, false, err
	}
	owner, out, err := x.Owner(abs)
	if err != nil {
		return nil, false, err
	}
	// What a stage makes is recorded by running it.
	if owner != nil && !owner.IsDVC() {
		return nil, false, &pipelineOutputError{out: filepath.Base(abs), addr: owner.Addr, file: r.Rel(r.Abs(owner.File))}
	}
	if owner != nil {
		return &addJob{abs: abs, dot: owner.Dot, out: out, at: slices.Index(owner.Outs, out)}, false, nil
	}
	if err := r.CheckIgnored(abs); err != nil {
		return nil, false, err
	}
	// Wdir of a .dvc file is its own directory, which has the empty path at the root.
	dir, base := x.FromRoot(filepath.Dir(abs)), filepath.Base(abs)
	if dir == "" {
		dir = "."
	}
	// The .dvc file lies beside the data, as dvc add has it, and so has one
	// output.
	dot := &dvcfile.DotDVC{Path: x.FromRoot(abs + dvcfile.Suffix), Wdir: dir,
		Outs: []dvcfile.DotOut{{Out: dvcfile.Out{Path: base}, Entry: dvcfile.LockEntry{Path: base}}}}
	if old, err := previous(x, dot.Path); err != nil {
		return nil, false, err
	} else if old != nil {
		old.Outs, old.Wdir = dot.Outs, dir
		dot = old
	}
	return &addJob{abs: abs, dot: dot, out: r.NewOutput(dot.Outs[0].Out, abs)}, true, nil
}

// previous reads a .dvc file that is there but tracks something else.
func previous(x *project.Index, file string) (*dvcfile.DotDVC, error) {
	if !project.Exists(x.Repo.Abs(file)) {
		return nil, nil
	}
	stages, err := x.Load(file)
	if err != nil || len(stages) == 0 {
		return nil, err
	}
	return stages[0].Dot, nil
}

// checkAddPath refuses paths that cannot be tracked.
func checkAddPath(r *project.Repo, text, abs string) error {
	if base := filepath.Base(abs); base == dvcfile.ProjectName || strings.HasSuffix(base, dvcfile.Suffix) {
		return fmt.Errorf("DVC file '%s' cannot be an output.", base)
	}
	if !project.IsBelow(abs, r.Root) {
		return outsideError(abs)
	}
	// DVC refuses what lies behind a link, since the content belongs to another
	// place; a link to a file is followed and replaced by the file.
	for dir := filepath.Dir(abs); dir != r.Root; dir = filepath.Dir(dir) {
		if isSymlink(dir) {
			return errSymlinkDir
		}
	}
	if isSymlink(abs) && project.IsDir(abs) {
		return errSymlinkDir
	}
	return nil
}

var errSymlinkDir = errors.New("Cannot add files inside symlinked directories to DVC. " +
	"See <https://dvc.org/doc/user-guide/troubleshooting#add-symlink> for more information.")

// isSymlink is false for what isn't there.
func isSymlink(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode()&fs.ModeSymlink != 0
}

// pipelineOutputError is in DVC's words.
type pipelineOutputError struct{ out, addr, file string }

func (e *pipelineOutputError) Error() string {
	return fmt.Sprintf("cannot update '%s': overlaps with an output of stage: '%s' in '%s'.\n"+
		"Run the pipeline or use 'dvc commit' to force update it.", e.out, e.addr, e.file)
}

// checkOverlap refuses a new output that contains, or lies in, another one.
// Equal paths are no matter here: Build finds them.
func checkOverlap(x *project.Index, job *addJob) error {
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			if project.IsBelow(o.Abs, job.abs) {
				return fmt.Errorf("Cannot add '%[1]s', because it is overlapping with other DVC tracked output: '%[2]s'.\n"+
					"To include '%[2]s' in '%[1]s', run 'dvc remove %[3]s' and then 'dvc add %[1]s'", job.out.Show, o.Show, s.Addr)
			}
			if project.IsBelow(job.abs, o.Abs) {
				return fmt.Errorf("Cannot add '%[1]s', because it is overlapping with other DVC tracked output: '%[2]s'.\n"+
					"To include '%[1]s' in '%[2]s', run 'dvc commit %[3]s'", job.out.Show, o.Show, s.Addr)
			}
		}
	}
	return nil
}

// adopt makes a new .dvc file part of the index, for the checks of the graph.
// The output that Add works on is then the index's.
func adopt(x *project.Index, job *addJob) {
	s := x.Repo.NewDataStage(job.dot)
	x.Put(s)
	job.out = s.Outs[0]
}

// add hashes, stores and records one target.
func (r *Repo) add(ctx context.Context, job *addJob, opts *AddOptions, lines *project.IgnoreLines) error {
	entry := &job.dot.Outs[job.at].Entry
	// A path inside an output needs a directory there; nothing is recorded of a new one.
	if entry.Hash.IsZero() || entry.Hash.IsDir() || job.abs == job.out.Abs {
		if _, err := os.Stat(job.abs); errors.Is(err, fs.ErrNotExist) && job.abs == job.out.Abs {
			return &missingAddError{job.out.Show, job.abs}
		}
	} else {
		return fmt.Errorf("Cannot modify '%s' which is being tracked as a file", job.out.Show)
	}
	// The repository's lock is not enough: a stage that runs elsewhere holds claims on
	// its paths only.
	release, err := r.p.Claim(ctx, &project.Stage{Outs: []*project.Output{job.out}})
	if err != nil {
		return err
	}
	defer release()
	if job.out.GitIgnored() {
		if err := lines.Add(job.out); err != nil {
			return err
		}
	}
	if job.abs == job.out.Abs {
		err = r.addWhole(ctx, job, entry, opts)
	} else {
		err = r.addPart(ctx, job, entry, opts)
	}
	if err != nil {
		return err
	}
	return r.writeDot(job.dot)
}

// missingAddError is DVC's text: with path an output is missing, without it a path
// inside one.
type missingAddError struct{ path, abs string }

func (e *missingAddError) Error() string {
	text := fmt.Sprintf("[Errno 2] No such file or directory: '%s'", e.abs)
	if e.path != "" {
		text = fmt.Sprintf("output '%s' does not exist: ", e.path) + text
	}
	return text
}

// Is makes it an fs.ErrNotExist.
func (e *missingAddError) Is(target error) bool { return target == fs.ErrNotExist }

// addWhole refreshes a whole output.
// An output that is not cached is only measured.
func (r *Repo) addWhole(ctx context.Context, job *addJob, entry *dvcfile.LockEntry, opts *AddOptions) error {
	m, err := r.storeOut(ctx, job.abs, entry.Hash, opts.NoCommit || !job.out.Cached(), !opts.NoRelink)
	if err != nil {
		return err
	}
	// The size is known again: all has been added.
	job.hash = m.Hash
	return r.p.Note(ctx, job.out.Abs, entry, m)
}

// storeOut hashes an output and, unless that is not wanted, stores it. What
// DVC 2 recorded stays so while the content is the same.
func (r *Repo) storeOut(ctx context.Context, abs string, rec object.Hash, noCommit, relink bool) (object.Meta, error) {
	if noCommit {
		return r.p.Measure(ctx, abs, rec)
	}
	// A .dvc file of DVC 2 that changed all its hashes with no change of the data would
	// only be noise in git.
	legacy := false
	if rec.IsLegacy() {
		same, err := r.p.Hasher().Matches(ctx, abs, rec)
		if err != nil {
			return object.Meta{}, err
		}
		legacy = same
	}
	return r.p.Cache().Add(ctx, r.p.Hasher(), abs, &object.AddOptions{Legacy: legacy, Relink: relink})
}

// writeDot writes a .dvc file, which git must not ignore.
func (r *Repo) writeDot(dot *dvcfile.DotDVC) error {
	path := r.p.Abs(dot.Path)
	if r.p.GitIgnores(path) {
		return fmt.Errorf("bad DVC file name '%s' is git-ignored.", r.p.Rel(path))
	}
	data, err := dot.Bytes()
	if err != nil {
		return err
	}
	_, err = atomicfile.WriteFileIfChanged(path, data, r.p.ViaTemp(true))
	return err
}
