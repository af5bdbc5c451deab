package dvcfile

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// CollectOptions say where Collect looks. The embedded Options are used to read
// what it finds.
type CollectOptions struct {
	Options
	// Skip reports paths, from the root, that are not looked at: ignored by
	// .dvcignore or by git. Nil skips none. Directories named .git, .hg and
	// .dvc and repositories inside this one are skipped without asking.
	Skip func(path string, dir bool) bool
	// OnError is told of a file that cannot be read and decides whether to go
	// on (nil) or to stop with the error it returns. Nil stops at the first.
	OnError func(path string, err error) error
}

// An Item is one file that describes stages or data: either field is set.
type Item struct {
	File   *File
	DotDVC *DotDVC
}

// Path returns the path of the file from the root.
func (i Item) Path() string {
	if i.File != nil {
		return i.File.Path
	}
	return i.DotDVC.Path
}

// Collect finds and reads every dvc.yaml and .dvc file of the repository, in
// the order of their directories, and by name within one. Directories that are
// outputs of what was found before are not entered, so a tree full of data
// costs nothing.
func Collect(fsys fs.FS, opts *CollectOptions) ([]Item, error) {
	if opts == nil {
		opts = &CollectOptions{}
	}
	c := &collector{fsys: fsys, opts: opts, outs: map[string]bool{}}
	err := c.walk(".")
	return c.items, err
}

// collector walks the tree. outs are the outputs found so far, as paths from
// the root.
type collector struct {
	fsys  fs.FS
	opts  *CollectOptions
	outs  map[string]bool
	items []Item
}

// walk reads the files of a directory before it enters any below: what they
// declare as outputs need not be entered then.
func (c *collector) walk(dir string) error {
	entries, err := fs.ReadDir(c.fsys, dir)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return nil // as DVC: what cannot be listed holds no stages
	}
	if err != nil {
		return err
	}
	var dirs []string
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			if dir != "." && e.Name() == ".dvc" {
				return nil // a repository of its own
			}
			dirs = append(dirs, name)
		case isStageFile(e.Name()) && c.regular(name, e) && !c.skip(name, false):
			if err := c.load(name); err != nil {
				return err
			}
		}
	}
	for _, name := range dirs {
		switch path.Base(name) {
		case ".git", ".hg", ".dvc":
			continue
		}
		if c.outs[name] || c.skip(name, true) {
			continue
		}
		if err := c.walk(name); err != nil {
			return err
		}
	}
	return nil
}

// isStageFile reports whether a file of that name describes stages or data.
func isStageFile(base string) bool {
	return base == ProjectName || strings.HasSuffix(base, Suffix)
}

// IsStageFile reports whether a path names a dvc.yaml or a .dvc file.
func IsStageFile(p string) bool { return isStageFile(path.Base(p)) }

// regular reports a file, or a symbolic link that leads to one.
func (c *collector) regular(name string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.Type().IsRegular()
	}
	fi, err := fs.Stat(c.fsys, name)
	return err == nil && fi.Mode().IsRegular()
}

// skip asks the caller about a path.
func (c *collector) skip(name string, dir bool) bool {
	return c.opts.Skip != nil && c.opts.Skip(name, dir)
}

// load reads one file and notes its outputs.
func (c *collector) load(name string) error {
	item, err := LoadItem(c.fsys, name, &c.opts.Options)
	if err != nil {
		if c.opts.OnError != nil {
			return c.opts.OnError(name, err)
		}
		return err
	}
	item.eachOut(func(p string) { c.outs[p] = true })
	c.items = append(c.items, item)
	return nil
}

// LoadItem reads a dvc.yaml or a .dvc file, whichever the name says.
func LoadItem(fsys fs.FS, name string, opts *Options) (Item, error) {
	var i Item
	var err error
	if path.Base(name) == ProjectName {
		i.File, err = Load(fsys, name, opts)
	} else {
		i.DotDVC, err = LoadDotDVC(fsys, name, opts)
	}
	return i, err
}

// eachOut calls f with the place of every output, from the root.
func (i Item) eachOut(f func(string)) {
	if i.File == nil {
		for n := range i.DotDVC.Outs {
			f(i.DotDVC.OutPath(n))
		}
		return
	}
	for _, s := range i.File.Stages {
		for _, o := range s.Outs {
			f(s.Path(o.Path))
		}
	}
}
