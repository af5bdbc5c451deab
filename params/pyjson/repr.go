package pyjson

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Str is Python's str(v): a string unchanged, everything else by [Repr].
func Str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return Repr(v)
}

// Repr is Python's repr(v): None, True, 0.1, 'text', [64, {'x': 7}].
func Repr(v any) string { return string(appendRepr(nil, v, 0)) }

// appendRepr appends the repr of v; depth ends a value that contains itself,
// where Python writes dots as well. Float32 is widened, as Python knows one
// kind of float. A type that is not the package's has Go's text.
func appendRepr(dst []byte, v any, depth int) []byte {
	if depth > maxDepth {
		return append(dst, "..."...)
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return AppendFloat(dst, v)
	case float32:
		return AppendFloat(dst, float64(v))
	case *big.Int:
		return v.Append(dst, 10)
	case string:
		return appendReprString(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, x := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendRepr(dst, x, depth+1)
		}
		return append(dst, ']')
	case map[string]any:
		return appendRepr(dst, sortedMap(v), depth)
	case mapping:
		dst = append(dst, '{')
		first := true
		for k, x := range v.All() {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = appendRepr(dst, k, depth+1)
			dst = append(dst, ": "...)
			dst = appendRepr(dst, x, depth+1)
		}
		return append(dst, '}')
	}
	return fmt.Append(dst, v)
}

// appendReprString quotes with ' unless the string has a ' and no ".
// Printable characters stay, whatever their script; what Python's
// str.isprintable refuses is escaped with two, four or eight digits. The blank
// is the only white space that counts as printable.
func appendReprString(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	dst = append(dst, quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r >= ' ' && r < 0x7f, r > 0x7f && unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		case r < 0x100:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return append(dst, quote)
}
