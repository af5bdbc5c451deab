package pipeline

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
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/stagegraph"
	"github.com/reprodl/reprodl/internal/transfer"
)

// AddStageOptions change what AddStage does; nil means the zero
// AddStageOptions.
type AddStageOptions struct {
	// Force replaces a stage of that name. Its description and its meta stay.
	Force bool
}

// nameMarks are the characters that DVC refuses in names it writes itself.
const nameMarks = "!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~"

// AddStage writes a stage to the dvc.yaml of the working directory and hides its
// outputs from git. It is checked first: against the other stages of the
// repository, too. Templates in it, such as ${lr}, stay templates.
func (r *Repo) AddStage(ctx context.Context, spec Stage, opts *AddStageOptions) error {
	if opts == nil {
		opts = new(AddStageOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if spec.Run != nil {
		return errFuncInFile
	}
	if len(spec.Cmd) == 0 || spec.Cmd[0] == "" {
		return errors.New("command is not specified")
	}
	if spec.Name == "" || strings.ContainsAny(spec.Name, nameMarks) {
		return &dvcfile.Error{Kind: dvcfile.NameInvalid, Msg: "Stage name cannot contain punctuation characters."}
	}
	x := r.p.NewIndex()
	s, err := r.specStage(x, &spec)
	if err != nil {
		return err
	}
	if err := r.checkNew(x, s, opts.Force); err != nil {
		return err
	}
	return r.writeStage(ctx, s)
}

// specStage makes the stage of a description.
func (r *Repo) specStage(x *project.Index, spec *Stage) (*project.Stage, error) {
	// A dvc.yaml that git ignores would be lost to everybody else.
	abs := filepath.Join(r.p.Dir, dvcfile.ProjectName)
	if r.p.GitIgnores(abs) {
		return nil, fmt.Errorf("bad DVC file name '%s' is git-ignored.", r.p.Rel(abs)) // DVC's words
	}
	wdir := r.p.UserPath(spec.Wdir)
	if err := r.checkWdir(wdir); err != nil {
		return nil, err
	}
	def := r.portable(spec, wdir).declare(&dvcfile.File{Path: x.FromRoot(abs)}, x.FromRoot(wdir), verbatim)
	s := r.p.NewStage(def.File, def)
	return s, r.checkPaths(s)
}

// portable is the stage with absolute paths of this repository made relative to
// wdir, as DVC writes them: they mean nothing in another clone.
func (r *Repo) portable(spec *Stage, wdir string) *Stage {
	s := *spec
	relative := func(p string) string {
		abs := filepath.Clean(filepath.FromSlash(p))
		if !filepath.IsAbs(abs) || !r.p.InRepo(abs) {
			return p
		}
		rel, err := filepath.Rel(wdir, abs)
		if err != nil {
			return p
		}
		return filepath.ToSlash(rel)
	}
	s.Deps = mapped(s.Deps, relative)
	s.Params, s.Outs = slices.Clone(s.Params), slices.Clone(s.Outs)
	for i, p := range s.Params {
		s.Params[i].File = relative(p.File)
	}
	for i, o := range s.Outs {
		s.Outs[i].Path = relative(o.Path)
	}
	return &s
}

// checkWdir is in DVC's words.
func (r *Repo) checkWdir(wdir string) error {
	switch fi, err := os.Stat(wdir); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("stage working dir '%s' does not exist", wdir)
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("stage working dir '%s' is not directory", wdir)
	case !r.p.InRepo(wdir):
		return fmt.Errorf("stage working dir '%s' is outside of DVC repo", wdir)
	}
	return nil
}

// checkPaths refuses paths that cannot be outputs or that are given twice.
func (r *Repo) checkPaths(s *project.Stage) error {
	var outside []string
	uses := map[string]int{}
	for _, o := range s.Outs {
		if project.IsURL(o.Written) {
			return project.RemoteOutput(o.Written)
		}
		if project.IsStageFile(o.Written) {
			return &dvcfile.Error{Kind: dvcfile.OutputIsDVCFile, Msg: fmt.Sprintf("DVC file '%s' cannot be an output.", o.Written)}
		}
		if err := r.p.CheckIgnored(o.Abs); err != nil {
			return err
		}
		if o.Cached() && !o.InRepo {
			outside = append(outside, o.Show)
		}
		uses[o.Abs]++
	}
	if outside != nil {
		return fmt.Errorf("Cached output(s) outside of DVC project: %s. See <https://dvc.org/doc/user-guide/"+ // DVC's words
			"pipelines/external-dependencies-and-outputs> for more info.", strings.Join(outside, ", "))
	}
	var deps []project.Declared
	for _, d := range s.Deps {
		if project.IsStageFile(d.Written) {
			return fmt.Errorf("DVC file '%s' cannot be a dependency.", d.Written) // DVC's words
		}
		dep := d.Declared
		if d.Origin != nil {
			if err := transfer.CheckURL(d.Written); err != nil {
				return err
			}
			dep.Abs = d.Written // it has no path
		}
		deps = append(deps, dep)
	}
	for _, p := range s.Params {
		deps = append(deps, p.Declared)
	}
	for _, d := range deps {
		if uses[d.Abs] > 0 && slices.ContainsFunc(s.Outs, func(o *project.Output) bool { return o.Abs == d.Abs }) {
			return fmt.Errorf("'%s' is specified as an output and as a dependency.", d.Abs) // DVC's words
		}
		uses[d.Abs]++
	}
	for _, p := range append(outPaths(s), deps...) {
		if uses[p.Abs] > 1 {
			return fmt.Errorf("file '%s' is specified more than once.", p.Abs) // DVC's words
		}
	}
	return nil
}

func outPaths(s *project.Stage) []project.Declared {
	var all []project.Declared
	for _, o := range s.Outs {
		all = append(all, o.Declared)
	}
	return all
}

// checkNew compares a new stage with the others, and takes over what the user
// wrote about the stage that it replaces.
func (r *Repo) checkNew(x *project.Index, s *project.Stage, force bool) error {
	if err := x.Collect(); err != nil {
		return err
	}
	var old *project.Stage
	if i := slices.IndexFunc(x.Stages, func(o *project.Stage) bool { return o.File == s.File && o.Name == s.Name }); i >= 0 {
		old = x.Stages[i]
		x.Stages = slices.Delete(slices.Clone(x.Stages), i, i+1)
	}
	if old != nil && !force {
		return &dvcfile.Error{Kind: dvcfile.Exists, Msg: fmt.Sprintf(
			"Stage '%s' already exists in '%s'. Use '--force' to overwrite.", s.Name, r.p.Rel(r.p.Abs(s.File)))}
	}
	// The graph with the new stage in it finds outputs that two stages own, and
	// cycles, before the file is touched.
	x.Stages = append(x.Stages, s)
	if _, err := x.Build(); err != nil {
		var dup *stagegraph.DuplicateError
		if errors.As(err, &dup) {
			dup.Addresses = slices.DeleteFunc(dup.Addresses, func(a string) bool { return a == s.Addr })
		}
		return err
	}
	if old == nil {
		return nil
	}
	s.Def.Desc, s.Def.Meta = old.Def.Desc, old.Def.Meta
	for i := range s.Def.Outs {
		for _, o := range old.Def.Outs {
			if n := &s.Def.Outs[i]; o.Path == n.Path {
				n.Desc, n.Type, n.Labels, n.Meta, n.Remote, n.NoPush = o.Desc, o.Type, o.Labels, o.Meta, o.Remote, o.NoPush
			}
		}
	}
	return nil
}

// writeStage puts the declaration of a stage into its dvc.yaml.
func (r *Repo) writeStage(ctx context.Context, s *project.Stage) error {
	abs := r.p.Abs(s.File)
	data, err := os.ReadFile(abs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if data, err = dvcfile.WriteStage(r.p.Rel(abs), data, s.Def); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(abs, data, r.p.ViaTemp(true)); err != nil {
		return err
	}
	lines := &project.IgnoreLines{Repo: r.p}
	for _, o := range s.Outs {
		if !o.GitIgnored() {
			continue
		}
		// A .gitignore needs its directory, which the stage may be about to make.
		if !project.IsDir(filepath.Dir(o.Abs)) {
			r.p.Log.Warn(fmt.Sprintf("Could not create .gitignore entry in %s. DVC will attempt to create .gitignore entry again when the stage is run.",
				filepath.Join(filepath.Dir(o.Abs), ".gitignore")))
			continue
		}
		if err := lines.Add(o); err != nil {
			return err
		}
	}
	r.p.Log.Info(fmt.Sprintf("Added stage '%s' in '%s'", s.Addr, r.p.Rel(abs)))
	return r.p.Track(ctx, append([]string{r.p.Rel(abs)}, lines.Files()...))
}
