package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// ArtifactOptions describe an artifact, and how it is kept. Nil means that it
// is put under DVC where it is, and not described.
type ArtifactOptions struct {
	// Type, Desc, Labels and Meta describe the artifact in dvc.yaml, under
	// Name, or under the file's name less its suffix. DVC's model registry
	// lists those of type "model".
	Type   string
	Name   string
	Desc   string
	Labels []string
	Meta   *ordered.Map
	// Copy copies the file or directory into ArtifactsDir first.
	Copy bool
	// NoCache leaves the data alone: it is only described.
	NoCache bool
}

// artifact is an entry of dvc.yaml.
type artifact struct {
	path string // absolute
	opts ArtifactOptions
	meta any
}

var artifactName = lazyregexp.New(`^[a-zA-Z0-9]([a-zA-Z0-9-/_]*[a-zA-Z0-9])?$`)

// LogArtifact puts a file or a directory under DVC: its data into the cache,
// a .dvc file beside it that names them, a line into .gitignore. In a git
// repository that DVC doesn't know yet, DVC is set up first. Sinks get it, too.
//
// As in DVCLive, training goes on where there is no repository, or where the
// name is none that DVC allows, so that the data are kept and the description
// isn't: [Logger.Err] and Close tell. The context ends hashing and copying.
func (l *Logger) LogArtifact(ctx context.Context, path string, opts *ArtifactOptions) error {
	if opts == nil {
		opts = new(ArtifactOptions)
	}
	meta, err := plain(opts.Meta)
	if err != nil {
		return fmt.Errorf("artifact %s: %w", path, err)
	}
	if _, err := os.Stat(path); err != nil && !l.opts.Exact {
		return fmt.Errorf("artifact: %w", err)
	}
	if err := l.touch(); err != nil {
		return err
	}
	defer l.io.Unlock()
	if l.repo.root == "" && l.repo.git == "" {
		l.artifactOutside(path)
		return nil
	}
	if opts.Copy {
		if path, err = l.copyArtifact(path); err != nil {
			return fmt.Errorf("artifact: %w", err)
		}
	}
	l.sinkArtifact(path)
	if !opts.NoCache {
		if err := l.dvcAdd(ctx, path); err != nil {
			if !l.opts.Exact {
				return fmt.Errorf("artifact %s: %w", path, err)
			}
			l.slog.Warn("live: the artifact is not cached", "path", path, "err", err)
		}
	}
	if opts.Type == "" && opts.Name == "" && opts.Desc == "" && len(opts.Labels) == 0 && opts.Meta.Len() == 0 {
		return nil
	}
	base := filepath.Base(path)
	name := cmp.Or(opts.Name, strings.TrimSuffix(base, pathSuffix(base)))
	if !artifactName.MatchString(name) {
		l.files.refuse(l, fmt.Errorf("artifact %s: %w %q: DVC does not allow it for an artifact; it is left out of dvc.yaml", path, ErrName, name))
		return nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	l.files.content.artifacts.Set(name, &artifact{abs, *opts, meta})
	return nil
}

var errNoRepo = errors.New("there is no DVC repository here; use git init and dvc init")

// artifactOutside deals with an artifact outside of any repository. A sink that
// takes it is as good a place.
func (l *Logger) artifactOutside(path string) {
	if len(l.opts.Sinks) == 0 {
		l.files.refuse(l, fmt.Errorf("artifact %s: %w", path, errNoRepo))
		return
	}
	l.sinkArtifact(path)
}

// entry is the artifact's description in a dvc.yaml that lies in dir.
func (a *artifact) entry(dir string) *pyjson.Map {
	m := pyjson.NewMap("path", relPath(dir, a.path))
	if a.opts.Type != "" {
		m.Set("type", a.opts.Type)
	}
	if a.opts.Desc != "" {
		m.Set("desc", a.opts.Desc)
	}
	if a.opts.Labels != nil {
		list := make([]any, len(a.opts.Labels))
		for i, label := range a.opts.Labels {
			list[i] = label
		}
		m.Set("labels", list)
	}
	if a.opts.Meta != nil {
		m.Set("meta", a.meta)
	}
	return m
}

// copyArtifact replaces the copy in the directory of artifacts.
func (l *Logger) copyArtifact(path string) (string, error) {
	dir := l.abs("artifacts")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	dest := filepath.Join(dir, filepath.Base(filepath.Clean(path)))
	if err := os.RemoveAll(dest); err != nil {
		return "", err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if fi.IsDir() {
		err = os.CopyFS(dest, os.DirFS(path))
	} else {
		err = copyFile(dest, path, fi)
	}
	return filepath.Join(l.ArtifactsDir(), filepath.Base(dest)), err
}

func copyFile(dest, src string, fi fs.FileInfo) error {
	data, err := os.Open(src)
	if err != nil {
		return err
	}
	defer data.Close()
	f, err := atomicfile.Create(dest, &atomicfile.Options{Perm: fi.Mode().Perm()})
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.ReadFrom(data); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	return os.Chtimes(dest, fi.ModTime(), fi.ModTime())
}

// dvcAdd does what dvc add does for one path.
func (l *Logger) dvcAdd(ctx context.Context, path string) error {
	if l.repo.pipeline {
		l.slog.Warn("live: inside a pipeline make this an output of the stage instead", "path", path)
	}
	if err := l.repo.init(ctx); err != nil {
		return err
	}
	path = filepath.Clean(path)
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	name := relPath(l.repo.root, abs)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("it lies outside of the DVC repository %s; use ArtifactOptions.Copy", l.repo.root)
	}
	cache, err := l.repo.cache()
	if err != nil {
		return err
	}
	meta, err := cache.Add(ctx, object.NewHasher(nil), abs, nil)
	if err != nil {
		return err
	}
	if err := writeDotDVC(l.repo.root, name, meta); err != nil {
		return err
	}
	l.repo.include = append(l.repo.include, path+dvcfile.Suffix)
	return l.repo.ignore(path)
}

// writeDotDVC writes the .dvc file of a path, slash-separated from the root of
// the repository. Of one that is there, comments and what a user has written
// stay.
func writeDotDVC(root, name string, meta object.Meta) error {
	file, base := name+dvcfile.Suffix, path.Base(name)
	entry := dvcfile.LockEntry{Path: base, Meta: meta}
	dot, err := dvcfile.LoadDotDVC(os.DirFS(root), file, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dot = &dvcfile.DotDVC{Path: file, Wdir: path.Dir(name)}
	case err != nil:
		return err
	}
	if len(dot.Outs) == 1 && dot.OutPath(0) == name {
		dot.Outs[0].Entry = entry
	} else {
		dot.Outs = []dvcfile.DotOut{{Out: dvcfile.Out{Path: base}, Entry: entry}}
	}
	dot.MD5 = "" // of the old content
	text, err := dot.Bytes()
	if err != nil {
		return err
	}
	_, err = atomicfile.WriteFileIfChanged(filepath.Join(root, filepath.FromSlash(file)), text, &atomicfile.Options{Sync: true})
	return err
}
