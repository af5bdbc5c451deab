// Package ssh is the driver for ssh:// remotes: directories of a machine that
// is reached by SFTP. It is imported for effect.
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/ssh"
//
// Host, user, port, keys and proxies come from DVC's options, from the URL and
// from ~/.ssh/config, in this order. Unlike DVC, which accepts any, the driver
// checks the server's host key against known_hosts.
//
// Objects appear by rename. One connection carries a few SFTP sessions, and
// each of them many requests at a time.
package ssh

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/each"
)

func init() { remote.Register("ssh", open) }

// tempPrefix begins the names of files that are not whole yet. They lie beside
// what they will be, and no listing shows them.
const tempPrefix = ".reprodl-tmp-"

// server is a directory of a machine.
type server struct {
	cfg  remote.Config
	root string // absolute
	pool *pool

	dirs sync.Map // directories that exist
}

var _ remote.Lister = (*server)(nil)

// open does not connect; the first call does.
func open(ctx context.Context, c remote.Config) (remote.Remote, error) {
	h, err := newHost(&c)
	if err != nil {
		return nil, err
	}
	_, dir := c.Split()
	return &server{cfg: c, root: "/" + dir, pool: newPool(&c, h)}, nil
}

// Close ends the connection. Another call of any method begins a new one.
func (s *server) Close() error { return s.pool.Close() }

func (s *server) at(key string) string { return path.Join(s.root, key) }

// do runs f with an SFTP session. SFTP calls know no context: when it ends they
// are ended with the connection, which the next call opens anew.
func (s *server) do(ctx context.Context, op, key string, f func(c *session) error) error {
	if err := ctx.Err(); err != nil {
		return s.cfg.Fail(op, key, context.Cause(ctx))
	}
	sess, err := s.pool.get(ctx)
	if err != nil {
		return s.pool.explain(op, key, err)
	}
	defer s.pool.put()
	// After f has returned the connection is not ended any more: others use it.
	stop := context.AfterFunc(ctx, sess.abandon)
	err = f(sess)
	stop()
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return s.fail(op, key, sess, err)
	}
	return nil
}

func (s *server) Stat(ctx context.Context, key string) (info remote.Info, err error) {
	err = s.do(ctx, "stat", key, func(c *session) error {
		fi, err := c.Stat(s.at(key))
		if err == nil && !fi.Mode().IsRegular() {
			err = fs.ErrNotExist
		}
		if err == nil {
			info = remote.Info{Key: key, Size: fi.Size(), Modified: fi.ModTime()}
		}
		return err
	})
	return info, err
}

// smallFile is what one SFTP packet holds.
const smallFile = 32 << 10

// Put writes beside the object and renames: nobody sees a part. A kill leaves a
// file with tempPrefix, which no listing shows and nothing removes.
func (s *server) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	name := s.at(key)
	tmp := path.Join(path.Dir(name), tempPrefix+strconv.FormatUint(rand.Uint64(), 36))
	err := s.do(ctx, "put", key, func(c *session) error {
		r, err := src.Exact(0, src.Size)
		if err != nil {
			return err
		}
		defer r.Close()
		f, err := s.create(c, tmp)
		if err != nil {
			return explainFull(c, tmp, src.Size, err)
		}
		// Close tells what the server could not write, so its error counts; after another
		// error it does not.
		if err = send(f, r, src.Size); err == nil {
			err = f.Close()
		} else {
			f.Close()
		}
		if err == nil {
			err = rename(c, tmp, name)
		}
		if err != nil {
			err = explainFull(c, tmp, src.Size, err)
			c.Remove(tmp)
		}
		return err
	})
	if err != nil {
		return remote.Info{}, err
	}
	return remote.Info{Key: key, Size: src.Size}, nil
}

// create makes a file and, if it must, the directories above it.
func (s *server) create(c *session, name string) (*sftp.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	// Most directories exist: to look first would cost a round trip for each file.
	f, err := c.OpenFile(name, flags)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := s.mkdirAll(c, path.Dir(name)); err != nil {
		return nil, err
	}
	return c.OpenFile(name, flags)
}

// mkdirAll is sftp's, with a memory: thousands of files share their directories.
func (s *server) mkdirAll(c *session, dir string) error {
	if _, known := s.dirs.Load(dir); known {
		return nil
	}
	if err := c.MkdirAll(dir); err != nil {
		// It has been made by another, and the look whether it is a directory, which
		// follows, failed: then that is the error, and the connection's.
		if _, look := c.Stat(dir); look != nil && !errors.Is(look, fs.ErrNotExist) {
			return look
		}
		return err
	}
	// Directories are only added while a remote is open; nothing here removes one.
	s.dirs.Store(dir, true)
	return nil
}

// send writes a file: in one packet if it fits, else in many at a time.
func send(f *sftp.File, r io.Reader, size int64) error {
	if size > smallFile {
		_, err := f.ReadFromWithConcurrency(r, 0)
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil || len(data) == 0 {
		return err
	}
	_, err = f.Write(data)
	return err
}

// rename replaces what is there. Servers without OpenSSH's extension cannot do
// that in one step.
func rename(c *session, from, to string) error {
	if _, ok := c.HasExtension("posix-rename@openssh.com"); ok {
		return c.PosixRename(from, to)
	}
	// SFTP's own rename fails if the target exists. Between Remove and Rename there is
	// no object: a kill there loses it, but not the local one.
	err := c.Rename(from, to)
	if err != nil && c.Remove(to) == nil {
		err = c.Rename(from, to)
	}
	return err
}

// Remove takes what isn't there for removed, also where a file stands in the place
// of its directory.
func (s *server) Remove(ctx context.Context, keys ...string) error {
	return each.Key(ctx, s.cfg.Concurrency(), keys, func(ctx context.Context, key string) error {
		return s.do(ctx, "remove", key, func(c *session) error {
			err := c.Remove(s.at(key))
			if errors.Is(err, fs.ErrNotExist) || notADirectory(c, err, path.Dir(s.at(key))) {
				return nil
			}
			return err
		})
	})
}

// notADirectory: a server says no more than "failure" when what should be a
// directory of a path is a file.
func notADirectory(c *session, err error, dir string) bool {
	var st *sftp.StatusError
	if !errors.As(err, &st) {
		return false
	}
	fi, err := c.Stat(dir)
	return err == nil && !fi.IsDir()
}

// fail makes an Error. What the server said (a status) leaves the session usable;
// what was cut off does not, and is Temporary, as the next call connects anew.
func (s *server) fail(op, key string, sess *session, err error) error {
	var st *sftp.StatusError
	switch {
	case errors.Is(err, context.Canceled), remote.IsSource(err):
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.As(err, &st):
	default:
		// Whatever else goes wrong leaves the session in an unknown state.
		sess.abandon()
	}
	e := s.cfg.Fail(op, key, err)
	switch {
	case remote.IsSource(err):
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = remote.ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Fix = remote.ErrDenied, "the user '"+s.pool.host.user+"' may not do this there"
	case errors.Is(err, errFull), errors.As(err, &st) && strings.Contains(strings.ToLower(st.Error()), "no space"):
		e.Fix = "make room on the server"
	case errors.As(err, &st) || errors.Is(err, context.Canceled):
	default:
		e.Temporary = true
	}
	return e
}
