package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Update changes one reference. A zero New deletes it.
type Update struct {
	Name string
	New  ID
	// Old is the value the reference must have for the change to happen;
	// NoRef means that it must not exist, and "" that any value will do.
	Old     ID
	Message string // for the reflog, if the reference has one
}

// NoRef as [Update.Old] asks that the reference does not exist yet.
const NoRef ID = "none"

// UpdateRefs makes all changes or none, through `git update-ref --stdin`.
// When an old value does not match nothing changes and the error is an
// [*Error] with git's explanation.
//
// The transaction is committed by its last line, so that a caller killed while
// it writes changes nothing. A lock of a reference of our own that a killed
// git left behind is removed once it is too old to be in use.
func (r *Repo) UpdateRefs(ctx context.Context, updates ...Update) error {
	if len(updates) == 0 {
		return nil
	}
	// As an old value zeros mean that the reference must not exist, and nothing
	// means that any value will do.
	zero := strings.Repeat("0", r.hexLen)
	var in strings.Builder
	in.WriteString("start\x00")
	msg := ""
	for _, u := range updates {
		if !strings.HasPrefix(u.Name, "refs/") || strings.ContainsAny(u.Name, "\n\x00") {
			return fmt.Errorf("%q is not the name of a reference", u.Name)
		}
		// update-ref takes one message for all.
		if u.Message != "" {
			msg = u.Message
		}
		old := string(u.Old)
		if u.Old == NoRef {
			old = zero
		}
		if u.New.IsZero() {
			fmt.Fprintf(&in, "delete %s\x00%s\x00", u.Name, old)
		} else {
			fmt.Fprintf(&in, "update %s\x00%s\x00%s\x00", u.Name, u.New, old)
		}
	}
	in.WriteString("prepare\x00commit\x00")
	args := []string{"update-ref", "--no-deref", "-z", "--stdin"}
	if msg != "" {
		args = append(args, "-m", msg)
	}
	for began := time.Now(); ; {
		_, err := r.Do(ctx, Cmd{Args: args, Stdin: strings.NewReader(in.String())})
		var gerr *Error
		if err == nil || !errors.As(err, &gerr) || !strings.Contains(gerr.Stderr, ".lock': File exists") || time.Since(began) > 3*staleLock {
			return err
		}
		r.breakLocks(updates)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// staleLock is the age from which the lock of a reference, which git holds for
// milliseconds, counts as left behind.
const staleLock = 3 * time.Second

// breakLocks removes stale locks of references that only DVC and this module
// write. Those of branches and tags are the user's to judge.
func (r *Repo) breakLocks(updates []Update) {
	for _, u := range updates {
		if !strings.HasPrefix(u.Name, "refs/exps/") && !strings.HasPrefix(u.Name, "refs/reprodl/") {
			continue // the user's
		}
		name := filepath.Join(r.common, filepath.FromSlash(u.Name)) + ".lock"
		if fi, err := os.Lstat(name); err == nil && time.Since(fi.ModTime()) > staleLock {
			os.Remove(name)
		}
	}
}

// ValidRefName applies the rules of git-check-ref-format to a whole name.
func ValidRefName(name string) bool {
	if name == "" || name == "@" || strings.HasSuffix(name, ".") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c == 0x7f || strings.IndexByte("~^:?*[\\", c) >= 0 {
			return false
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}
