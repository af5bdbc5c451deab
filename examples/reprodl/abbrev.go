package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// expand writes abbreviated options out, as argparse, with which dvc reads its
// command line, allows them: any beginning of a long option that fits no other.
// Nothing behind "--" is touched.
func expand(root *cobra.Command, args []string) []string {
	// cmd follows the words, as options are those of the command so far. Nothing
	// is parsed here: the value of an option that is also the name of a command
	// is taken for one.
	cmd := root
	out := make([]string, 0, len(args))
	for i, arg := range args {
		switch {
		case arg == "--":
			return append(out, args[i:]...)
		case strings.HasPrefix(arg, "--"):
			arg = "--" + longOption(cmd, arg[2:])
		case !strings.HasPrefix(arg, "-"):
			cmd = subcommand(cmd, arg)
		}
		out = append(out, arg)
	}
	return out
}

// longOption is the option that text, which may have "=value", begins.
func longOption(cmd *cobra.Command, text string) string {
	name, value, hasValue := strings.Cut(text, "=")
	var found, ours []string
	// An option that is written out wins over longer ones that it begins.
	for _, set := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags(), cmd.InheritedFlags()} {
		if set.Lookup(name) != nil {
			return text
		}
		set.VisitAll(func(f *pflag.Flag) {
			list := &found
			// What dvc does not know makes none of its abbreviations ambiguous.
			if strings.HasSuffix(f.Usage, "(not in dvc)") {
				list = &ours
			}
			if strings.HasPrefix(f.Name, name) && (len(*list) == 0 || (*list)[0] != f.Name) {
				*list = append(*list, f.Name)
			}
		})
	}
	if len(found) == 0 {
		found = ours
	}
	// None, or several: the parser refuses the text as it is.
	if len(found) != 1 {
		return text
	}
	if hasValue {
		return found[0] + "=" + value
	}
	return found[0]
}

// usageError is a command line that was not understood. dvc prints the help of
// the command with it.
func (a *app) usageError(cmd *cobra.Command, err error) error {
	for _, prefix := range []string{"unknown flag: ", "unknown shorthand flag: "} {
		if rest, ok := strings.CutPrefix(err.Error(), prefix); ok {
			err = fmt.Errorf("unrecognized arguments: %s", rest)
		}
	}
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid):
		why := invalid.Unwrap()
		if kind := invalid.GetFlag().Value.Type(); errors.Is(why, strconv.ErrSyntax) || errors.Is(why, strconv.ErrRange) {
			why = fmt.Errorf("invalid %s value: '%s'", kind, invalid.GetValue())
		}
		err = fmt.Errorf("argument %s: %w", optionNames(invalid.GetFlag()), why)
	case errors.As(err, &missing):
		err = fmt.Errorf("argument %s: expected one argument", optionNames(missing.GetFlag()))
	}
	fmt.Fprint(a.out, cmd.UsageString())
	return err
}

// optionNames are the names of an option as argparse shows them: -j/--jobs.
func optionNames(f *pflag.Flag) string {
	if f.Shorthand == "" {
		return "--" + f.Name
	}
	return "-" + f.Shorthand + "/--" + f.Name
}
