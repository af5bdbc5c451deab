package main

import (
	"cmp"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/reprodl/reprodl/pipeline/repofs"
)

// lsColors are the colours of names on a terminal, from LS_COLORS as dvc reads it:
// directories, executable files, extensions, and "out" for what DVC tracks. Nil
// colours nothing.
type lsColors struct{ kinds, extensions map[string]string }

const defaultColors = "rs=0:di=01;34:ex=01;32"

// colorCode is what may go to a terminal.
var colorCode = regexp.MustCompile(`^[0-9;]+$`)

func newLSColors(text string) *lsColors {
	c := &lsColors{map[string]string{}, map[string]string{}}
	for item := range strings.SplitSeq(cmp.Or(text, defaultColors), ":") {
		kind, code, ok := strings.Cut(item, "=")
		if !ok || !colorCode.MatchString(code) {
			continue
		}
		if ext, ok := strings.CutPrefix(kind, "*."); ok {
			c.extensions["."+ext] = code
		} else {
			c.kinds[kind] = code
		}
	}
	return c
}

// colors are those of a list; none unless it goes to a terminal.
func (a *app) colors() *lsColors {
	if !a.out.safe {
		return nil
	}
	text := os.Getenv("LS_COLORS")
	if a.Env != nil {
		text = ""
	}
	for _, kv := range a.Env {
		if value, ok := strings.CutPrefix(kv, "LS_COLORS="); ok {
			text = value
		}
	}
	return newLSColors(text)
}

// painted prints text with colours, whose control characters are all our own.
// It does so with -q, too.
func (a *app) painted(text string) { a.out.write([]byte(text)) }

// paint is a name in its colour. Control characters in it are made visible, as the
// result goes to the terminal as it is.
func (c *lsColors) paint(e repofs.Entry, name string) string {
	if c == nil {
		return name
	}
	code, out := c.kinds["out"]
	switch {
	case e.Tracked && out:
	case e.Dir:
		code = c.kinds["di"]
	case e.Exec && e.Git:
		code = c.kinds["ex"]
	default:
		code = c.extensions[extension(name)]
	}
	shown := string(harmless([]byte(name)))
	if code == "" {
		return shown
	}
	return "\x1b[" + code + "m" + shown + "\x1b[" + cmp.Or(c.kinds["rs"], "0") + "m"
}

// extension is Python's os.path.splitext; a hidden name without one is one itself.
func extension(name string) string {
	base := path.Base(name)
	if ext := path.Ext(strings.TrimLeft(base, ".")); ext != "" && strings.TrimLeft(base, ".") != ext {
		return ext
	}
	if strings.HasPrefix(name, ".") && !strings.Contains(name, "/") {
		return name
	}
	return ""
}
