// Command crossval cross-validates AudioNet on an ESC-50 or ESC-10 directory,
// as an experiment: one training for every fold and seed, tested on the fold
// that was held out.
//
//	go run ./examples/crossval -data DIR [-recipe course|improved] [-seeds 42,43,44] [-folds 1,2] [-S train.max_epochs=5]
//
// It makes a workspace whose pipeline computes the features, trains fold by
// fold, several at a time, and sums up. Each training is a stage of its own,
// matrixed over seeds and folds: started again after a kill, the experiment
// takes those that were finished from the run cache. With -download, -data
// names a zip that is fetched first.
//
// The stages' program is this same program under the name train, as in
// examples/esc50.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/workspace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args, os.Stdout); err != nil {
		stop()
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "crossval:", err)
		}
		os.Exit(1)
	}
}

// run is the program called as args[0] with the arguments after it.
func run(ctx context.Context, args []string, out io.Writer) error {
	if workspace.Installed(args[0]) {
		return runStage(ctx, args[1:], out)
	}
	v, err := parse(args[1:])
	if err != nil {
		return err
	}
	v.out = out
	return v.run(ctx)
}

// parse reads the flags.
func parse(args []string) (*validation, error) {
	v := new(validation)
	flags := flag.NewFlagSet("crossval", flag.ContinueOnError)
	flags.StringVar(&v.dir, "dir", "crossval-workspace", "the workspace, made if missing")
	flags.StringVar(&v.data, "data", "", "an ESC-50 or ESC-10 directory or zip; empty synthesises one")
	flags.BoolVar(&v.download, "download", false, "fetch ESC-50 to the file that -data names")
	flags.StringVar(&v.name, "name", "", "of the experiment; empty means that of the recipe")
	recipe := flags.String("recipe", "course", "course or improved")
	seeds := flags.String("seeds", "42", "the seeds")
	folds := flags.String("folds", "", "the folds to hold out, such as 1,2; empty means those of params.yaml")
	flags.IntVar(&v.jobs, "jobs", 0, "trainings at a time; zero means one per CPU")
	var changes []string
	flags.Func("S", "a change of a parameter, such as train.max_epochs=5; may be repeated", func(s string) error {
		changes = append(changes, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch *recipe {
	case "course":
	case "improved":
		v.set = overrides(esc50.ImprovedRecipe())
	default:
		return nil, fmt.Errorf("-recipe is %q, want course or improved", *recipe)
	}
	if v.name == "" {
		v.name = *recipe
	}
	v.seeds = *seeds
	v.set = append(v.set, "seeds=["+*seeds+"]")
	if *folds != "" {
		v.set = append(v.set, "folds=["+*folds+"]")
	}
	v.set = append(v.set, changes...)
	return v, nil
}

// overrides returns the fields of a recipe that are not zero as changes of the
// section train, which may have them or not.
func overrides(c esc50.Config) (set []string) {
	value := reflect.ValueOf(c)
	for i := range value.NumField() {
		if name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("yaml"), ","); !value.Field(i).IsZero() {
			set = append(set, fmt.Sprintf("++train.%s=%v", name, value.Field(i)))
		}
	}
	return set
}
