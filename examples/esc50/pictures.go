package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// logPictures logs what people look at: which classes are taken for which, how
// well each is known, and for one clip of each what the model hears in it. All
// of it is about the validation fold.
func logPictures(ctx context.Context, backend compute.Backend, logger *live.Logger, r *esc50.Result, f *esc50.Features) error {
	actual, predicted := r.Val.Labels()
	err := logger.LogSklearnPlot(live.ConfusionMatrix, actual, predicted, &live.SklearnOptions{
		Title: "Confusion matrix", XLabel: "true class", YLabel: "predicted class",
	})
	if err != nil {
		return err
	}
	if err := logClasses(logger, r.Val.Report()); err != nil {
		return err
	}
	seen := map[int]bool{}
	for i, clip := range f.Clips {
		if seen[clip.Target] || !slices.Contains(esc50.CourseSplit().Val, clip.Fold) {
			continue
		}
		seen[clip.Target] = true
		top, err := r.Model.PredictClip(ctx, backend, f, i, 3)
		if err != nil {
			return err
		}
		if err := logClip(logger, f, i, top); err != nil {
			return err
		}
	}
	return nil
}

// logClasses logs precision, recall and F1 of every class, best known first.
func logClasses(logger *live.Logger, classes []esc50.ClassReport) error {
	slices.SortStableFunc(classes, func(a, b esc50.ClassReport) int {
		switch {
		case a.Recall > b.Recall:
			return -1
		case a.Recall < b.Recall:
			return 1
		}
		return strings.Compare(a.Class, b.Class)
	})
	var rows []*ordered.Map
	for _, c := range classes {
		rows = append(rows, ordered.New("class", c.Class, "recall", c.Recall, "precision", c.Precision, "f1", c.F1, "clips", c.Support))
	}
	return logger.LogPlot("classes", rows, live.Plot{
		Template: "bar_horizontal", X: "recall", Y: "class", Title: "Recall by class", XLabel: "recall", YLabel: "class",
	})
}

// logClip logs the spectrogram of clip i with the model's answer below it.
func logClip(logger *live.Logger, f *esc50.Features, i int, top []esc50.Prediction) error {
	x := make([]float32, f.Size())
	if err := f.Read(x, i); err != nil {
		return err
	}
	clip := f.Clips[i]
	var answer []string
	for _, p := range top {
		name := p.Class
		if name == "" {
			name = fmt.Sprint(p.Target)
		}
		answer = append(answer, fmt.Sprintf("%s %.0f %%", spaced(name), 100*p.Probability))
	}
	card := &clipCard{
		bands: f.Bands, frames: f.Frames, decibels: x,
		class: spaced(clip.Category), answer: strings.Join(answer, ", "), right: top[0].Target == clip.Target,
	}
	img, err := card.draw()
	if err != nil {
		return err
	}
	return logger.LogImage("clips/"+clip.Category+".png", img)
}

// spaced is a category as people write it.
func spaced(category string) string { return strings.ReplaceAll(category, "_", " ") }
