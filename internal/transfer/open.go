package transfer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Open opens a configured remote; an empty name is the default one's.
func Open(ctx context.Context, r *project.Repo, name string, opts *Options) (*Store, error) {
	c, err := Config(r, name)
	if err != nil {
		return nil, err
	}
	if c.Bool("worktree", false) && !versioned(&c) {
		return nil, callError{&config.Error{Err: errors.New("worktree remotes require version_aware cloud")}}
	}
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.Index == "" {
		o.Index = filepath.Join(r.TmpDir(), "reprodl", "remotes")
	}
	if o.Log == nil {
		o.Log = r.Log
	}
	// The driver reads the same number of jobs as the Store, for its own limits.
	c.Jobs, c.Ask, c.Logger = o.Jobs, o.Ask, o.Log
	opened, err := remote.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	cache := o.Cache
	if cache == nil {
		cache = r.Cache()
	}
	s := New(opened, c, cache, &o)
	if versioned(&c) {
		s.worktree = c.Bool("worktree", false)
		s.places = func(h object.Hash) []project.Place { return r.Places(h, s.Name) }
		s.listed = r.ListedTree
	}
	return s, nil
}

// versioned reports whether a remote is configured as one that keeps versions.
func versioned(c *remote.Config) bool {
	return c.Bool("version_aware", c.Bool("worktree", false))
}

// IsVersioned reports whether a remote keeps versions, without opening it; an empty
// name is the default one's.
func IsVersioned(r *project.Repo, name string) (bool, error) {
	c, err := Config(r, name)
	return err == nil && versioned(&c), err
}

// callError hides the class of an error, but not that a remote is missing.
type callError struct{ err error }

func (e callError) Error() string { return e.err.Error() }
func (e callError) Is(target error) bool {
	return target == config.ErrNoRemote && errors.Is(e.err, target)
}

// Config is what the configuration says about a remote.
func Config(r *project.Repo, name string) (remote.Config, error) {
	c, err := configured(r, name)
	if err != nil {
		return c, err
	}
	// A URL remote://NAME/… stands for another remote's, whose options it inherits.
	return c.Resolve(func(name string) (remote.Config, error) { return configured(r, name) })
}

// URLConfig is how a URL is reached: by the options given, and those of the remote
// that a URL remote://NAME/… names.
func URLConfig(r *project.Repo, url string, options map[string]string) (remote.Config, error) {
	c := remote.Config{URL: url, Options: options, Dir: r.Dir}
	if err := CheckURL(url); err != nil {
		return c, err
	}
	c, err := c.Resolve(func(name string) (remote.Config, error) { return configured(r, name) })
	if err == nil && len(options) > 0 {
		err = config.CheckURLOptions(c.URL, c.Options)
	}
	return c, err
}

// OpenURL opens the directory that a URL lies in as a store of plain files, and returns
// the URL with what it stands for in place of remote://NAME.
func OpenURL(ctx context.Context, r *project.Repo, url string, options map[string]string, opts *Options) (*Store, string, error) {
	c, err := URLConfig(r, url, options)
	if err != nil {
		return nil, "", err
	}
	o := Options{}
	if opts != nil {
		o = *opts
	}
	o.Index, o.Log = "", r.Log
	c.Jobs, c.Ask, c.Logger = o.Jobs, o.Ask, r.Log
	whole := strings.TrimRight(c.URL, "/")
	if i := strings.LastIndexByte(whole, '/'); i > strings.Index(whole, "://")+2 {
		c.URL = whole[:i]
	}
	opened, err := remote.Open(ctx, c)
	if err != nil {
		return nil, "", err
	}
	return New(opened, c, r.Cache(), &o), whole, nil
}

// CheckURL refuses URLs that there is no kind of remote for.
func CheckURL(url string) error {
	scheme := (&remote.Config{URL: url}).Scheme()
	switch {
	case scheme == "file":
		// DVC takes it for a relative path.
		return fmt.Errorf("%s is not a URL that DVC understands; write %s instead", url, strings.TrimPrefix(url, "file://"))
	case !config.KnownScheme(scheme):
		return schemeError(scheme)
	}
	return nil
}

// schemeError counts as a mistake in the configuration, as for DVC.
type schemeError string

func (e schemeError) Error() string {
	return fmt.Sprintf("config file error: Unsupported URL type %s://", string(e))
}
func (e schemeError) ConfigError() bool { return true }

func configured(r *project.Repo, name string) (remote.Config, error) {
	cfg, err := r.Config()
	if err != nil {
		return remote.Config{}, err
	}
	def, err := cfg.Remote(name)
	if err != nil { // no fault of the configuration, but of the call: its class is hidden
		return remote.Config{}, callError{err}
	}
	return remote.Config{Name: def.Name, URL: def.URL, Options: cfg.RemoteOptions(def.Name), Dir: filepath.Join(r.Root, ".dvc")}, nil
}
