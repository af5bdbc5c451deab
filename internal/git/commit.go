package git

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signature is who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time // with the zone of the author
}

func (s Signature) String() string {
	return fmt.Sprintf("%s <%s> %d %s", s.Name, s.Email, s.When.Unix(), s.When.Format("-0700"))
}

// Commit is a decoded commit object.
type Commit struct {
	ID        ID
	Tree      ID
	Parents   []ID
	Author    Signature
	Committer Signature
	Message   string
}

// Commit reads the commit id; an annotated tag is followed to its commit.
func (r *Repo) Commit(ctx context.Context, id ID) (*Commit, error) {
	for range 10 {
		kind, data, err := r.Object(ctx, id)
		if err != nil {
			return nil, err
		}
		switch kind {
		case CommitObj:
			return ParseCommit(id, data)
		case Tag:
			line, _, _ := bytes.Cut(data, []byte("\n"))
			target, ok := strings.CutPrefix(string(line), "object ")
			if !ok {
				return nil, fmt.Errorf("object %s: corrupt tag", id)
			}
			id = ID(target)
		default:
			return nil, fmt.Errorf("object %s is a %s, not a commit", id, kind)
		}
	}
	return nil, fmt.Errorf("object %s: too many nested tags", id)
}

// ParseCommit decodes the content of a commit object.
func ParseCommit(id ID, data []byte) (*Commit, error) {
	c := &Commit{ID: id}
	head, msg, _ := strings.Cut(string(data), "\n\n")
	c.Message = msg
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		var err error
		switch key {
		case "tree":
			c.Tree, err = ParseID(value)
		case "parent":
			var p ID
			p, err = ParseID(value)
			c.Parents = append(c.Parents, p)
		case "author":
			c.Author = parseSignature(value)
		case "committer":
			c.Committer = parseSignature(value)
		}
		if err != nil {
			return nil, fmt.Errorf("commit %s: %w", id, err)
		}
	}
	if c.Tree == "" {
		return nil, fmt.Errorf("commit %s: no tree", id)
	}
	return c, nil
}

// parseSignature is lenient, as git is: a damaged date is the zero time.
func parseSignature(s string) Signature {
	var sig Signature
	open, end := strings.Index(s, "<"), strings.LastIndex(s, ">")
	if open < 0 || end < open {
		return Signature{Name: s}
	}
	sig.Name, sig.Email = strings.TrimSpace(s[:open]), s[open+1:end]
	f := strings.Fields(s[end+1:])
	if len(f) == 0 {
		return sig
	}
	sec, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		return sig
	}
	zone := time.UTC
	if len(f) > 1 && len(f[1]) == 5 {
		if n, err := strconv.Atoi(f[1][1:]); err == nil {
			off := (n/100*60 + n%100) * 60
			if f[1][0] == '-' {
				off = -off
			}
			zone = time.FixedZone("", off)
		}
	}
	sig.When = time.Unix(sec, 0).In(zone)
	return sig
}

// Identity returns the author and committer that git would use now, for which
// it asks git. A missing identity is git's error, which says what to do.
func (r *Repo) Identity(ctx context.Context) (author, committer Signature, err error) {
	out, err := r.Run(ctx, "var", "GIT_AUTHOR_IDENT")
	if err != nil {
		return author, committer, err
	}
	author = parseSignature(strings.TrimRight(string(out), "\n"))
	out, err = r.Run(ctx, "var", "GIT_COMMITTER_IDENT")
	if err != nil {
		return author, committer, err
	}
	return author, parseSignature(strings.TrimRight(string(out), "\n")), nil
}

// WriteCommit stores c, whose ID it ignores, and returns its id. The message
// is written as it is, without a final newline if it has none.
func (r *Repo) WriteCommit(c *Commit) (ID, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", c.Author, c.Committer, c.Message)
	return r.WriteObject(CommitObj, []byte(b.String()))
}
