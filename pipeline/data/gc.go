package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// GCOptions say what must be kept; nothing chosen is an error. The workspace is
// always kept.
type GCOptions struct {
	Workspace   bool
	Commits            // and what these declare
	Cloud       bool   // also clean the remote
	Remote      string // with Cloud and NotInRemote; empty = core.remote
	NotInRemote bool   // remove from the cache what the remote has, even if it is used
	SkipFailed  bool   // go on although it is not known what some commit or directory needs
	Dry         bool   // only say what would be removed
	Jobs        int
	// Projects are directories of other DVC repositories that share the cache:
	// what they need by the same choice is kept, too.
	Projects []string
	// Progress hears how far it is, some times a second, and of the zero Progress when
	// something is about to be logged; nil = nobody.
	Progress func(Progress)
	// Ask is that of TransferOptions.
	Ask func(ctx context.Context, prompt string) (string, error)
}

// Check reports what is wrong with the options.
// The words are those of DVC's commands, options and all.
func (o *GCOptions) Check() error {
	switch {
	case o.Remote != "" && !o.Cloud && !o.NotInRemote:
		return errors.New("`--remote` requires `--cloud` or `--not-in-remote`")
	case o.NotInRemote && o.Cloud:
		return errors.New("`--not-in-remote` and `--cloud` are mutually exclusive")
	case !o.Workspace && !o.Commits.any():
		return gcChoiceError{}
	case o.Num != 0 && len(o.Revs) == 0 && !o.AllBranches:
		return errors.New("`--num` can only be used alongside `--rev` or `--all-branches`")
	}
	return nil
}

// gcChoiceError is about options that choose nothing to keep, which would remove
// everything.
type gcChoiceError struct{}

func (gcChoiceError) Error() string {
	return "Either of `-w|--workspace`, `-a|--all-branches`, `-T|--all-tags` `--all-experiments`, `--all-commits`, `--date` or `--rev` needs to be set."
}

// GC removes objects that nothing needs which is to be kept. If it cannot be
// found out what is needed (a commit cannot be read, a manifest is nowhere),
// nothing is removed, unless SkipFailed is set.
func (r *Repo) GC(ctx context.Context, opts *GCOptions) error {
	if opts == nil {
		opts = new(GCOptions)
	}
	if err := opts.Check(); err != nil {
		return err
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	// The remote is opened before anything is removed: it may be misconfigured.
	stores := r.stores(&TransferOptions{Jobs: opts.Jobs, DryRun: opts.Dry, Progress: opts.Progress, Ask: opts.Ask})
	var remote *transfer.Store
	if opts.Cloud || opts.NotInRemote {
		if remote, err = stores.open(ctx, opts.Remote); err != nil {
			return err
		}
		if err := plainOrConfig(remote); err != nil {
			return err
		}
	}
	// A directory counts with its files. Its manifest may be in the remote only,
	// where nothing but its name is needed as long as the files are not.
	c := &collector{r: r, opts: opts, remote: remote, stores: stores, keep: hashSet{}, in: map[string]hashSet{}}
	for _, dir := range opts.Projects {
		if err := c.project(ctx, dir); err != nil {
			return err
		}
	}
	// First everything that is to stay is found out, then anything is removed:
	// a commit that can't be read must not look like one that needs nothing.
	if err := r.eachIndex(ctx, opts.Commits, func(_ string, x *project.Index) error { return c.index(ctx, x) }); err != nil {
		return err
	}
	if opts.NotInRemote {
		if err := c.dropRemote(ctx); err != nil {
			return err
		}
	}
	// DVC 2's objects lie beside those of DVC 3 (files/md5 is DVC 3's), and each
	// of the two caches has its message.
	for _, part := range []struct {
		name   string
		legacy bool
	}{{"repo", false}, {"legacy", true}} {
		n, err := c.sweep(ctx, part.legacy)
		if err != nil {
			return err
		}
		if n > 0 {
			c.say(fmt.Sprintf("Removed %d objects from %s cache.", n, part.name))
		} else {
			c.say(fmt.Sprintf("No unused '%s' cache to remove.", part.name))
		}
	}
	defer func() {
		if opts.Dry {
			r.p.Log.Debug(fmt.Sprintf("%s would be freed; nothing was removed.", humanBytes(c.bytes)))
		}
	}()
	if !opts.Cloud {
		return nil
	}
	return c.sweepRemotes(ctx)
}

// plainOrConfig refuses a remote with versions; to dvc gc that is a mistake in the
// configuration.
func plainOrConfig(store *transfer.Store) error {
	err := store.Plain("gc -c")
	if err == nil {
		return nil
	}
	return wrongConfig{err}
}

type wrongConfig struct{ error }

func (wrongConfig) ConfigError() bool { return true }

// sweepRemotes cleans the remotes that outputs name, and last the default or chosen
// one. Each keeps what is to be kept of the outputs that it is for: another output's
// content is not looked for there.
func (c *collector) sweepRemotes(ctx context.Context) error {
	for _, name := range c.remotes() {
		store, err := c.stores.open(ctx, name)
		if err != nil {
			return err
		}
		if err := plainOrConfig(store); err != nil { // of an output of its own
			return err
		}
		// A message for each layout, as in DVC.
		for _, layout := range []transfer.Layout{transfer.Current, transfer.Legacy} {
			n, bytes, err := store.Sweep(ctx, layout, func(h object.Hash) bool { return c.in[name][h] || c.shared[h] })
			c.bytes += bytes
			if err != nil {
				return err
			}
			if n > 0 {
				c.say(fmt.Sprintf("Removed %d objects from remote.", n))
			} else {
				c.say("No unused cache to remove from remote.")
			}
		}
	}
	return nil
}

// remotes are the names of the remotes to look at. That of the default or chosen one
// comes last unless outputs name it.
func (c *collector) remotes() []string {
	names := slices.Clone(c.names)
	if own := c.r.RemoteName(c.opts.Remote); !slices.Contains(names, own) {
		names = append(names, own)
	}
	return names
}

// collector finds out what is to be kept. remote is nil unless an option asks for
// it.
type collector struct {
	r      *Repo
	opts   *GCOptions
	remote *transfer.Store
	stores *stores
	bytes  int64 // of what is removed

	keep   hashSet            // in the cache
	in     map[string]hashSet // in each remote, by name: of the outputs that it is for
	names  []string           // of the remotes that outputs name, as they were found
	shared hashSet            // in every remote: what other projects need
}

type hashSet map[object.Hash]bool

// notRepoError is a directory that is none of a repository, in DVC's words.
type notRepoError string

func (e notRepoError) Error() string        { return string(e) }
func (e notRepoError) Is(target error) bool { return target == project.ErrNotRepo }

// project keeps what another repository needs. It has its own cache and remotes
// to read manifests from.
func (c *collector) project(ctx context.Context, dir string) error {
	p, err := project.Open(dir, project.Options{Env: c.r.p.Env, Logger: c.r.p.Log})
	if errors.Is(err, fs.ErrNotExist) {
		return notRepoError("directory '" + dir + "' does not exist")
	}
	if err != nil {
		return err
	}
	unlock, err := p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	// Its lock is held while it is read, so that no stage is recorded meanwhile.
	r := &Repo{p}
	other := &collector{r: r, opts: c.opts, keep: hashSet{}, in: map[string]hashSet{}, stores: r.stores(&TransferOptions{Jobs: c.opts.Jobs, Ask: c.opts.Ask})}
	if err := other.r.eachIndex(ctx, c.opts.Commits, func(_ string, x *project.Index) error { return other.index(ctx, x) }); err != nil {
		return err
	}
	// Its names of remotes may mean others here, so that none may lose it.
	if c.shared == nil {
		c.shared = hashSet{}
	}
	maps.Copy(c.keep, other.keep)
	maps.Copy(c.shared, other.keep)
	return nil
}

// index keeps what is declared and recorded in one state of the repository.
// With SkipFailed a state that cannot be read keeps nothing, which is what the caller
// has accepted.
func (c *collector) index(ctx context.Context, x *project.Index) error {
	if err := x.Collect(); err != nil {
		if c.opts.SkipFailed {
			c.r.p.Log.Warn("skipped: " + err.Error())
			return nil
		}
		return err
	}
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			c.r.warnUnrecorded(s, o)
			if !o.Cached() || o.Rec.Hash.IsZero() {
				continue
			}
			if err := c.hash(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// hash keeps an output's object and, of a directory, its files. A manifest that is
// nowhere stops all: its files would look unused.
func (c *collector) hash(ctx context.Context, o *project.Output) error {
	h := o.Rec.Hash
	keep := c.of(o)
	if keep[h] {
		return nil
	}
	c.keep[h], keep[h] = true, true
	if !h.IsDir() {
		return nil
	}
	entries, err := c.entries(ctx, h)
	if errors.Is(err, object.ErrMissing) && !c.opts.SkipFailed {
		return fmt.Errorf("nothing was removed: it is not known which files '%s' consists of (%w); "+
			"fetch it first, or use --skip-failed to give up its files", o.Show, err)
	}
	if err != nil && !c.opts.SkipFailed {
		return err
	}
	for _, e := range entries {
		c.keep[e.Hash], keep[e.Hash] = true, true
	}
	return nil
}

// of is what is to be kept in the remote that an output is for.
func (c *collector) of(o *project.Output) hashSet {
	name := o.Remote
	if name == "" {
		name = c.r.RemoteName(c.opts.Remote)
	} else if !slices.Contains(c.names, name) {
		c.names = append(c.names, name)
	}
	if c.in[name] == nil {
		c.in[name] = hashSet{}
	}
	return c.in[name]
}

// entries reads a manifest from the cache, or from the remote, the default one if
// none is chosen. That there is no default is no error here.
func (c *collector) entries(ctx context.Context, h object.Hash) ([]object.Entry, error) {
	remote := c.remote
	if remote == nil {
		if def, err := c.stores.open(ctx, ""); err == nil {
			remote = def
		}
	}
	if remote == nil {
		return c.r.p.Cache().Tree(h)
	}
	return remote.Tree(ctx, h)
}

// dropRemote gives up what the remote has.
func (c *collector) dropRemote(ctx context.Context) error {
	// With NotInRemote the remote is the copy that is kept; the workspace's own
	// files stay where they are, as their content is there a second time.
	keep := hashSet{}
	for _, name := range c.remotes() {
		store, err := c.stores.open(ctx, name)
		if err != nil {
			return err
		}
		there, err := store.Holds(ctx, slices.Collect(maps.Keys(c.in[name])), nil)
		if err != nil {
			return err
		}
		for h := range c.in[name] {
			if _, ok := there[h]; !ok {
				keep[h] = true
			}
		}
	}
	maps.Copy(keep, c.shared)
	c.keep = keep
	return nil
}
