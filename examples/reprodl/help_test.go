//go:build unix

package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// commandsBelow are the paths of all commands that a user can see, "" for root.
func commandsBelow(cmd *cobra.Command, path string) map[string]*cobra.Command {
	found := map[string]*cobra.Command{path: cmd}
	for _, sub := range cmd.Commands() {
		if sub.Hidden {
			continue
		}
		for p, c := range commandsBelow(sub, strings.TrimSpace(path+" "+sub.Name())) {
			found[p] = c
		}
	}
	return found
}

// TestHelpOfEveryCommand: each command says what it is for, with examples that its
// own options understand, in lines that fit a terminal.
func TestHelpOfEveryCommand(t *testing.T) {
	all := commandsBelow(new(app).root(), "")
	require.Greater(t, len(all), 60)
	for path := range docs {
		assert.Contains(t, all, path, "a text without a command")
	}
	for path, cmd := range all {
		t.Run(path, func(t *testing.T) {
			assert.NotEmpty(t, cmd.Short)
			assert.NotEmpty(t, cmd.Long)
			assert.NotEmpty(t, cmd.Example)
			for line := range strings.Lines(cmd.Long + "\n" + cmd.UsageString()) {
				assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), helpWidth, line)
			}
			own := 0
			for line := range strings.Lines(cmd.Example) {
				line = strings.TrimSpace(line)
				if strings.HasPrefix(line, "#") {
					continue
				}
				if parsed := parseExample(t, line); strings.HasPrefix(parsed+" ", strings.TrimSpace("reprodl "+path)+" ") {
					own++
				}
			}
			assert.NotZero(t, own, "no example is of the command itself")
		})
	}
}

// parseExample reads a line as the program would, on a command tree of its own, and
// returns the path of its command.
func parseExample(t *testing.T, line string) string {
	t.Helper()
	line, _, _ = strings.Cut(line, " > ") // the shell's
	root := new(app).root()
	words := shellWords(line)
	require.Equal(t, "reprodl", words[0], line)
	cmd, rest, err := root.Traverse(expandLists(root, expand(root, words[1:])))
	require.NoError(t, err, line)
	require.NoError(t, cmd.ParseFlags(rest), line)
	require.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()), line)
	require.NoError(t, cmd.ValidateFlagGroups(), line)
	if cmd.HasSubCommands() && cmd != root {
		assert.Empty(t, cmd.Flags().Args(), "no such subcommand: %s", line)
	}
	return cmd.CommandPath()
}

// shellWords splits a line as a shell does that knows double quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		switch {
		case i%2 == 0:
			words = append(words, strings.Fields(part)...)
		default:
			words = append(words, part)
		}
	}
	return words
}

func TestHelpPages(t *testing.T) {
	p := newProgram(t)
	page, byFlag := p.out("help", "exp", "run"), p.out("exp", "run", "--help")
	assert.Equal(t, page, byFlag)
	assert.Contains(t, page, "Run an experiment.\n\n")
	assert.Contains(t, page, "\nExamples:\n  reprodl exp run -n first_train\n")
}
