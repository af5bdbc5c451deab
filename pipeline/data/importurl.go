package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/stagegraph"
	"github.com/reprodl/reprodl/internal/transfer"
)

// ImportOptions say how Import and ImportURL make an import; nil means the zero
// ImportOptions.
type ImportOptions struct {
	// Out is the path of the data here, or a directory that exists to put it in;
	// empty = the name that it has at its source, in Dir.
	Out   string
	Force bool // replace what is at Out
	// NoExec only writes the .dvc file; NoDownload also looks at the source, and
	// records what it is, but fetches nothing: Pull does.
	NoExec, NoDownload bool
	Jobs               int // copies at a time; 0 = 4 per core

	// Progress hears how far the copies are, some times a second; nil = nobody.
	Progress func(Progress)
	// Ask reads a password that a remote asks for; nil = that is an error.
	Ask func(ctx context.Context, prompt string) (string, error)
}

// ImportURLOptions are those of ImportURL; nil means the zero ImportURLOptions.
type ImportURLOptions struct {
	ImportOptions
	ToRemote bool   // send the data to a remote, and keep nothing of it here
	Remote   string // which, with ToRemote; empty = core.remote
	// VersionAware binds the import to the versions that the source's server keeps.
	VersionAware bool
	// Config are options for the source, as those of a remote of its kind, each as
	// "name=value".
	Config []string
}

// ImportError refuses options or a place that an import cannot have. The words are
// DVC's.
type ImportError struct{ text string }

func (e *ImportError) Error() string { return e.text }

func refuse(format string, args ...any) error { return &ImportError{fmt.Sprintf(format, args...)} }

// ImportURL takes a copy of a file or directory of this machine or at a URL
// (https://…, s3://…, ssh://…, remote://NAME/… for what lies in a configured remote)
// under DVC's control, and records where it comes from: Update asks for changes
// there. The result is the .dvc file, relative to Dir.
func (r *Repo) ImportURL(ctx context.Context, url string, opts *ImportURLOptions) (string, error) {
	if opts == nil {
		opts = new(ImportURLOptions)
	}
	out, err := r.resolveOut(url, opts.Out, opts.Force)
	if err != nil {
		return "", err
	}
	if opts.ToRemote && (opts.NoExec || opts.NoDownload || opts.VersionAware) {
		return "", refuse("--no-exec/--no-download/--version-aware cannot be combined with --to-remote")
	}
	if opts.Remote != "" && !opts.ToRemote {
		return "", refuse("--remote can't be used without --to-remote")
	}
	entry, err := r.urlEntry(url, opts)
	if err != nil {
		return "", err
	}
	return r.makeImport(ctx, entry, out, &opts.ImportOptions, func(ctx context.Context, s *project.Stage, x *transfer.Options) (bool, error) {
		if !opts.ToRemote {
			return false, nil
		}
		to, err := r.openPlain(ctx, opts.Remote, x, "import-url")
		if err != nil {
			return true, err
		}
		return true, origin.Relay(ctx, s, to, x)
	})
}

// urlEntry is the dependency on a URL, as it is written in a .dvc file.
func (r *Repo) urlEntry(url string, opts *ImportURLOptions) (dvcfile.LockEntry, error) {
	e := dvcfile.NewEntry(url)
	config := dvcyaml.NewMap()
	options := map[string]string{}
	for _, kv := range opts.Config {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			return e, refuse("'%s' is no option of the source: name=value is", kv)
		}
		config.Set(name, value)
		options[strings.ToLower(name)] = value
	}
	if opts.VersionAware {
		config.Set("version_aware", true)
	}
	if config.Len() > 0 {
		e.Extra = dvcyaml.NewMap("fs_config", config)
	}
	_, err := origin.At(r.p, url, options)
	return e, err
}

// transferOptions are what an import's copies obey.
func (o *ImportOptions) transferOptions() *transfer.Options {
	x := &transfer.Options{Jobs: o.Jobs, Ask: o.Ask}
	if report := o.Progress; report != nil {
		x.Progress = func(p transfer.Progress) {
			report(Progress{string(p.Phase), p.Remote, p.Files, p.TotalFiles, p.Bytes, p.TotalBytes})
		}
	}
	return x
}

// makeImport writes the .dvc file of an import, once its data is there. instead may
// do something else than to fetch it, and says so.
func (r *Repo) makeImport(ctx context.Context, dep dvcfile.LockEntry, out string, opts *ImportOptions,
	instead func(context.Context, *project.Stage, *transfer.Options) (bool, error)) (string, error) {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	defer r.p.SaveMemo()
	x := r.p.NewIndex()
	s, err := r.newImport(x, dep, out)
	if err != nil {
		return "", err
	}
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return "", err
	}
	defer release()
	lines := &project.IgnoreLines{Repo: r.p}
	if err := r.fillImport(ctx, s, lines, opts, instead); err != nil {
		lines.Undo()
		return "", err
	}
	s.Dot.Frozen = true
	if err := r.writeDot(s.Dot); err != nil {
		lines.Undo()
		return "", err
	}
	file := r.p.Rel(r.p.Abs(s.File))
	return file, r.p.Track(ctx, append([]string{file}, lines.Files()...))
}

func (r *Repo) fillImport(ctx context.Context, s *project.Stage, lines *project.IgnoreLines, opts *ImportOptions,
	instead func(context.Context, *project.Stage, *transfer.Options) (bool, error)) error {
	o := opts.transferOptions()
	if done, err := instead(ctx, s, o); done || opts.NoExec || err != nil {
		if err == nil {
			err = lines.Add(s.Outs[0])
		}
		return err
	}
	// The source itself keeps what was imported.
	s.Dot.Outs[0].Out.NoPush = s.Dot.Outs[0].Out.NoPush || origin.Versioned(s)
	return origin.Sync(ctx, s, lines, &origin.SyncOptions{Force: true, NoDownload: opts.NoDownload, Transfer: o})
}

// resolveOut is where the data from a source goes. What is there must not be
// replaced unasked.
func (r *Repo) resolveOut(source, out string, force bool) (string, error) {
	name := origin.NameOf(source)
	switch {
	case out == "" || project.IsDir(r.p.UserPath(out)):
		if name == "." || name == "/" || name == ".." {
			return "", refuse("'%s' names no file; say how it is to be called here", source)
		}
		out = filepath.Join(out, name)
	default:
		out = filepath.FromSlash(out)
	}
	if !force && project.Exists(r.p.UserPath(out)) {
		fi, err := os.Stat(r.p.UserPath(out))
		return "", &FileExistsError{Path: out, Dir: err == nil && fi.IsDir()}
	}
	return out, nil
}

// FileExistsError refuses to replace a file or directory. It is an fs.ErrExist.
type FileExistsError struct {
	Path string
	Dir  bool // it is a directory
}

func (e *FileExistsError) Error() string {
	kind := "file"
	if e.Dir {
		kind = "directory"
	}
	return fmt.Sprintf("The %s '%s' already exists locally. \nTo override it, re-run with '--force'.", kind, e.Path)
}

// Is makes it an fs.ErrExist.
func (e *FileExistsError) Is(target error) bool { return target == os.ErrExist }

// newImport makes the stage of an import, checked as DVC checks it.
func (r *Repo) newImport(x *project.Index, dep dvcfile.LockEntry, out string) (*project.Stage, error) {
	dot, err := r.newDot(x, out)
	if err != nil {
		return nil, err
	}
	abs := r.p.Abs(dot.OutPath(0))
	// What is in the repository is written relative to the .dvc file.
	if p := r.p.UserPath(dep.Path); !isForeign(&dep) && project.Exists(p) && project.IsBelow(p, r.p.Root) {
		dep = dvcfile.NewEntry(filepath.ToSlash(relTo(r.p.Abs(dot.Wdir), p)))
	} else if !isForeign(&dep) && !filepath.IsAbs(filepath.FromSlash(dep.Path)) {
		// DVC takes it relative to the .dvc file as it stands.
		p = filepath.Join(r.p.Abs(dot.Wdir), filepath.FromSlash(dep.Path))
		if p == abs {
			return nil, refuse("'%s' is specified as an output and as a dependency.", p)
		}
	}
	dot.Deps = []dvcfile.DotOut{{Out: dvcfile.Out{Path: dep.Path}, Entry: dep}}
	s := r.p.NewDataStage(dot)
	if s.Deps[0].Abs == abs {
		return nil, refuse("'%s' is specified as an output and as a dependency.", abs)
	}
	return s, r.checkNew(x, s)
}

// isForeign reports a dependency that is no path of this machine.
func isForeign(e *dvcfile.LockEntry) bool {
	_, repo := e.Extra.Get("repo")
	return repo || project.IsURL(e.Path)
}

// newDot is a .dvc file for an output that is to be made, with what an older one of
// that name says of it for people.
func (r *Repo) newDot(x *project.Index, out string) (*dvcfile.DotDVC, error) {
	abs := r.p.UserPath(out)
	base := filepath.Base(abs)
	if base == dvcfile.ProjectName || strings.HasSuffix(base, dvcfile.Suffix) {
		return nil, refuse("DVC file '%s' cannot be an output.", base)
	}
	if !project.IsBelow(abs, r.p.Root) {
		return nil, outsideError(abs)
	}
	if err := checkAddPath(r.p, out, abs); err != nil {
		return nil, err
	}
	file := abs + dvcfile.Suffix
	if r.p.GitIgnores(file) {
		return nil, refuse("bad DVC file name '%s' is git-ignored.", r.p.Rel(file))
	}
	switch fi, err := os.Stat(filepath.Dir(abs)); {
	case errors.Is(err, os.ErrNotExist):
		return nil, refuse("stage working dir '%s' does not exist", filepath.Dir(abs))
	case err != nil:
		return nil, err
	case !fi.IsDir():
		return nil, refuse("stage working dir '%s' is not directory", filepath.Dir(abs))
	}
	if err := r.p.CheckIgnored(abs); err != nil {
		return nil, err
	}
	wdir := x.FromRoot(filepath.Dir(abs))
	if wdir == "" {
		wdir = "."
	}
	entry := dvcfile.NewEntry(base)
	dot := &dvcfile.DotDVC{Path: x.FromRoot(file), Wdir: wdir, Outs: []dvcfile.DotOut{{Out: dvcfile.Out{Path: base, Kind: dvcfile.Plain}, Entry: entry}}}
	old, err := previous(x, dot.Path)
	if err != nil || old == nil {
		return dot, err
	}
	for _, was := range old.Outs {
		if was.Entry.Path == base {
			o := &dot.Outs[0].Out
			o.Desc, o.Type, o.Labels, o.Meta, o.Remote, o.NoPush = was.Out.Desc, was.Out.Type, was.Out.Labels, was.Out.Meta, was.Out.Remote, was.Out.NoPush
		}
	}
	dot.Replaces(old)
	return dot, nil
}

// checkNew checks a stage that is to be made against all others.
func (r *Repo) checkNew(x *project.Index, s *project.Stage) error {
	if err := x.Collect(); err != nil {
		return err
	}
	x.Put(s)
	_, err := x.Build()
	// Of two stages with the same output the new one is not named.
	if e := new(stagegraph.DuplicateError); errors.As(err, &e) {
		e.Addresses = slices.DeleteFunc(e.Addresses, func(a string) bool { return a == s.Addr })
	}
	return err
}
