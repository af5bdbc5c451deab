package params

import (
	"fmt"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"strings"
)

// operation is what an override does with its key.
type operation uint8

const (
	change  operation = iota // key=value: the key must be there
	add                      // +key=value: it must not be
	force                    // ++key=value
	discard                  // ~key or ~key=value
)

var operators = map[operation]string{change: "", add: "+", force: "++", discard: "~"}

// override is one argument of -S.
type override struct {
	text   string // as it was given
	op     operation
	key    string
	value  any // a value, quoted, or sweep
	valued bool
}

// path splits the key at its dots.
func (o *override) path() []string { return strings.Split(o.key, ".") }

// fail is an error that is [ErrOverride].
func (o *override) fail(format string, args ...any) error {
	return &reason{fmt.Sprintf(format, args...), ErrOverride}
}

// The tokens of OmegaConf's and Hydra's grammar (OverrideLexer.g4), with which
// DVC reads -S: a key is one identifier, or identifiers and numbers between
// dots. A number has no leading zero, because it would be another key's text.
// What looks like a config group (a slash, or an @) is a key as well, one that
// DVC's files never have; it is known so that it is refused in Hydra's words.
var (
	keyPattern   = lazyregexp.New(`^([A-Za-z_$][\w$-]*|([A-Za-z_$][\w$-]*|0|[1-9](_?[0-9])*)(\.([A-Za-z_$][\w$-]*|0|[1-9](_?[0-9])*))+)$`)
	groupPattern = lazyregexp.New(`^[A-Za-z_$][\w$./-]*@[\w$.-]*$|^[A-Za-z_][\w-]*(/[A-Za-z_][\w-]*)+$`)
)

// parseOverride reads one override.
func parseOverride(text string) (*override, error) {
	o := &override{text: text}
	rest := text
	switch {
	case strings.HasPrefix(rest, "++"):
		o.op, rest = force, rest[2:]
	case strings.HasPrefix(rest, "+"):
		o.op, rest = add, rest[1:]
	case strings.HasPrefix(rest, "~"):
		o.op, rest = discard, rest[1:]
	}
	// No key has an equals sign in it, so the first one ends the key.
	key, value, assigned := strings.Cut(rest, "=")
	o.key, o.valued = key, assigned
	switch {
	case groupPattern.MatchString(key): // refused when it is applied
	case !keyPattern.MatchString(key):
		return nil, o.fail("error parsing override '%s': %q is no key", text, key)
	case !assigned && o.op != discard:
		return nil, o.fail("error parsing override '%s': missing '=' and a value", text)
	case !assigned:
		return o, nil
	}
	// Blanks after the sign belong to it in Hydra's lexer; those at the end of
	// the value are dropped where it is text without quotes.
	p := valueParser{s: strings.TrimLeft(value, " \t")}
	v, err := p.whole()
	if err != nil {
		return nil, o.fail("error parsing override '%s': %v", text, err)
	}
	o.value = v
	return o, nil
}

// SplitFile separates the file from an override of the form file:key=value;
// the file is params.yaml where none is named.
func SplitFile(text string) (file, override string) {
	key, _, _ := strings.Cut(text, "=")
	if i := strings.IndexByte(key, ':'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return "params.yaml", text
}
