package experiment

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/config"
)

// sharingDoc is the page that DVC's message names.
const sharingDoc = "<https://dvc.org/doc/user-guide/experiment-management/sharing-experiments>"

// autoPush pushes each new experiment, with what the cache has of it, to a git
// remote and the default DVC remote. Nil does nothing.
type autoPush struct {
	repo   *Repo
	remote string
}

// autoPush is what exp.auto_push and exp.git_remote, or DVC_EXP_AUTO_PUSH and
// DVC_EXP_GIT_REMOTE, ask for. Remotes are looked at before the experiment is
// committed, as DVC does: one that cannot work is a warning, and nothing is
// pushed.
func (r *Repo) autoPush(ctx context.Context) (*autoPush, error) {
	getenv := func(name string) string { return project.Getenv(r.opts.Env, name) }
	c, err := config.Load(filepath.Join(r.root, ".dvc"), getenv)
	if err != nil {
		return nil, err
	}
	on := c.Bool("exp", "auto_push", false)
	if text := getenv("DVC_EXP_AUTO_PUSH"); text != "" {
		// The environment outweighs the configuration; what is no boolean is a no.
		on, err = strconv.ParseBool(text)
		on = on && err == nil
	}
	if !on {
		return nil, nil
	}
	configured, _ := c.Get("exp", "git_remote")
	p := &autoPush{r, cmp.Or(getenv("DVC_EXP_GIT_REMOTE"), configured, "origin")}
	if p.remote == r.root {
		r.log.Warn(fmt.Sprintf("'%s' points to the current Git repo, experiment Git refs will not be pushed. But DVC cache and run cache "+
			"will automatically be pushed to the default DVC remote (if any) on each experiment commit.", p.remote))
	}
	err = r.checkGitRemote(ctx, p.remote)
	if err == nil {
		_, err = c.Remote("")
	}
	if err != nil {
		r.log.Warn("Failed to validate remotes. Disabling auto push: " + err.Error())
		return nil, nil
	}
	return p, nil
}

// checkGitRemote requires that a remote is configured, or is a URL; nothing is
// connected to. A directory must be there.
func (r *Repo) checkGitRemote(ctx context.Context, remote string) error {
	if err := checkRemote(remote); err != nil {
		return err
	}
	location, base := remote, r.dir
	if out, err := r.git.Run(ctx, "remote", "get-url", "--", remote); err == nil {
		location, base = strings.TrimSpace(string(out)), r.git.Root()
	}
	location, isFile := strings.CutPrefix(location, "file://")
	// host:path is ssh to git, but C:\x is a directory.
	if !isFile && strings.Contains(location, ":") && filepath.VolumeName(location) == "" {
		return nil
	}
	if !filepath.IsAbs(location) {
		location = filepath.Join(base, location)
	}
	if _, err := os.Stat(location); err != nil {
		return invalidRemoteError(remote)
	}
	return nil
}

// push sends one experiment. It is safe already, so that a push that fails is a
// warning: DVC then undoes the run when it is git that fails.
func (p *autoPush) push(ctx context.Context, f ref) {
	if p == nil {
		return
	}
	p.repo.log.Info(fmt.Sprintf("Pushing experiment to '%s'. Cancel with CTRL+C. See %s for more info.", p.remote, sharingDoc))
	// Another experiment of that name over there is left alone.
	_, exps, err := p.repo.PushRefs(ctx, p.remote, &SyncOptions{Names: []string{f.String()}})
	if err == nil {
		_, err = p.repo.PushData(ctx, exps, &DataOptions{RunCache: true})
	}
	if err != nil {
		p.repo.log.Warn(fmt.Sprintf("Something went wrong while auto pushing experiment to the remote '%s': %v", p.remote, err))
	}
}
