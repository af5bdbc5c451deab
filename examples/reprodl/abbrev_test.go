package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExpand(t *testing.T) {
	tests := []struct{ in, want string }{
		{"repro --forc", "repro --force"}, // the beginning of two
		{"repro --force-d a", "repro --force-downstream a"},
		{"repro --force", "repro --force"},
		{"repro --all-p", "repro --all-pipelines"},
		{"repro a --dr b", "repro a --dry b"},
		{"repro --jo=3", "repro --jobs=3"},
		{"repro -- --dr", "repro -- --dr"},
		{"repro --nope", "repro --nope"},
		{"status --js --quie", "status --json --quiet"},
		{"--versio", "--version"},
	}
	tests[0].want = tests[0].in
	for _, tt := range tests {
		got := expand(new(app).root(), strings.Fields(tt.in))
		assert.Equal(t, tt.want, strings.Join(got, " "))
	}
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		args string
		code int
		says string
	}{
		{"status", exitNotRepo, "ERROR: you are not inside of a DVC repository (checked up to mount point '/')"},
		{"repro", exitNotRepo, "not inside of a DVC repository"},
		{"repro --nope", exitUsage, "ERROR: unrecognized arguments: --nope"},
		{"nope", exitUsage, "nope"},
		{"", exitUsage, "command"},
		{"--cd nowhere status", exitOther, "No such file or directory: 'nowhere'"},
		{"--version", 0, dvcVersion},
		{"version", 0, "DVC version: " + dvcVersion},
	}
	dir := t.TempDir()
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(tt.args), &world{Dir: dir, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
		assert.Equal(t, tt.code, code, tt.args)
		assert.Contains(t, stdout.String()+stderr.String(), tt.says, tt.args)
	}
}
