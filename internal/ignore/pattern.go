package ignore

import (
	"bytes"
	"strconv"
	"strings"
)

// Pattern is one line of an ignore file.
type Pattern struct {
	Text   string // as written, without the line end
	Source string // the file it is from, relative to the root; "" if it is built in
	Line   int    // counted from 1
	Negate bool   // "!": what matches is not ignored after all

	glob     string
	dirOnly  bool
	baseName bool // no slash: matched against the last element
	literal  bool // no wildcard in glob
}

// parseGit reads an ignore file of git. Nothing in one is an error: a pattern that
// makes no sense matches nothing.
func parseGit(source string, data []byte) []Pattern {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out []Pattern
	n := 0
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		n++
		if p, ok := parseGitLine(string(bytes.TrimSuffix(line, []byte("\r")))); ok {
			p.Source, p.Line = source, n
			out = append(out, p)
		}
	}
	return out
}

// parseGitLine takes a line apart; false for blank lines and comments. A "\!" or
// "\#" at the beginning needs nothing here: wildmatch drops the backslash.
func parseGitLine(line string) (Pattern, bool) {
	if line == "" || line[0] == '#' {
		return Pattern{}, false
	}
	if i := strings.IndexByte(line, 0); i >= 0 {
		line = line[:i] // git reads lines as C strings
	}
	p := Pattern{Text: line}
	line = trimTrailingSpaces(line)
	if strings.HasPrefix(line, "!") {
		p.Negate = true
		line = line[1:]
	}
	if strings.HasSuffix(line, "/") {
		p.dirOnly = true
		line = line[:len(line)-1]
	}
	p.baseName = !strings.Contains(line, "/")
	p.glob = strings.TrimPrefix(line, "/")
	p.literal = !strings.ContainsAny(p.glob, `*?[\`)
	return p, true
}

// trimTrailingSpaces removes trailing spaces that no backslash quotes.
func trimTrailingSpaces(s string) string {
	end := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			continue
		case '\\':
			i++
			if i == len(s) {
				return s
			}
		}
		end = i + 1
	}
	return s[:end]
}

// match reports whether the pattern matches a path relative to the directory of
// its file, regardless of Negate. The path has slashes and no trailing one.
func (p *Pattern) match(rel string, isDir bool) bool {
	if p.dirOnly && !isDir || p.glob == "" {
		return false
	}
	if p.baseName {
		rel = rel[strings.LastIndexByte(rel, '/')+1:]
	}
	if p.literal {
		return rel == p.glob
	}
	return wildmatch(p.glob, rel, !p.baseName) == matched
}

// last returns the last pattern that matches, or nil.
func last(patterns []Pattern, rel string, isDir bool) *Pattern {
	for i := len(patterns) - 1; i >= 0; i-- {
		if patterns[i].match(rel, isDir) {
			return &patterns[i]
		}
	}
	return nil
}

// String is the pattern with its place, "file:line:pattern", as DVC shows it.
func (p *Pattern) String() string {
	if p.Line == 0 {
		return p.Source + ":" + p.Text
	}
	return p.Source + ":" + strconv.Itoa(p.Line) + ":" + p.Text
}
