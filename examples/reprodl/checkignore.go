package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
)

// checkIgnore is one call of check-ignore.
type checkIgnore struct {
	*app
	details, all, nonMatching, stdin bool
}

// checkIgnoreCmd is dvc check-ignore; its options constrain one another, which
// check tells in DVC's words.
func (a *app) checkIgnoreCmd() *cobra.Command {
	c := &checkIgnore{app: a}
	cmd := &cobra.Command{
		Use:   "check-ignore target...",
		Short: "Tell whether .dvcignore files exclude paths",
		RunE: func(_ *cobra.Command, targets []string) error {
			// Outside of a repository that is the error, whatever the options.
			repo, err := a.open()
			if err == nil {
				err = c.check(targets)
			}
			if err != nil {
				return err
			}
			return c.run(repo, targets)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&c.details, "details", "d", false, "show the patterns that decided")
	flags.BoolVarP(&c.all, "all", "a", false, "show all matching patterns (DVC knows one at most)")
	flags.BoolVarP(&c.nonMatching, "non-matching", "n", false, "show also what no pattern matches")
	flags.BoolVar(&c.stdin, "stdin", false, "read paths from standard input, up to an empty line")
	return cmd
}

func (c *checkIgnore) check(targets []string) error {
	switch {
	case !c.stdin && len(targets) == 0:
		return errors.New("`targets` or `--stdin` needed")
	case c.stdin && len(targets) > 0:
		return errors.New("cannot have both `targets` and `--stdin`")
	case c.nonMatching && !c.details:
		return errors.New("`--non-matching` is only valid with `--details`")
	case c.all && !c.details:
		return errors.New("`--all` is only valid with `--details`")
	case c.quiet > 0 && c.details:
		return errors.New("cannot use both `--details` and `--quiet`")
	}
	return nil
}

// run exits with 1 if nothing is ignored. With --details a line that takes a path
// back counts as well, as in DVC.
func (c *checkIgnore) run(repo *pipeline.Repo, targets []string) error {
	found := false
	one := func(target string) error {
		yes, err := c.show(repo, target)
		found = found || yes
		return err
	}
	if c.stdin {
		in := bufio.NewScanner(c.Stdin)
		for in.Scan() && in.Text() != "" {
			if err := one(in.Text()); err != nil {
				return err
			}
		}
		if err := in.Err(); err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
	}
	for _, target := range targets {
		if err := one(target); err != nil {
			return err
		}
	}
	if !found {
		return &exitError{code: exitSoft}
	}
	return nil
}

// show prints one target and reports whether it counts for the exit code.
func (c *checkIgnore) show(repo *pipeline.Repo, target string) (counts bool, err error) {
	result, err := repo.CheckIgnore(target)
	if err != nil {
		return false, err
	}
	switch {
	case c.details && result.Pattern != "":
		c.printf("%s\t%s\n", result.Pattern, target)
		return true, nil
	case c.details:
		if c.nonMatching {
			// The form of git check-ignore -v -n without a pattern.
			c.printf("::\t%s\n", target)
		}
		return false, nil
	case result.Match:
		c.printf("%s\n", target)
	}
	return result.Match, nil
}
