package external

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/host"
)

// clone returns a repository that has a revision of the one at a URL, and the
// commit that the revision is. It is bare, kept for the next time, and brought
// up to date, unless rev is a whole commit id that it has already. Not asked for in a
// month, it goes.
func clone(ctx context.Context, o *Options, url, rev string) (*git.Repo, git.ID, error) {
	root, err := cloneRoot(o.Env, o.SiteCache)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256([]byte(url))
	dir := filepath.Join(root, hex.EncodeToString(sum[:12]))
	// Processes take turns. Objects are never deleted, so that those who read need
	// no lock.
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	now := time.Now()
	used(dir, now)
	expire(root, now)
	g, id, err := follow(ctx, o, dir, url, rev)
	if e := new(CloneError); errors.As(err, &e) && damaged(ctx, o, dir) {
		// Nothing in it is worth more than a clone anew.
		if err = os.RemoveAll(dir); err == nil {
			g, id, err = follow(ctx, o, dir, url, rev)
		}
	}
	return g, id, err
}

// follow brings the clone in dir up to date, if need be.
func follow(ctx context.Context, o *Options, dir, url, rev string) (*git.Repo, git.ID, error) {
	g, err := git.Mirror(ctx, dir, o.Env)
	if err != nil {
		return nil, "", cloneError(ctx, url, err)
	}
	if _, whole := git.ParseID(rev); whole == nil {
		if id, err := g.Resolve(ctx, rev); err == nil {
			return g, id, nil
		}
	}
	var id git.ID
	if err = g.Follow(ctx, url); err != nil {
		err = cloneError(ctx, url, err)
	} else {
		id, err = resolve(ctx, g, rev, git.MirrorHead)
	}
	if err != nil {
		_ = g.Close()
		return nil, "", err
	}
	return g, id, nil
}

// damaged reports a clone that git itself cannot read any more, after an error.
func damaged(ctx context.Context, o *Options, dir string) bool {
	if ctx.Err() != nil {
		return false
	}
	g, err := git.Mirror(ctx, dir, o.Env)
	if err != nil {
		return true
	}
	defer g.Close()
	if _, err := g.Run(ctx, "rev-parse", "--git-dir"); err != nil {
		return true
	}
	if _, err := g.Ref(ctx, git.MirrorHead); err != nil {
		return false // nothing was ever fetched
	}
	_, err = g.Run(ctx, "rev-list", "--objects", "--quiet", git.MirrorHead)
	return err != nil
}

// resolve is the commit of a revision; head is what none means.
func resolve(ctx context.Context, g *git.Repo, rev, head string) (git.ID, error) {
	if rev == "" {
		rev = head
	}
	id, err := g.Resolve(ctx, rev)
	if errors.Is(err, git.ErrNotFound) {
		if rev == head {
			rev = "HEAD"
		}
		return "", &RevError{Rev: rev}
	}
	return id, err
}

// lock waits until no other process has the file locked.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		ok, err := host.TryLock(f)
		if ok {
			return func() { _, _ = host.Unlock(f), f.Close() }, nil
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(wait):
		}
	}
}

// CloneError says that a git repository could not be cloned or fetched from.
type CloneError struct {
	URL string // without a password
	Err error
}

func (e *CloneError) Error() string {
	return fmt.Sprintf("Failed to clone repo '%s': %v", e.URL, e.Err)
}
func (e *CloneError) Unwrap() error { return e.Err }

// Is makes it an ErrClone.
func (e *CloneError) Is(target error) bool { return target == ErrClone }

// ErrClone is any *CloneError.
var ErrClone = errors.New("failed to clone a repository")

// RevError says that a repository has no such revision. It is a git.ErrNotFound.
type RevError struct{ Rev string }

func (e *RevError) Error() string { return fmt.Sprintf("unknown Git revision '%s'", e.Rev) }
func (e *RevError) Unwrap() error { return git.ErrNotFound }

// cloneError takes secrets out of what git said.
func cloneError(ctx context.Context, from string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	shown := from
	hide := func(text string) string { return text }
	if u, perr := url.Parse(from); perr == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			hide = strings.NewReplacer(u.User.String()+"@", u.User.Username()+"@", password, "***").Replace
		} else if name := u.User.Username(); u.Scheme == "https" || u.Scheme == "http" { // a token
			hide = strings.NewReplacer(name, "***").Replace
		}
		shown = hide(from)
	}
	if e := new(git.Error); errors.As(err, &e) && e.Stderr != "" {
		err = errors.New(hide(e.Stderr))
	}
	return &CloneError{shown, err}
}
