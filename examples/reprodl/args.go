package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Annotations of options that the parser, which knows only options with one value,
// needs help with.
const (
	listOption      = "list"      // takes all arguments up to the next option, as in "--targets a b"
	optOption       = "optional"  // takes the next argument unless it is an option; else the annotation's value, "" for none
	exclusiveOption = "exclusive" // not together with the others of the annotation's value
)

func annotate(flags *pflag.FlagSet, name, kind, value string) {
	if err := flags.SetAnnotation(name, kind, []string{value}); err != nil {
		panic(err) // a mistake of this program
	}
}

// takesList makes an option one of a list; repeated, it adds to it.
func takesList(flags *pflag.FlagSet, name string) { annotate(flags, name, listOption, "") }

// takesOptional makes the value of an option optional; without one it is def, or as if
// the option were not there if def is empty.
func takesOptional(flags *pflag.FlagSet, name, def string) { annotate(flags, name, optOption, def) }

// expandLists writes such options for the parser: "--name=value", once for each
// value.
func expandLists(root *cobra.Command, args []string) []string {
	cmd := root
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if !strings.HasPrefix(arg, "-") {
			cmd = subcommand(cmd, arg)
		}
		f := option(cmd, arg)
		// A word that begins with "-" is the next option.
		more := func() bool { return i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") }
		switch {
		case f != nil && f.Annotations[listOption] != nil:
			for more() {
				i++
				out = append(out, "--"+f.Name+"="+args[i])
			}
		case f != nil && f.Annotations[optOption] != nil:
			value := f.Annotations[optOption][0]
			if more() {
				i++
				value = args[i]
			}
			if value != "" {
				out = append(out, "--"+f.Name+"="+value)
			}
		default:
			out = append(out, arg)
		}
	}
	return out
}

// subcommand is the one of cmd with a name, or cmd.
func subcommand(cmd *cobra.Command, name string) *cobra.Command {
	for _, sub := range cmd.Commands() {
		if sub.Name() == name || sub.HasAlias(name) {
			return sub
		}
	}
	return cmd
}

// option is the one of cmd that arg names without a value, or nil.
func option(cmd *cobra.Command, arg string) *pflag.Flag {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		return cmd.Flags().Lookup(name)
	}
	if len(arg) == 2 && arg[0] == '-' {
		return cmd.Flags().ShorthandLookup(arg[1:])
	}
	return nil
}

// strict makes mistakes in the number of arguments those of argparse.
func (a *app) strict(cmd *cobra.Command) {
	cmd.PreRunE = a.exclusive
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if kind := f.Value.Type(); kind == "bool" || kind == "count" {
			f.Value = &onOnly{f.Value, f.NoOptDefVal}
		}
	})
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			for n := len(args) - 1; n >= 0; n-- {
				if check(cmd, args[:n]) == nil {
					return a.usageError(cmd, fmt.Errorf("unrecognized arguments: %s", strings.Join(args[n:], " ")))
				}
			}
			return a.usageError(cmd, fmt.Errorf("the following arguments are required: %s", strings.Join(missingArguments(cmd, len(args)), ", ")))
		}
	}
	for _, sub := range cmd.Commands() {
		a.strict(sub)
	}
}

// onOnly is an option without a value, which is not given one by "=" either.
type onOnly struct {
	pflag.Value
	on string
}

func (o *onOnly) Set(text string) error {
	if text != o.on {
		return fmt.Errorf("ignored explicit argument '%s'", text)
	}
	return o.Value.Set(text)
}

// missingArguments names what a command requires beyond the first n arguments.
func missingArguments(cmd *cobra.Command, n int) []string {
	if cmd.HasSubCommands() {
		return []string{"cmd"}
	}
	var names []string
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if !strings.HasPrefix(word, "[") {
			names = append(names, strings.TrimSuffix(word, "..."))
		}
	}
	return names[min(n, len(names)):]
}

// choice is the value of an option that has a few.
type choice struct {
	value   *string
	allowed []string
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("invalid choice: '%s' (choose from '%s')", text, strings.Join(c.allowed, "', '"))
	}
	*c.value = text
	return nil
}

// exclude makes options of a command line such that only one of them may be given.
func exclude(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		annotate(flags, name, exclusiveOption, strings.Join(names, " "))
	}
}

// exclusive refuses two options that are not for use together, as a mistake of the
// command line.
func (a *app) exclusive(cmd *cobra.Command, _ []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if group := f.Annotations[exclusiveOption]; group != nil {
			for name := range strings.FieldsSeq(group[0]) {
				if other := cmd.Flags().Lookup(name); other != f && other.Changed && err == nil {
					err = a.refuseBoth(cmd, f, other)
				}
			}
		}
	})
	return err
}

// refuseBoth names the option that was given last first.
func (a *app) refuseBoth(cmd *cobra.Command, one, other *pflag.Flag) error {
	if slices.Index(a.args, "--"+one.Name) < slices.Index(a.args, "--"+other.Name) {
		one, other = other, one
	}
	label := func(f *pflag.Flag) string {
		if f.Shorthand != "" {
			return "-" + f.Shorthand + "/--" + f.Name
		}
		return "--" + f.Name
	}
	a.started = false
	return a.usageError(cmd, fmt.Errorf("argument %s: not allowed with argument %s", label(one), label(other)))
}
