package git

import (
	"context"
	"fmt"
	"strings"
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
func (r *Repo) UpdateRefs(ctx context.Context, updates ...Update) error {
	if len(updates) == 0 {
		return nil
	}
	zero := strings.Repeat("0", r.hexLen)
	var in strings.Builder
	msg := ""
	for _, u := range updates {
		if !strings.HasPrefix(u.Name, "refs/") || strings.ContainsAny(u.Name, "\n\x00") {
			return fmt.Errorf("%q is not the name of a reference", u.Name)
		}
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
	args := []string{"update-ref", "--no-deref", "-z", "--stdin"}
	if msg != "" {
		args = append(args, "-m", msg)
	}
	_, err := r.Do(ctx, Cmd{Args: args, Stdin: strings.NewReader(in.String())})
	return err
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
