package transfer

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Open opens a configured remote; an empty name is the default one's.
func Open(ctx context.Context, r *project.Repo, name string, opts *Options) (*Store, error) {
	c, err := Config(r, name)
	if err != nil {
		return nil, err
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
	return New(opened, c, cache, &o), nil
}

// Config is what the configuration says about a remote.
func Config(r *project.Repo, name string) (remote.Config, error) {
	cfg, err := r.Config()
	if err != nil {
		return remote.Config{}, err
	}
	get := func(name string) (remote.Config, error) {
		def, err := cfg.Remote(name)
		if err != nil { // no fault of the configuration, but of the call: its class is hidden
			return remote.Config{}, errors.New(err.Error())
		}
		return remote.Config{Name: def.Name, URL: def.URL, Options: cfg.RemoteOptions(def.Name), Dir: filepath.Join(r.Root, ".dvc")}, nil
	}
	c, err := get(name)
	if err != nil {
		return c, err
	}
	// A URL remote://NAME/… stands for another remote's, whose options it inherits.
	return c.Resolve(get)
}
