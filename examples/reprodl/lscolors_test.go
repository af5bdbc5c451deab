package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/pipeline/repofs"
)

// The results are those of dvc list on a terminal.
func TestLSColors(t *testing.T) {
	file := repofs.Entry{Git: true}
	dir := repofs.Entry{Dir: true}
	exe := repofs.Entry{Git: true, Exec: true}
	tracked := repofs.Entry{Tracked: true, Dir: true}
	for _, tt := range []struct {
		colors string
		entry  repofs.Entry
		name   string
		want   string
	}{
		{"", dir, "d", "\x1b[01;34md\x1b[0m"},
		{"", exe, "z.png", "\x1b[01;32mz.png\x1b[0m"},
		{"", tracked, "dd", "\x1b[01;34mdd\x1b[0m"},
		{"", file, "f.png", "f.png"},
		{"out=01;33:*.gz=31:*.hid=36:rs=00", tracked, "dd", "\x1b[01;33mdd\x1b[00m"},
		{"*.gz=31:*.hid=36", file, "d/y.tar.gz", "\x1b[31md/y.tar.gz\x1b[0m"},
		{"*.tar.gz=31", file, "y.tar.gz", "y.tar.gz"},
		{"*.hid=36", file, ".hid", "\x1b[36m.hid\x1b[0m"},
		{"*.hid=36", file, "d/.hid", "d/.hid"},
		{"*.hid=36", dir, "d", "d"},
		{"bogus:di=\x1b]0;title", dir, "d", "d"},
		{"", dir, "a\x1b[2J", "\x1b[01;34ma\\x1b[2J\x1b[0m"},
	} {
		assert.Equal(t, tt.want, newLSColors(tt.colors).paint(tt.entry, tt.name), "%s %s", tt.colors, tt.name)
	}
	assert.Equal(t, "d", (*lsColors)(nil).paint(dir, "d"))
}
