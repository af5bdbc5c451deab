// Command predict classifies WAV files with a model that esc50 saved.
//
//	go run ./examples/predict -model model.bin dog.wav rain.wav
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/reprodl/reprodl/esc50"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "predict:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("predict", flag.ContinueOnError)
	name := flags.String("model", "model.bin", "a model file")
	top := flags.Int("top", 5, "classes to show")
	if err := flags.Parse(args); err != nil {
		return err
	}
	model, err := esc50.LoadModel(*name)
	if err != nil {
		return err
	}
	hash, err := model.Hash()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "model %s (weights %s)\n", *name, hash[:12])
	for _, file := range flags.Args() {
		if err := predict(ctx, out, model, file, *top); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func predict(ctx context.Context, out io.Writer, model *esc50.Model, file string, top int) error {
	wav, err := os.Open(file)
	if err != nil {
		return err
	}
	defer wav.Close()
	classes, err := model.Predict(ctx, nil, wav, top)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, file)
	for _, c := range classes {
		fmt.Fprintf(out, "  %5.1f %%  %s\n", 100*c.Probability, c.Class)
	}
	return nil
}
