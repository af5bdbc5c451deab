package esc50

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// Evaluation is how a model did on some clips.
type Evaluation struct {
	Loss      float64  // mean cross entropy
	Accuracy  float64  // part of the clips classified right, 0 to 1
	Classes   []string // category of every target
	Files     []string // names of the clips
	Targets   []int    // the true class of each
	Predicted []int    // the class with the largest logit, the first of equals
}

// evaluationOf scores logits, one row for each clip.
func evaluationOf(f *Features, index []int, logits [][]float32) *Evaluation {
	e := &Evaluation{Classes: f.Classes}
	right := 0
	for i, row := range logits {
		c := f.Clips[index[i]]
		best := argMax(row)
		e.Files = append(e.Files, c.File)
		e.Targets = append(e.Targets, c.Target)
		e.Predicted = append(e.Predicted, best)
		e.Loss += -detmath.Log(max(softmax(row)[c.Target], 1e-45))
		if best == c.Target {
			right++
		}
	}
	e.Loss /= float64(len(logits))
	e.Accuracy = float64(right) / float64(len(logits))
	return e
}

func argMax(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}

// softmax returns the probabilities of the logits.
func softmax(row []float32) []float64 {
	top, sum := float64(row[argMax(row)]), 0.0
	p := make([]float64, len(row))
	for i, v := range row {
		p[i] = detmath.Exp(float64(v) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// name is the category of a target, or its number where the data has none.
func (e *Evaluation) name(target int) string {
	if target < len(e.Classes) && e.Classes[target] != "" {
		return e.Classes[target]
	}
	return strconv.Itoa(target)
}

// Labels returns the names of the true and the predicted classes, clip by clip:
// what a confusion plot takes.
func (e *Evaluation) Labels() (actual, predicted []string) {
	for i := range e.Targets {
		actual = append(actual, e.name(e.Targets[i]))
		predicted = append(predicted, e.name(e.Predicted[i]))
	}
	return actual, predicted
}

// Confusion returns counts[t][p], the clips of target t that were taken for p,
// for all classes.
func (e *Evaluation) Confusion() [][]int {
	n := len(e.Classes)
	for _, p := range e.Predicted {
		n = max(n, p+1)
	}
	counts := make([][]int, n)
	for t := range counts {
		counts[t] = make([]int, n)
	}
	for i, t := range e.Targets {
		counts[t][e.Predicted[i]]++
	}
	return counts
}

// ClassReport is how the model did on one class.
type ClassReport struct {
	Class                 string
	Precision, Recall, F1 float64 // 0 where there is nothing to divide by
	Support               int     // clips of the class
}

// Report returns the report of every class that has clips.
func (e *Evaluation) Report() []ClassReport {
	counts := e.Confusion()
	var report []ClassReport
	for t := range counts {
		var support, predicted int
		for p := range counts {
			support += counts[t][p]
			predicted += counts[p][t]
		}
		if support == 0 {
			continue
		}
		r := ClassReport{Class: e.name(t), Support: support, Recall: float64(counts[t][t]) / float64(support)}
		if predicted > 0 {
			r.Precision = float64(counts[t][t]) / float64(predicted)
		}
		if s := r.Precision + r.Recall; s > 0 {
			r.F1 = 2 * r.Precision * r.Recall / s
		}
		report = append(report, r)
	}
	return report
}

// WriteConfusion writes the columns file, actual and predicted as CSV, the
// form that DVC's confusion template plots.
func (e *Evaluation) WriteConfusion(w io.Writer) error {
	actual, predicted := e.Labels()
	rows := [][]string{{"file", "actual", "predicted"}}
	for i := range actual {
		rows = append(rows, []string{e.Files[i], actual[i], predicted[i]})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// WriteReport writes the report as CSV: class, precision, recall, f1, support.
func (e *Evaluation) WriteReport(w io.Writer) error {
	rows := [][]string{{"class", "precision", "recall", "f1", "support"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	for _, r := range e.Report() {
		rows = append(rows, []string{r.Class, number(r.Precision), number(r.Recall), number(r.F1), strconv.Itoa(r.Support)})
	}
	return csv.NewWriter(w).WriteAll(rows)
}
