package config

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/reprodl/reprodl/params/pyjson"
)

// ini is a configuration file in the dialect of Python's configobj that DVC
// uses. It keeps its lines, so that an edit leaves all others as they were.
type ini struct {
	lines []iniLine
}

// iniLine is one line. Section and key are lower case; key is empty for
// headers, comments and blank lines.
type iniLine struct {
	text    string
	section string
	key     string
	value   string
	list    []string // a value with unquoted commas
	header  bool
}

// parseINI reads a file. The error is the text of a configuration error.
func parseINI(data string) (*ini, error) {
	f := new(ini)
	section := ""
	data = strings.TrimPrefix(data, "\ufeff")
	if data == "" {
		return f, nil
	}
	// Section and key of all before; a section itself is there with no key.
	// configobj refuses duplicates, where other readers take the last.
	seen := map[[2]string]bool{}
	for n, text := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		line := iniLine{text: text, section: section}
		trimmed := strings.TrimSpace(text)
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case trimmed[0] == '[':
			name, ok := parseHeader(trimmed)
			if !ok {
				return nil, messagef("Cannot parse the section marker %q at line %d.", trimmed, n+1)
			}
			section = name
			line.section, line.header = name, true
			if seen[[2]string{name}] {
				return nil, messagef("Duplicate section name at line %d.", n+1)
			}
			seen[[2]string{name}] = true
		default:
			key, value, list, ok := parseKeyword(trimmed)
			if !ok {
				return nil, messagef("Invalid line (%s) (matched as neither section nor keyword) at line %d.", pyjson.Repr(text), n+1)
			}
			line.key, line.value, line.list = key, value, list
			if seen[[2]string{section, key}] {
				return nil, messagef("Duplicate keyword name at line %d.", n+1)
			}
			seen[[2]string{section, key}] = true
		}
		f.lines = append(f.lines, line)
	}
	return f, nil
}

// parseHeader reads "[name]" or "['name']", of one level, with an optional comment.
func parseHeader(s string) (string, bool) {
	s = strings.TrimSpace(s[1:])
	if s == "" {
		return "", false
	}
	var name string
	if q := s[0]; q == '"' || q == '\'' {
		end := strings.IndexByte(s[1:], q)
		if end < 0 {
			return "", false
		}
		name, s = s[1:1+end], strings.TrimSpace(s[2+end:])
		if !strings.HasPrefix(s, "]") {
			return "", false
		}
		s = s[1:]
	} else {
		end := strings.IndexByte(s, ']')
		if end < 0 || s[0] == '[' {
			return "", false
		}
		name, s = strings.TrimSpace(s[:end]), s[end+1:]
	}
	s = strings.TrimSpace(s)
	return strings.ToLower(normaliseSection(name)), name != "" && (s == "" || s[0] == '#')
}

// normaliseSection writes the name of a named section in one way.
func normaliseSection(name string) string {
	// remote"x" and remote "x" are the same section; without the quotes at the
	// end it is an ordinary name.
	kind, rest, ok := strings.Cut(strings.TrimSpace(name), `"`)
	if kind = strings.TrimSpace(kind); ok && strings.HasSuffix(rest, `"`) && (kind == "remote" || kind == "machine" || kind == "db") {
		return kind + ` "` + strings.TrimSuffix(rest, `"`) + `"`
	}
	return name
}

// parseKeyword reads "key = value # comment".
func parseKeyword(s string) (key, value string, list []string, ok bool) {
	if q := s[0]; q == '"' || q == '\'' {
		end := strings.IndexByte(s[1:], q)
		if end < 0 {
			return "", "", nil, false
		}
		key, s = s[1:1+end], strings.TrimSpace(s[2+end:])
		if !strings.HasPrefix(s, "=") {
			return "", "", nil, false
		}
		s = s[1:]
	} else if key, s, ok = strings.Cut(s, "="); !ok {
		return "", "", nil, false
	}
	value, list, ok = parseValue(strings.TrimSpace(s))
	return strings.ToLower(strings.TrimSpace(key)), value, list, ok
}

// parseValue reads one value, or a list of values between commas.
func parseValue(s string) (value string, list []string, ok bool) {
	var items []string
	comma := false
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" || s[0] == '#' {
			break
		}
		var item string
		if q := s[0]; q == '"' || q == '\'' {
			if strings.HasPrefix(s, strings.Repeat(string(q), 3)) {
				end := strings.Index(s[3:], s[:3])
				if end < 0 {
					return "", nil, false // more than one line: nothing of DVC's is
				}
				for 6+end < len(s) && s[6+end] == q { // the value's own, before the last three
					end++
				}
				item, s = s[3:3+end], s[6+end:]
			} else {
				end := strings.IndexByte(s[1:], q)
				if end < 0 {
					return "", nil, false
				}
				item, s = s[1:1+end], s[2+end:]
			}
		} else {
			end := strings.IndexAny(s, ",#")
			if end < 0 {
				end = len(s)
			}
			item, s = strings.TrimSpace(s[:end]), s[end:]
		}
		// A comma makes a list, even with nothing after it; one value without a
		// comma is a text.
		items = append(items, item)
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" || s[0] == '#' {
			break
		}
		if s[0] != ',' {
			return "", nil, false
		}
		comma = true
		s = s[1:]
	}
	if comma {
		return strings.Join(items, ","), items, true
	}
	if len(items) == 0 {
		return "", nil, true
	}
	return items[0], nil, true
}

// quoteValue writes a value so that it is read back the same.
func quoteValue(v string) (string, error) {
	// configobj quotes by these rules: blanks and quotes at either end, and
	// commas and # anywhere, would be read otherwise. It has no escapes, so a
	// value with both sorts of quotes needs three of one.
	const edge = " \r\n\v\t'\""
	switch {
	case strings.Contains(v, "\n") || strings.Contains(v, `"`) && strings.Contains(v, "'"):
		for _, q := range []string{`"""`, `'''`} {
			if !strings.Contains(v, q) && !strings.Contains(v, "\n") {
				return q + v + q, nil
			}
		}
		return "", messagef("Value %s cannot be safely quoted.", pyjson.Repr(v))
	case v == "":
		return `""`, nil
	case strings.ContainsAny(v[:1], edge), strings.ContainsAny(v[len(v)-1:], edge), strings.ContainsAny(v, ",#"):
		if strings.Contains(v, `"`) {
			return "'" + v + "'", nil
		}
		return `"` + v + `"`, nil
	}
	return v, nil
}

// find is the line of a key, or -1.
func (f *ini) find(section, key string) int {
	for i, l := range f.lines {
		if l.section == section && l.key == key && key != "" {
			return i
		}
	}
	return -1
}

// header is the line of a section's header, or -1.
func (f *ini) header(section string) int {
	for i, l := range f.lines {
		if l.header && l.section == section {
			return i
		}
	}
	return -1
}

// isNamed reports a section such as remote "x", with a name of its own.
func isNamed(section string) bool { return strings.HasSuffix(section, `"`) }

// set gives a key a value, in its old place or at the end of its section.
// New sections come in DVC's order: those with a name of their own last.
func (f *ini) set(section, key, value string) error {
	quoted, err := quoteValue(value)
	if err != nil {
		return err
	}
	quotedKey, err := quoteValue(key)
	if err != nil {
		return err
	}
	// DVC indents what it writes by four blanks; a key that is there keeps its
	// indentation.
	line := iniLine{text: "    " + quotedKey + " = " + quoted, section: section, key: key, value: value}
	if i := f.find(section, key); i >= 0 {
		old := f.lines[i].text
		line.text = old[:len(old)-len(strings.TrimLeft(old, " \t"))] + quotedKey + " = " + quoted
		f.lines[i] = line
		return nil
	}
	at := f.header(section)
	if at < 0 {
		if at, err = f.addHeader(section); err != nil {
			return err
		}
	}
	// After the last key of the section: comments and blank lines below belong
	// to what follows, by their looks.
	end := at + 1
	for i := at + 1; i < len(f.lines) && f.lines[i].section == section; i++ {
		if f.lines[i].key != "" {
			end = i + 1
		}
	}
	f.insert(end, line)
	return nil
}

// insert puts a line in front of the one at an index, or at the end.
func (f *ini) insert(at int, line iniLine) {
	f.lines = append(f.lines[:at], append([]iniLine{line}, f.lines[at:]...)...)
}

// addHeader adds an empty section and returns its line.
func (f *ini) addHeader(section string) (int, error) {
	quoted, err := quoteValue(section)
	if err != nil {
		return 0, err
	}
	at := len(f.lines)
	if !isNamed(section) {
		for i, l := range f.lines {
			if l.header && isNamed(l.section) {
				at = i
				break
			}
		}
	}
	f.insert(at, iniLine{text: "[" + quoted + "]", section: section, header: true})
	return at, nil
}

// unset removes a key, and its section if that was the last thing in it.
func (f *ini) unset(section, key string) {
	if i := f.find(section, key); i >= 0 {
		f.lines = append(f.lines[:i], f.lines[i+1:]...)
	}
	if isNamed(section) {
		return
	}
	at := f.header(section)
	for i, l := range f.lines {
		if at < 0 || l.section == section && i != at && strings.TrimSpace(l.text) != "" {
			return
		}
	}
	f.removeSection(section)
}

// removeSection removes the lines from the header to the next section, comments
// included; all of them carry the section's name.
func (f *ini) removeSection(section string) {
	kept := f.lines[:0]
	for _, l := range f.lines {
		if l.section != section {
			kept = append(kept, l)
		}
	}
	f.lines = kept
}

// renameSection gives a section another name, in place.
func (f *ini) renameSection(from, to string) error {
	quoted, err := quoteValue(to)
	if err != nil {
		return err
	}
	for i := range f.lines {
		if l := &f.lines[i]; l.section == from {
			l.section = to
			if l.header {
				l.text = "[" + quoted + "]"
			}
		}
	}
	return nil
}

// String is the text of the file, in which every line ends with a line break.
func (f *ini) String() string {
	var b strings.Builder
	for _, l := range f.lines {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	return b.String()
}

// message is an error with a text of DVC's.
type message string

func (m message) Error() string { return string(m) }

func messagef(format string, args ...any) error { return message(fmt.Sprintf(format, args...)) }
