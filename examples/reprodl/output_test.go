package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFullDisk: no command that printed nothing of its result succeeds.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	env := []string{"HOME=" + dir, "DVC_NO_ANALYTICS=1", "DVC_GLOBAL_CONFIG_DIR=" + dir, "DVC_SYSTEM_CONFIG_DIR=" + dir}
	call := func(args ...string) (int, string) {
		var msg bytes.Buffer
		code := run(t.Context(), args, &world{Dir: dir, Env: env, Stdin: strings.NewReader(""), Stdout: fullDisk{}, Stderr: &msg})
		return code, msg.String()
	}
	for _, line := range []string{
		"init --no-scm", "root", "version", "config -l", "config core.no_scm", "remote add -d r /nowhere", "remote list", "status", "status --json", "dag",
		"data status", "data status --json", "metrics show --json", "stage list --all", "check-ignore .dvc", "help", "add --help",
	} {
		code, msg := call(strings.Fields(line)...)
		assert.NotZero(t, code, line)
		assert.Contains(t, msg, "no space left on device", line)
	}
}

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"a\tb\né\n": "a\tb\né\n", "\x1b[31mred": `\x1b[31mred`, "a\rb": `a\x0db`, "\u009b2J": `\x9b2J`, "\xff": `\xff`, "\x7f\x00": `\x7f\x00`,
	} {
		assert.Equal(t, want, string(harmless([]byte(text))))
	}
	var b bytes.Buffer
	o := &output{w: &b}
	o.Write([]byte("\x1b[1m"))
	assert.Equal(t, "\x1b[1m", b.String(), "what is piped stays as it is")
}

// TestOutputRaw: what other programs wrote is copied as it is, but not to a terminal.
func TestOutputRaw(t *testing.T) {
	for safe, want := range map[bool]string{false: "a\x1b]0;x\x07\n", true: "a\\x1b]0;x\\x07\n"} {
		var b bytes.Buffer
		_, err := io.WriteString((&output{w: &b, safe: safe}).raw(), "a\x1b]0;x\x07\n")
		require.NoError(t, err)
		assert.Equal(t, want, b.String())
	}
}

// TestQuietResult: -q hides messages, never what was asked for.
func TestQuietResult(t *testing.T) {
	var out bytes.Buffer
	w := &world{Dir: t.TempDir(), Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard}
	require.Zero(t, run(t.Context(), []string{"version", "-q"}, w))
	assert.Contains(t, out.String(), "DVC version: ")
}
