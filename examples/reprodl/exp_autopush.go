package main

import (
	"cmp"
	"context"
	"strconv"

	"github.com/reprodl/reprodl/experiment"
)

// sharingDoc is the page that DVC's message names.
const sharingDoc = "<https://dvc.org/doc/user-guide/experiment-management/sharing-experiments>"

// autoPush pushes a new experiment, with what the cache has of it, if
// exp.auto_push or DVC_EXP_AUTO_PUSH says so, to exp.git_remote or
// DVC_EXP_GIT_REMOTE. The experiment is safe already, so that a push which
// fails is a warning, as in DVC; only a broken configuration is an error.
func (a *app) autoPush(ctx context.Context, repo *experiment.Repo, name string) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	on := c.Bool("exp", "auto_push", false)
	if text := a.getenv("DVC_EXP_AUTO_PUSH"); text != "" {
		// The environment outweighs the configuration; what is no boolean is a no.
		on, err = strconv.ParseBool(text)
		on = on && err == nil
	}
	if !on {
		return nil
	}
	configured, _ := c.Get("exp", "git_remote")
	remote := cmp.Or(a.getenv("DVC_EXP_GIT_REMOTE"), configured, "origin")
	a.printf("Pushing experiment to '%s'. Cancel with CTRL+C. See %s for more info.\n", remote, sharingDoc)
	opts := &experiment.SyncOptions{}
	opts.Names = []string{name}
	done, exps, err := repo.PushRefs(ctx, remote, opts)
	if err == nil {
		var uploaded int
		uploaded, err = repo.PushData(ctx, exps, &experiment.DataOptions{RunCache: true})
		a.tellPush(done, remote, uploaded)
	}
	if err != nil {
		a.warnf("Something went wrong while auto pushing experiment to the remote '%s': %v", remote, err)
	}
	return nil
}
