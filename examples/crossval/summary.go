package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/reprodl/reprodl/esc50"
)

// summarize reads the results of all trainings, prints a table, and writes the
// metrics, the confusions and the report by class.
func summarize(p parameters, out io.Writer) error {
	metrics := map[string]any{}
	var all esc50.CrossValidation
	fmt.Fprintf(out, "%-8s%s    mean  last five epochs\n", "seed", columns(p.Folds, func(fold int) string { return fmt.Sprintf("  fold %d", fold) }))
	for _, seed := range p.Seeds {
		round, err := readRound(seed, p.Folds)
		if err != nil {
			return err
		}
		all = append(all, round...)
		of := map[string]float64{"accuracy": round.Mean()}
		for _, r := range round {
			of[fmt.Sprintf("fold%d", r.Fold)] = r.Test.Accuracy
		}
		metrics[fmt.Sprintf("seed%d", seed)] = of
		fmt.Fprintf(out, "%-8d%s  %6.2f  %6.2f\n", seed,
			columns(round, func(r esc50.FoldResult) string { return fmt.Sprintf("  %6.2f", 100*r.Test.Accuracy) }),
			100*round.Mean(), 100*lastFive(round))
	}
	fmt.Fprintf(out, "mean over %d trainings: %.2f %%\n", len(all), 100*all.Mean())
	metrics["accuracy"], metrics["last_five"] = all.Mean(), lastFive(all)
	if err := writeJSON(summaryFile, metrics); err != nil {
		return err
	}
	clips := all.All()
	return errors.Join(writeTo("confusion.csv", clips.WriteConfusion), writeTo("report.csv", clips.WriteReport))
}

func readRound(seed int64, folds []int) (round esc50.CrossValidation, err error) {
	for _, fold := range folds {
		text, err := os.ReadFile(resultFile(seed, fold))
		if err != nil {
			return nil, err
		}
		var r esc50.FoldResult
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", resultFile(seed, fold), err)
		}
		round = append(round, r)
	}
	return round, nil
}

// lastFive is the mean accuracy of the last five epochs of all trainings.
func lastFive(v esc50.CrossValidation) float64 {
	sum, n := 0.0, 0
	for _, r := range v {
		for _, e := range r.Epochs[max(0, len(r.Epochs)-5):] {
			sum += e.ValAcc
			n++
		}
	}
	return sum / float64(n)
}

func columns[T any](items []T, text func(T) string) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(text(item))
	}
	return b.String()
}

func writeTo(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
