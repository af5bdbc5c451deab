package data

import (
	"context"
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/config"
)

// ImportRepoOptions are those of Import; nil means the zero ImportRepoOptions.
type ImportRepoOptions struct {
	ImportOptions
	// Rev is a branch, tag or commit of the repository; Update follows a branch.
	// Empty = the default one.
	Rev    string
	Config string // a file of options over those of the repository; relative to Dir
	Remote string // the repository's remote to use instead of its default one
	// RemoteConfig are options over those of that remote, each as "name=value".
	RemoteConfig []string
}

// Import takes a copy of a file or directory of another repository under DVC's
// control, and records which commit it comes from. The repository's url is a path or
// whatever git clones from, and it need not be DVC's: path may be of DVC's or of git's.
// The result is the .dvc file, relative to Dir.
func (r *Repo) Import(ctx context.Context, url, path string, opts *ImportRepoOptions) (string, error) {
	if opts == nil {
		opts = new(ImportRepoOptions)
	}
	source, err := r.repoEntry(url, opts)
	if err != nil {
		return "", err
	}
	out, err := r.resolveOut(path, opts.Out, opts.Force)
	if err != nil {
		return "", err
	}
	e := dvcfile.LockEntry{Path: path, NoSize: true, Extra: dvcyaml.NewMap("repo", source)}
	return r.makeImport(ctx, e, out, &opts.ImportOptions, func(context.Context, *project.Stage, *transfer.Options) (bool, error) {
		return false, nil
	})
}

// repoEntry is the repository as it is written in a .dvc file.
func (r *Repo) repoEntry(url string, opts *ImportRepoOptions) (*dvcyaml.Map, error) {
	options := dvcyaml.NewMap()
	for _, kv := range opts.RemoteConfig {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			return nil, refuse("'%s' is no option of a remote: name=value is", kv)
		}
		options.Set(name, value)
	}
	m := dvcyaml.NewMap("url", url)
	if opts.Rev != "" {
		m.Set("rev", opts.Rev)
	}
	named := opts.Remote != ""
	switch {
	case named && options.Len() > 0 && opts.Config != "":
		return nil, fmt.Errorf("Can't specify config path together with both remote and remote_config") // DVC's words
	case named && options.Len() > 0:
		m.Set("config", dvcyaml.NewMap("core", dvcyaml.NewMap("remote", opts.Remote), "remote", dvcyaml.NewMap(opts.Remote, options)))
		return m, nil
	}
	if opts.Config != "" {
		if _, err := config.LoadFile(r.p.UserPath(opts.Config)); err != nil {
			return nil, err
		}
		m.Set("config", opts.Config)
	}
	if named {
		m.Set("remote", opts.Remote)
	} else if options.Len() > 0 {
		m.Set("remote", options)
	}
	return m, nil
}
