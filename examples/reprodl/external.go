package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// externalFlags are the options of commands that read another repository.
type externalFlags struct {
	opts repofs.Options
}

func (e *externalFlags) add(flags *pflag.FlagSet, rev bool) {
	if rev {
		flags.StringVar(&e.opts.Rev, "rev", "", "branch, tag or `commit`")
	}
	flags.StringVar(&e.opts.Config, "config", "", "`file` of configuration over that of the repository")
	flags.StringVar(&e.opts.Remote, "remote", "", "`name` of a remote of the repository, in place of its default one")
	flags.Var((*pairs)(&e.opts.RemoteConfig), "remote-config", "options `name=value` over those of that remote")
	takesList(flags, "remote-config")
}

// openExternal opens the repository at a URL or path.
func (a *app) openExternal(cmd *cobra.Command, url string, e *externalFlags) (*repofs.FS, error) {
	opts := e.opts
	opts.Dir, opts.Env, opts.Logger = a.Dir, a.Env, a.logger()
	var t data.TransferOptions
	a.startTransfer(&t)
	opts.Ask = t.Ask
	return repofs.Open(cmd.Context(), url, &opts)
}

// pairs is an option that may be repeated, each time with NAME=VALUE.
type pairs map[string]string

func (p *pairs) String() string { return "" }
func (p *pairs) Type() string   { return "name=value" }

func (p *pairs) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || value == "" {
		return fmt.Errorf("could not parse argument \"%s\" as k1=v1 k2=v2 ... format", text)
	}
	if *p == nil {
		*p = pairs{}
	}
	m := maps.Clone(*p)
	m[strings.ToLower(name)] = value
	*p = m
	return nil
}

// missingPath tells a path that a repository does not have in words that help. DVC
// says "unexpected error - ['nope']" to some commands, and exits with 255.
func missingPath(name, url string, err error) error {
	if isUnknownRemote(err) {
		return &exitError{exitConfig, asked(err)}
	}
	if errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(*repofs.DataError)) {
		return fmt.Errorf("'%s' does not exist in '%s'", name, url)
	}
	return err
}

// isBroken reports a file of stages that cannot be read.
func isBroken(err error) bool {
	var pretty interface {
		error
		Pretty() string
	}
	return errors.As(err, &pretty)
}

// unparsed is what is wrong with a stage of a repository, without the path that was
// looked for; else nil.
func unparsed(err error) error {
	var stage interface {
		error
		Class() string
	}
	if isBroken(err) || !errors.As(err, &stage) {
		return nil
	}
	return stage
}

// isUnknownRemote reports that a repository has not the remote that was asked for.
func isUnknownRemote(err error) bool {
	return errors.Is(err, config.ErrNoRemote) && !errors.As(err, new(*repofs.DataError))
}

// asked is what is wrong with what was asked for, without the path that was looked for.
func asked(err error) error {
	var p *fs.PathError
	if errors.Is(err, config.ErrNoRemote) && errors.As(err, &p) {
		return p.Err
	}
	return err
}

// isRefusal reports what dvc lists as its own error, which exits with 1.
func isRefusal(err error) bool {
	return isUnknownRemote(err) || isBroken(err) || errors.As(err, new(*repofs.CloneError)) || errors.As(err, new(*repofs.RevError)) || errors.As(err, new(*repofs.ExistsError))
}

// shownPath is a path in a repository as dvc's errors show it.
func shownPath(f *repofs.FS, name string) string {
	if f.Root() != "" {
		return filepath.Join(f.Root(), name)
	}
	return "/" + strings.TrimPrefix(filepath.ToSlash(name), "/")
}
