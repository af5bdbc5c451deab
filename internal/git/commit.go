package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Signature is who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time // with the zone of the author
}

// String is the form that it has in a commit: seconds since 1970 and the zone.
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
	// A tag may name another tag; ten are more than anybody nests.
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
	// The header ends at the first empty line. Keys that are not known here,
	// and the continuation lines of a signature, which begin with a blank, are
	// passed over.
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
			// The zone is +hhmm in decimal digits.
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

// Identity returns the author and committer that git would use now. It takes a
// process unless the environment says it all. A missing identity is git's
// error, which says what to do.
func (r *Repo) Identity(ctx context.Context) (author, committer Signature, err error) {
	author, ok1 := r.envSignature("GIT_AUTHOR_")
	committer, ok2 := r.envSignature("GIT_COMMITTER_")
	if ok1 && ok2 {
		return author, committer, nil
	}
	// One call answers both, but doesn't complain of a missing identity.
	out, err := r.Run(ctx, "var", "-l")
	if err == nil {
		for line := range strings.Lines(string(out)) {
			key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
			switch key {
			case "GIT_AUTHOR_IDENT":
				author = parseSignature(value)
			case "GIT_COMMITTER_IDENT":
				committer = parseSignature(value)
			}
		}
		if author.Name != "" && author.Email != "" && committer.Name != "" && committer.Email != "" {
			return author, committer, nil
		}
	}
	if out, err = r.Run(ctx, "var", "GIT_AUTHOR_IDENT"); err != nil {
		return author, committer, err
	}
	author = parseSignature(strings.TrimRight(string(out), "\n"))
	out, err = r.Run(ctx, "var", "GIT_COMMITTER_IDENT")
	return author, parseSignature(strings.TrimRight(string(out), "\n")), err
}

// envSignature takes a signature from GIT_AUTHOR_NAME and the like. A date
// given there is left to git to parse.
func (r *Repo) envSignature(prefix string) (Signature, bool) {
	env := r.Env
	if env == nil {
		env = os.Environ()
	}
	s := Signature{When: time.Now()}
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		switch key {
		case prefix + "NAME":
			s.Name = value
		case prefix + "EMAIL":
			s.Email = value
		case prefix + "DATE":
			return Signature{}, false
		}
	}
	// Git strips such characters from names; where it would, it is asked.
	plain := !strings.ContainsAny(s.Name+s.Email, "<>\n") && strings.TrimSpace(s.Name) == s.Name
	return s, plain && s.Name != "" && s.Email != ""
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

// Untracked lists the files that git neither tracks nor ignores, from the top
// of the working tree.
func (r *Repo) Untracked(ctx context.Context) ([]string, error) {
	out, err := r.Run(ctx, "ls-files", "--others", "--exclude-standard", "-z")
	if err != nil {
		return nil, err
	}
	// Split at NUL alone: names may have blanks and line breaks.
	return strings.FieldsFunc(string(out), func(c rune) bool { return c == 0 }), nil
}
