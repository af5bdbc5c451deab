// Command crossval cross-validates AudioNet on an ESC-50 or ESC-10 directory:
// one training for every fold and seed, tested on the fold that was held out.
//
//	go run ./examples/crossval -data DIR [-recipe course|improved] [-seeds 42,43,44] [-folds 1,2]
//
// With -dir it keeps the features and a checkpoint of each training there and,
// started again, continues where it was; the confusions and the report of all
// trainings come there, too. With -download, -data names a zip that is fetched
// first.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/reprodl/reprodl/esc50"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crossval:", err)
		os.Exit(1)
	}
}

// command is what the flags say.
type command struct {
	data     string
	download bool
	config   esc50.Config
	options  esc50.CrossOptions
}

func parse(args []string) (*command, error) {
	var c command
	flags := flag.NewFlagSet("crossval", flag.ContinueOnError)
	flags.StringVar(&c.data, "data", "", "an ESC-50 or ESC-10 directory or zip")
	flags.BoolVar(&c.download, "download", false, "fetch ESC-50 to the file that -data names")
	recipe := flags.String("recipe", "course", "course or improved")
	set := flags.String("set", "", "changes to the recipe as YAML, such as 'max_epochs: 5, base_filters: 8'")
	folds := flags.String("folds", "", "the folds to hold out, such as 1,2; empty means all")
	seeds := flags.String("seeds", "42", "the seeds")
	flags.StringVar(&c.options.Dir, "dir", "", "where to keep checkpoints to continue from")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch *recipe {
	case "course":
	case "improved":
		c.config = esc50.ImprovedRecipe()
	default:
		return nil, fmt.Errorf("-recipe is %q, want course or improved", *recipe)
	}
	decoder := yaml.NewDecoder(strings.NewReader("{" + *set + "}"))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c.config); err != nil {
		return nil, fmt.Errorf("-set %s: %w", *set, err)
	}
	for s := range strings.SplitSeq(*folds, ",") {
		if n, err := strconv.Atoi(s); err == nil {
			c.options.Folds = append(c.options.Folds, n)
		} else if s != "" {
			return nil, fmt.Errorf("-folds: %w", err)
		}
	}
	for s := range strings.SplitSeq(*seeds, ",") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("-seeds: %w", err)
		}
		c.options.Seeds = append(c.options.Seeds, n)
	}
	return &c, nil
}

// run cross-validates as the arguments say and prints every fold.
func run(ctx context.Context, args []string, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	features, err := c.features(ctx, out)
	if err != nil {
		return err
	}
	defer features.Close()
	start := time.Now()
	c.options.OnEpoch = func(fold int, seed int64, e esc50.Epoch) error {
		_, err := fmt.Fprintf(out, "%7s  seed %d fold %d epoch %d: train_loss %.4f, accuracy %.2f %%\n",
			time.Since(start).Round(time.Second), seed, fold, e.Epoch, e.TrainLoss, 100*e.ValAcc)
		return err
	}
	c.options.OnFold = func(r esc50.FoldResult) error {
		_, err := fmt.Fprintf(out, "%7s  seed %d fold %d: accuracy %.2f %% after %d epochs, mean of the last five %.2f %%\n",
			time.Since(start).Round(time.Second), r.Seed, r.Fold, 100*r.Test.Accuracy, len(r.Epochs), 100*lastFive(r.Epochs))
		return err
	}
	results, err := esc50.CrossValidate(ctx, nil, features, c.config, &c.options)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(out, "mean over %d trainings: %.2f %%\n", len(results), 100*results.Mean()); err != nil {
		return err
	}
	return c.report(results)
}

// lastFive is the mean accuracy of the last five epochs.
func lastFive(epochs []esc50.Epoch) float64 {
	sum, last := 0.0, epochs[max(0, len(epochs)-5):]
	for _, e := range last {
		sum += e.ValAcc
	}
	return sum / float64(len(last))
}
