package live

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// SklearnPlot names an evaluation of a classifier, as scikit-learn does.
type SklearnPlot string

// The evaluations. Labels are booleans, or numbers of which 1 is the positive
// class and 0 or -1 the other; predictions are scores or probabilities of the
// positive class. The confusion matrix takes labels of any kind for both.
const (
	ConfusionMatrix SklearnPlot = "confusion_matrix"
	ROC             SklearnPlot = "roc"
	PrecisionRecall SklearnPlot = "precision_recall"
	DET             SklearnPlot = "det"
	Calibration     SklearnPlot = "calibration"
)

// SklearnOptions change [Logger.LogSklearnPlot]. Nil means scikit-learn's and
// DVCLive's defaults.
type SklearnOptions struct {
	Name       string // of the file; empty means the kind
	Title      string
	XLabel     string
	YLabel     string
	Normalized bool // confusion matrix: the viewer shows shares, not counts
	// KeepIntermediate keeps the points of a ROC curve that lie on a straight
	// line between others; DropIntermediate drops those of the precision-recall
	// and DET curves.
	KeepIntermediate bool
	DropIntermediate bool
	// Bins is the number of bins of a calibration curve, 0 means 5. Quantile
	// makes them hold equally many samples instead of being equally wide.
	Bins     int
	Quantile bool
}

// LogSklearnPlot evaluates predictions against labels, both slices of equal
// length, and writes plots/sklearn/NAME.json with the numbers scikit-learn
// computes.
func (l *Logger) LogSklearnPlot(kind SklearnPlot, labels, predictions any, opts *SklearnOptions) error {
	if opts == nil {
		opts = new(SklearnOptions)
	}
	spec, ok := sklearnPlots[kind]
	if !ok {
		return fmt.Errorf("%w: plot %q: use confusion_matrix, roc, precision_recall, det or calibration", ErrOption, kind)
	}
	p := spec.Plot
	if opts.Normalized && kind == ConfusionMatrix {
		p.Template = "confusion_normalized"
	}
	override(&p.Title, opts.Title)
	override(&p.XLabel, opts.XLabel)
	override(&p.YLabel, opts.YLabel)
	name := string(kind)
	override(&name, opts.Name)
	data, err := spec.compute(labels, predictions, opts)
	if err != nil {
		if l.opts.Exact {
			l.listPlot(name, p)
		}
		return fmt.Errorf("%s: %w", kind, err)
	}
	return l.logPlot(name, "plots/sklearn/", data, p)
}

// listPlot makes dvc.yaml name a plot that has no data, as DVCLive does when
// scikit-learn refuses the arguments.
func (l *Logger) listPlot(name string, p Plot) {
	file, err := localFile(strings.ReplaceAll(name, ".json", ""))
	if err == nil && l.touch() == nil {
		l.files.content.addPlot("plots/sklearn/", name, file, p)
		l.io.Unlock()
	}
}

// override sets dst unless text is "", which keeps the default.
func override(dst *string, text string) {
	if text != "" {
		*dst = text
	}
}

// sklearnSpec is a kind of plot: how it is shown, and what computes its data.
type sklearnSpec struct {
	Plot
	compute func(labels, predictions any, opts *SklearnOptions) (any, error)
}

var sklearnPlots = map[SklearnPlot]sklearnSpec{
	ConfusionMatrix: {
		Plot{Template: "confusion", X: "actual", Y: "predicted", Title: "Confusion Matrix",
			XLabel: "True Label", YLabel: "Predicted Label"},
		confusionData,
	},
	ROC: {
		Plot{Template: "simple", X: "fpr", Y: "tpr", Title: "Receiver operating characteristic (ROC)",
			XLabel: "False Positive Rate", YLabel: "True Positive Rate"},
		binary("roc", rocCurve, "fpr", "tpr", "threshold"),
	},
	PrecisionRecall: {
		Plot{Template: "simple", X: "recall", Y: "precision", Title: "Precision-Recall Curve",
			XLabel: "Recall", YLabel: "Precision"},
		binary("precision_recall", precisionRecallCurve, "precision", "recall", "threshold"),
	},
	DET: {
		Plot{Template: "simple", X: "fpr", Y: "fnr", Title: "Detection error tradeoff (DET)",
			XLabel: "False Positive Rate", YLabel: "False Negative Rate"},
		binary("det", detCurve, "fpr", "fnr", "threshold"),
	},
	Calibration: {
		Plot{Template: "simple", X: "prob_pred", Y: "prob_true", Title: "Calibration Curve",
			XLabel: "Mean Predicted Probability", YLabel: "Fraction of Positives"},
		binary("calibration", calibrationCurve, "prob_true", "prob_pred"),
	},
}

// confusionData lists the pairs; counting them is the viewer's work.
func confusionData(labels, predictions any, _ *SklearnOptions) (any, error) {
	actual, err := plainList(labels)
	if err != nil {
		return nil, err
	}
	predicted, err := plainList(predictions)
	if err != nil {
		return nil, err
	}
	// The shorter of both decides, as with Python's zip.
	pairs := make([]any, min(len(actual), len(predicted)))
	for i := range pairs {
		pairs[i] = pyjson.NewMap("actual", pyjson.Str(actual[i]), "predicted", pyjson.Str(predicted[i]))
	}
	return pairs, nil
}

// plainList converts a slice of anything that a parameter may be.
func plainList(x any) ([]any, error) {
	p, err := plain(x)
	if err != nil {
		return nil, err
	}
	list, ok := p.([]any)
	if !ok {
		return nil, fmt.Errorf("%w %T: use a slice", ErrType, x)
	}
	return list, nil
}

// binary wraps the curve of a two-class problem: it converts the arguments and
// makes a list of points with the given columns.
func binary(key string, curve func(y []bool, score []float64, opts *SklearnOptions) ([][]float64, error),
	columns ...string) func(labels, predictions any, opts *SklearnOptions) (any, error) {
	return func(labels, predictions any, opts *SklearnOptions) (any, error) {
		y, err := positives(labels)
		if err != nil {
			return nil, err
		}
		score, err := floats(predictions)
		if err != nil {
			return nil, err
		}
		if len(y) != len(score) || len(y) == 0 {
			return nil, fmt.Errorf("%d labels and %d predictions: as many of both are needed, and one at least", len(y), len(score))
		}
		series, err := curve(y, score, opts)
		if err != nil {
			return nil, err
		}
		points := make([]any, len(series[0]))
		for i := range points {
			point := new(pyjson.Map)
			for c, name := range columns {
				point.Set(name, series[c][i])
			}
			points[i] = point
		}
		return pyjson.NewMap(key, points), nil
	}
}

// positives tells for each label whether it is the positive class, 1. As in
// scikit-learn the other class is 0 or -1.
func positives(labels any) ([]bool, error) {
	numbers, err := floats(labels)
	if err != nil {
		return nil, err
	}
	y := make([]bool, len(numbers))
	// other is the other class, NaN until one was seen.
	other := math.NaN()
	for i, v := range numbers {
		if y[i] = v == 1; y[i] {
			continue
		}
		if v != 0 && v != -1 || !math.IsNaN(other) && v != other {
			return nil, fmt.Errorf("label %v: the positive class is 1, and the other one 0 or -1", v)
		}
		other = v
	}
	return y, nil
}

// floats converts a slice of numbers or booleans.
func floats(x any) ([]float64, error) {
	if f, ok := x.([]float64); ok {
		return f, nil
	}
	r := reflect.ValueOf(x)
	if r.Kind() != reflect.Slice && r.Kind() != reflect.Array {
		return nil, fmt.Errorf("%w %T: use a slice of numbers", ErrType, x)
	}
	out := make([]float64, r.Len())
	for i := range out {
		e := r.Index(i)
		if e.Kind() == reflect.Interface {
			e = e.Elem()
		}
		switch {
		case e.CanFloat():
			out[i] = e.Float()
		case e.CanInt():
			out[i] = float64(e.Int())
		case e.CanUint():
			out[i] = float64(e.Uint())
		case e.Kind() == reflect.Bool && e.Bool():
			out[i] = 1
		case e.Kind() == reflect.Bool:
		default:
			return nil, fmt.Errorf("%w %T: use a slice of numbers", ErrType, x)
		}
	}
	return out, nil
}
