package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// listOptions are options that take all arguments up to the next option, as in
// "--targets a b".
var listOptions = map[string]bool{"--targets": true, "--remote-config": true, "--fs-config": true}

// expandLists repeats such an option before each of its arguments, for the
// parser, which knows only options with one.
func expandLists(args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(out, args[i:]...)
		}
		if !listOptions[args[i]] {
			out = append(out, args[i])
			continue
		}
		name := args[i]
		// A word that begins with "-" is the next option.
		for i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			out = append(out, name+"="+args[i])
		}
	}
	return out
}

// exclusive refuses two options that are not for use together, as a mistake of the
// command line.
func (a *app) exclusive(cmd *cobra.Command, one, other string) error {
	if !cmd.Flags().Changed(one) || !cmd.Flags().Changed(other) {
		return nil
	}
	if slices.Index(a.args, "--"+one) < slices.Index(a.args, "--"+other) {
		one, other = other, one
	}
	a.started = false
	return a.usageError(cmd, fmt.Errorf("argument --%s: not allowed with argument --%s", one, other))
}
