package ignore

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A spec is one pattern as pathspec 1.1's GitIgnoreSpecPattern translates it. Its
// expression needs to match a beginning of a path only, and the path of a
// directory is tried with a slash at its end, too.
type spec struct {
	negate  bool
	dirOnly bool // DVC: the text ends in a slash

	name   string         // any part of the path is this, or
	suffix string         // any part of the path ends in this; otherwise
	re     *regexp.Regexp // nil: matches nothing
}

// newSpec translates a pattern. Blank lines, comments and malformed ranges are no
// pattern at all. What makes pathspec raise an error, and with it every command of
// DVC fail ("!", a backslash at the end, "[z-a]"), is none here either.
func newSpec(text string) (spec, bool) {
	s := spec{dirOnly: strings.HasSuffix(text, "/")}
	if !strings.HasSuffix(text, `\ `) {
		text = strings.TrimRightFunc(text, isPySpace)
	}
	if text == "" || text == "/" || text[0] == '#' {
		return s, false
	}
	text, s.negate = strings.CutPrefix(text, "!")
	segments := strings.Split(text, "/")
	dirPattern := segments[len(segments)-1] == ""
	segments = normalizeSegments(segments)
	switch {
	case len(segments) == 0:
		return s, false
	case dirPattern && slices.Equal(segments, []string{"**"}), slices.Equal(segments, []string{"**", "*", "**"}):
		// Meant to match all directories; but the expression is a lone slash, and
		// no path begins with one.
		return s, true
	case slices.Equal(segments, []string{"**"}), slices.Equal(segments, []string{"**", "*"}):
		s.re = anything
		return s, true
	}
	if s.simple(segments) {
		return s, true
	}
	expr, ok := translate(segments)
	if !ok {
		return s, false
	}
	s.re = regexp.MustCompile(validUTF8(expr))
	return s, true
}

// validUTF8 replaces each byte that is none by the character as which package
// regexp sees it in a name. (DVC ends with an error on such a file.)
func validUTF8(expr string) string { return string([]rune(expr)) }

var anything = regexp.MustCompile(`^.`) // a "." of Python, which a line end is not

// normalizeSegments spells out what a pattern leaves unsaid: one without a slash
// matches at any depth, one that ends in a slash all that is below.
func normalizeSegments(segments []string) []string {
	switch {
	case segments[0] == "":
		segments = segments[1:]
	case (len(segments) == 1 || len(segments) == 2 && segments[1] == "") && segments[0] != "**":
		segments = slices.Insert(segments, 0, "**")
	}
	if len(segments) == 0 {
		return nil
	}
	if last := len(segments) - 1; segments[last] == "" {
		segments[last] = "**"
	}
	return slices.CompactFunc(segments, func(a, b string) bool { return a == "**" && b == "**" })
}

// simple notices the two most frequent kinds, a name and a suffix at any depth,
// which need no expression.
func (s *spec) simple(segments []string) bool {
	if len(segments) != 2 || segments[0] != "**" || segments[1] == "**" {
		return false
	}
	suffix, star := strings.CutPrefix(segments[1], "*")
	if suffix == "" || strings.ContainsAny(suffix, "*?[\\\n") {
		return false
	}
	if star {
		s.suffix = suffix
	} else {
		s.name = suffix
	}
	return true
}

// translate makes the expression of segments; pathspec's Python in Go's words.
func translate(segments []string) (string, bool) {
	const end = `(?:/|\n?\z)` // Python's $ also matches before a last line end
	var b strings.Builder
	slash := false
	for i, seg := range segments {
		last := i == len(segments)-1
		switch {
		case seg == "**" && i == 0:
			b.WriteString(`^(?:.+/)?`)
		case seg == "**" && !last:
			b.WriteString(`(?:/.+)?`)
			slash = true
		case seg == "**":
			b.WriteByte('/')
		default:
			if i == 0 {
				b.WriteByte('^')
			}
			if slash {
				b.WriteByte('/')
			}
			if seg == "*" {
				b.WriteString(`[^/]+`)
			} else if !translateGlob(&b, seg) {
				return "", false
			}
			if last {
				b.WriteString(end)
			}
			slash = true
		}
	}
	return b.String(), true
}

// translateGlob translates one segment, in which nothing matches a slash but a set.
func translateGlob(b *strings.Builder, glob string) bool {
	for i := 0; i < len(glob); {
		c, n := utf8.DecodeRuneInString(glob[i:])
		i += n
		switch c {
		case '\\':
			if i == len(glob) {
				return false
			}
			_, n := utf8.DecodeRuneInString(glob[i:])
			b.WriteString(regexp.QuoteMeta(glob[i : i+n]))
			i += n
		case '*':
			b.WriteString(`[^/]*`)
		case '?':
			b.WriteString(`[^/]`)
		case '[':
			n, ok := translateSet(b, glob[i:])
			if !ok {
				return false
			}
			i += n
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return true
}

// translateSet translates a set, given what follows its "[". It ends at the first
// "]" that is not its first member, whatever a backslash or a class might say, and
// it may match a slash. It returns the length with the closing bracket.
func translateSet(b *strings.Builder, glob string) (n int, ok bool) {
	body := glob
	negate := false
	if body != "" && (body[0] == '!' || body[0] == '^') {
		negate = true
		body = body[1:]
	}
	if body == "" {
		return 0, false
	}
	size := strings.IndexByte(body[1:], ']') + 1
	if size == 0 {
		return 0, false
	}
	members := []rune(body[:size])
	b.WriteByte('[')
	if negate {
		b.WriteByte('^')
	}
	for i := 0; i < len(members); i++ {
		lo, hi := members[i], members[i]
		if i+2 < len(members) && members[i+1] == '-' {
			hi = members[i+2]
			i += 2
		}
		if lo > hi {
			return 0, false // Python: bad character range
		}
		// By code points, so that no member needs an escape.
		b.WriteString(`\x{` + strconv.FormatInt(int64(lo), 16) + `}-\x{` + strconv.FormatInt(int64(hi), 16) + `}`)
	}
	b.WriteByte(']')
	return len(glob) - len(body) + size + 1, true
}

// match reports whether a path, which may end in a slash, begins with what the
// pattern means.
func (s *spec) match(path string) bool {
	switch {
	case s.name == "" && s.suffix == "":
		return s.re != nil && s.re.MatchString(path)
	case strings.IndexByte(path, '\n') >= 0:
		return s.matchLines(path)
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		if s.name != "" && part == s.name || s.suffix != "" && strings.HasSuffix(part, s.suffix) {
			return true
		}
	}
	return false
}

// matchLines is match for the paths with line ends in them, where "." and "$" of
// Python do not mean what pathspec believes.
// Such names are rare enough to make the expression each time.
func (s *spec) matchLines(path string) bool {
	glob := s.name
	if s.suffix != "" {
		glob = "*" + s.suffix
	}
	expr, ok := translate([]string{"**", glob})
	return ok && regexp.MustCompile(validUTF8(expr)).MatchString(path)
}

// isPySpace is what Python's str.strip takes for a blank.
func isPySpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r >= 0x1c && r <= ' ', r == 0x85, r == 0xa0, r == 0x1680, r >= 0x2000 && r <= 0x200a,
		r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}
