package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MirrorHead is where a mirror keeps what HEAD of its source is.
const MirrorHead = "refs/reprodl/HEAD"

// Mirror opens the bare repository at dir, or makes an empty one. Of several
// processes at a time only one may do so, and call [Repo.Follow].
func Mirror(ctx context.Context, dir string, env []string) (*Repo, error) {
	// A process that was killed may have left half a repository, which git init
	// completes, and locks, which nobody holds now.
	maker := &Repo{Env: env, gitDir: filepath.Dir(dir)}
	if _, err := maker.Run(ctx, "init", "--quiet", "--bare", "--template=", dir); err != nil {
		return nil, err
	}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() && (strings.HasSuffix(p, ".lock") || strings.HasPrefix(e.Name(), "tmp_")) {
			err = os.Remove(p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	r, err := open("", dir)
	if err == nil {
		r.Env = env
	}
	return r, err
}

// Follow makes the branches, tags, experiments and HEAD of a mirror those of the
// repository at a URL. What was there before is not removed from the object
// database: a commit that somebody has written down stays readable.
func (r *Repo) Follow(ctx context.Context, url string) error {
	heads := []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+refs/exps/*:refs/exps/*"}
	fetch := func(refs ...string) error {
		args := []string{"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "protocol.file.allow=always",
			"fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--", url}
		// A URL comes from other people's files: no transport that runs a command.
		_, err := r.Do(ctx, Cmd{Args: append(args, refs...), Env: []string{"GIT_PROTOCOL_FROM_USER=0"}})
		return err
	}
	err := fetch(append(heads, "+HEAD:"+MirrorHead)...)
	// HEAD names a branch without a commit: the others may still be asked for.
	if e := new(Error); errors.As(err, &e) && strings.Contains(e.Stderr, "remote ref HEAD") {
		if err = fetch(heads...); err == nil {
			_, err = r.Run(ctx, "update-ref", "-d", MirrorHead)
		}
		return err
	}
	if err != nil {
		return err
	}
	// HEAD~1 and the like are to mean the source's.
	head, err := r.Ref(ctx, MirrorHead)
	if err != nil {
		return err
	}
	if now, branch, err := r.Head(ctx); err == nil && branch == "" && now == head {
		return nil
	}
	_, err = r.Run(ctx, "update-ref", "--no-deref", "HEAD", string(head))
	return err
}
