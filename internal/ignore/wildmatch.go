package ignore

import "strings"

// outcome of a match. The kinds of abort tell an enclosing star that trying
// further is no use, which keeps matching from becoming exponential.
type outcome int

const (
	matched outcome = iota
	mismatch
	abortAll        // the text has run out, or the pattern is malformed
	abortToStarStar // a slash is in the way: only a "**" further out can help
)

// wildmatch matches as git's function of this name does: with pathname set,
// "?", "[…]" and "*" do not match a slash, and "**" between slashes (or an end
// of the pattern) does.
func wildmatch(pattern, text string, pathname bool) outcome {
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		if text == "" && c != '*' {
			return abortAll
		}
		switch c {
		case '*':
			end := i
			for end < len(pattern) && pattern[end] == '*' {
				end++
			}
			rest := pattern[end:]
			crosses := !pathname
			if pathname && end-i > 1 && (i == 0 || pattern[i-1] == '/') && (rest == "" || rest[0] == '/' || strings.HasPrefix(rest, `\/`)) {
				if rest != "" && rest[0] == '/' && wildmatch(rest[1:], text, pathname) == matched {
					return matched // "**/" for no directory at all
				}
				crosses = true
			}
			if !crosses && rest != "" && rest[0] == '/' {
				// A star before a slash takes all up to the next one: there is nothing to try.
				slash := strings.IndexByte(text, '/')
				if slash < 0 {
					return mismatch
				}
				text = text[slash+1:]
				i = end
				continue
			}
			return star(rest, text, pathname, crosses)
		case '?':
			if pathname && text[0] == '/' {
				return mismatch
			}
		case '[':
			n, ok := bracket(pattern[i+1:], text[0])
			if n < 0 {
				return abortAll
			}
			// Not even a set that names the slash matches it.
			if !ok || pathname && text[0] == '/' {
				return mismatch
			}
			i += n
		case '\\':
			if i++; i == len(pattern) || pattern[i] != text[0] {
				return mismatch
			}
		default:
			if c != text[0] {
				return mismatch
			}
		}
		text = text[1:]
	}
	if text != "" {
		return mismatch
	}
	return matched
}

// star matches what follows a star, which itself may take any part of the text
// (up to the next slash unless it crosses them).
func star(rest, text string, pathname, crosses bool) outcome {
	if rest == "" {
		if !crosses && strings.Contains(text, "/") {
			return mismatch
		}
		return matched
	}
	for ; text != ""; text = text[1:] {
		o := wildmatch(rest, text, pathname)
		if o != mismatch && (!crosses || o != abortToStarStar) {
			return o
		}
		if o == mismatch && !crosses && text[0] == '/' {
			return abortToStarStar
		}
	}
	return abortAll
}

// bracket matches a byte with the set that begins after "[". It returns the
// number of pattern bytes up to and including the closing bracket, or -1 if
// the set is malformed.
func bracket(p string, c byte) (n int, ok bool) {
	negate := false
	i := 0
	if i < len(p) && (p[i] == '!' || p[i] == '^') {
		negate = true
		i++
	}
	// A byte may be matched by any member; the end of the set is looked for all the same.
	in := false
	var prev byte // 0: a "-" here is no range
	for first := true; ; first = false {
		if i >= len(p) {
			return -1, false
		}
		if p[i] == ']' && !first {
			return i + 1, in != negate
		}
		switch {
		case p[i] == '\\':
			if i++; i == len(p) {
				return -1, false
			}
			in = in || p[i] == c
			prev = p[i]
		case p[i] == '-' && prev != 0 && i+1 < len(p) && p[i+1] != ']':
			if i++; p[i] == '\\' {
				if i++; i == len(p) {
					return -1, false
				}
			}
			in = in || prev <= c && c <= p[i]
			prev = 0
		case p[i] == '[' && i+1 < len(p) && p[i+1] == ':':
			end := strings.IndexByte(p[i+2:], ']')
			if end < 0 {
				return -1, false
			}
			name, isClass := strings.CutSuffix(p[i+2:i+2+end], ":")
			if !isClass { // an ordinary set with "[" and ":" in it
				in = in || c == '['
				prev = '['
				break
			}
			member, known := classes[name]
			if !known {
				return -1, false
			}
			in = in || member(c)
			i += 2 + end
			prev = 0
		default:
			in = in || p[i] == c
			prev = p[i]
		}
		i++
	}
}

// Bytes and not characters: git too matches a name of UTF-8 byte by byte.
func between(c, lo, hi byte) bool { return lo <= c && c <= hi }
func isDigit(c byte) bool         { return between(c, '0', '9') }
func isUpper(c byte) bool         { return between(c, 'A', 'Z') }
func isLower(c byte) bool         { return between(c, 'a', 'z') }
func isAlpha(c byte) bool         { return isUpper(c) || isLower(c) }
func isGraph(c byte) bool         { return between(c, '!', '~') }

// classes are the POSIX classes, of ASCII.
var classes = map[string]func(byte) bool{
	"alnum":  func(c byte) bool { return isAlpha(c) || isDigit(c) },
	"alpha":  isAlpha,
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < 0x20 || c == 0x7f },
	"digit":  isDigit,
	"graph":  isGraph,
	"lower":  isLower,
	"print":  func(c byte) bool { return between(c, ' ', '~') },
	"punct":  func(c byte) bool { return isGraph(c) && !isAlpha(c) && !isDigit(c) },
	"space":  func(c byte) bool { return c == ' ' || between(c, '\t', '\r') },
	"upper":  isUpper,
	"xdigit": func(c byte) bool { return isDigit(c) || between(c, 'a', 'f') || between(c, 'A', 'F') },
}
