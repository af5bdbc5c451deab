package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// hooks are the hooks of git that Install makes.
var hooks = []string{"post-checkout", "pre-commit", "pre-push"}

// HookError says that git has a hook already, which Install does not touch.
type HookError struct{ Name string }

func (e *HookError) Error() string { return fmt.Sprintf("Hook '%s' already exists", e.Name) }

// Install makes hooks of git that call a program with "git-hook", the name of the
// hook and git's arguments: after a checkout of git, before a commit and before a
// push. program is a command, as a shell finds it. Outside of git nothing is done.
// A [*HookError] names a hook that is there; none is made then.
func (r *Repo) Install(ctx context.Context, program string) error {
	g, err := r.p.Git()
	if g == nil || err != nil {
		return err
	}
	defer g.Close()
	dir := filepath.Join(g.CommonDir(), "hooks")
	for _, name := range hooks {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return &HookError{name}
		}
	}
	driver := program + " git-hook merge-driver --ancestor %O --our %A --their %B "
	for key, value := range map[string]string{"merge.dvc.name": "DVC merge driver", "merge.dvc.driver": driver} {
		if _, err := g.Run(ctx, "config", key, value); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var errs []error
	for _, name := range hooks {
		text := fmt.Sprintf("#!/bin/sh\nexec %s git-hook %s $@\n", program, name)
		file := filepath.Join(dir, name)
		if err := atomicfile.WriteFile(file, []byte(text), &atomicfile.Options{Perm: 0o777}); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
