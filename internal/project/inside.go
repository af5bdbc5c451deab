package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An OutsideError refuses to create, overwrite or delete what is not in the
// repository: a declared path leads out of it, as written or by a link. Anybody can
// commit such a path, and who checks it out would lose files of their own. DVC
// follows it.
type OutsideError struct {
	Path string // as shown
	Link string // the symbolic link on the way, as shown; empty = the path itself is outside
	Real string // where it leads
}

func (e *OutsideError) Error() string {
	if e.Link == "" {
		return fmt.Sprintf("'%s' is outside of the repository: nothing is created or deleted there", e.Path)
	}
	return fmt.Sprintf("'%s' is outside of the repository, as '%s' is a link to '%s': nothing is created or deleted there", e.Path, e.Link, e.Real)
}

// CheckInside is the error about an absolute path that does not lie in the
// repository. Its last element may be a link: it is the link that is replaced then.
func (r *Repo) CheckInside(abs string) error {
	if !IsBelow(abs, r.Root) {
		return &OutsideError{Path: r.Rel(abs)}
	}
	dir := r.Root
	parts := strings.Split(filepath.ToSlash(abs[len(r.Root):]), "/")
	// What is not there yet cannot be a link; all below it will be new.
	for _, part := range parts[:len(parts)-1] {
		if part == "" {
			continue
		}
		dir = filepath.Join(dir, part)
		fi, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if fi.Mode()&fs.ModeSymlink != 0 {
			if err := r.checkLink(abs, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// RemoteOutput refuses an output that is a URL: nothing here could compare, cache or
// delete it.
func RemoteOutput(url string) error {
	return fmt.Errorf("output '%s' is not in the repository: outputs on remotes are not supported; write a file, and push it", url)
}

// checkLink requires that a link on the way to a path stays in the repository.
func (r *Repo) checkLink(abs, link string) error {
	// The repository itself may be reached by a link, so both sides are resolved.
	root, err := filepath.EvalSymlinks(r.Root)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(link)
	if err != nil { // it leads nowhere, or in a circle
		real, _ = os.Readlink(link)
	} else if real == root || IsBelow(real, root) {
		return nil
	}
	return &OutsideError{Path: r.Rel(abs), Link: r.Rel(link), Real: real}
}

// CheckOutputs requires of stages, before anything is done, that what they write is
// in the repository. An output that is not cached may lie outside, if it says so: its
// command makes it, and nobody else touches it.
func (r *Repo) CheckOutputs(stages []*Stage) error {
	for _, s := range stages {
		for _, o := range s.Outs {
			if IsURL(o.Written) {
				return fmt.Errorf("%s: %w", s, RemoteOutput(o.Written))
			}
			if !o.Cached() && !o.InRepo {
				continue
			}
			if err := r.CheckInside(o.Abs); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
	}
	return nil
}
