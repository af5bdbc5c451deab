// Command esc50 walks through "DVC for experiments management", an exercise of
// the course "Reproducible Deep Learning", with the packages of this module. It
// does the course's steps under its headings, and prints the command that does
// the same by hand: a folder for results, parameters, the pipeline, metrics,
// logs, experiments, and their commit. Run again, it continues in the workspace.
//
//	go run ./examples/esc50 [-dir DIR] [-data DIR]
//
// The stage of the pipeline is this same program under the name train: the walk
// puts it into the workspace, and whoever runs the pipeline starts it there,
// the walk, real DVC or a person.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/reprodl/reprodl/examples/internal/workspace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args, os.Stdout); err != nil {
		stop()
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "esc50:", err)
		}
		os.Exit(1)
	}
}

// run is the program called as args[0] with the arguments after it.
func run(ctx context.Context, args []string, out io.Writer) error {
	if workspace.Installed(args[0]) {
		return train(ctx, out)
	}
	flags := flag.NewFlagSet("esc50", flag.ContinueOnError)
	w := &walk{out: out}
	flags.StringVar(&w.dir, "dir", "esc50-workspace", "the workspace, made if missing")
	flags.StringVar(&w.data, "data", "", "an ESC-50 or ESC-10 directory or zip; empty synthesises one of its shape")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return w.run(ctx)
}
