package live

import (
	"errors"
	"math"
	"slices"
)

// thresholds are the distinct scores, descending, with the numbers of
// positives and negatives that score at least as much.
type thresholds struct{ score, tp, fp []float64 }

var errScore = errors.New("a score is not finite")

// countAt sorts the samples by score and counts along; samples of one score are one
// threshold, as no threshold can part them.
func countAt(y []bool, score []float64) (thresholds, error) {
	order := make([]int, len(score))
	for i, s := range score {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return thresholds{}, errScore
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return 0
	})
	var t thresholds
	tp := 0
	for n, i := range order {
		if y[i] {
			tp++
		}
		if n+1 == len(order) || score[order[n+1]] != score[i] {
			t.score = append(t.score, score[i])
			t.tp = append(t.tp, float64(tp))
			t.fp = append(t.fp, float64(n+1-tp))
		}
	}
	return t, nil
}

// filter keeps the first point, the last, and those in between that keep
// accepts.
func (t *thresholds) filter(keep func(i int) bool) {
	var out thresholds
	for i := range t.score {
		if i == 0 || i == len(t.score)-1 || keep(i) {
			out.score = append(out.score, t.score[i])
			out.tp = append(out.tp, t.tp[i])
			out.fp = append(out.fp, t.fp[i])
		}
	}
	*t = out
}

// fromZero puts the threshold that nothing reaches in front.
func (t *thresholds) fromZero() {
	t.score = slices.Insert(t.score, 0, math.Inf(1))
	t.tp = slices.Insert(t.tp, 0, 0)
	t.fp = slices.Insert(t.fp, 0, 0)
}

// steps reports whether the number of true positives changes beside point i.
func (t *thresholds) steps(i int) bool {
	return t.tp[i] != t.tp[i-1] || t.tp[i+1] != t.tp[i]
}

// shares are the counts over their last, which is the total; NaN if that is zero.
func shares(counts []float64) []float64 {
	total := counts[len(counts)-1]
	out := make([]float64, len(counts))
	for i, c := range counts {
		if out[i] = c / total; total <= 0 {
			out[i] = math.NaN()
		}
	}
	return out
}

// rocCurve returns false positive rate, true positive rate and threshold, as
// sklearn.metrics.roc_curve does.
func rocCurve(y []bool, score []float64, opts *SklearnOptions) ([][]float64, error) {
	t, err := countAt(y, score)
	if err != nil {
		return nil, err
	}
	if !opts.KeepIntermediate {
		// A point is needed only where one of the counts changes its pace.
		bend := func(c []float64, i int) bool { return c[i+1]-c[i] != c[i]-c[i-1] }
		t.filter(func(i int) bool { return bend(t.fp, i) || bend(t.tp, i) })
	}
	t.fromZero()
	return [][]float64{shares(t.fp), shares(t.tp), t.score}, nil
}

// precisionRecallCurve returns precision, recall and threshold by ascending
// threshold, as sklearn.metrics.precision_recall_curve does, less its last
// point, which has no threshold.
func precisionRecallCurve(y []bool, score []float64, opts *SklearnOptions) ([][]float64, error) {
	t, err := countAt(y, score)
	if err != nil {
		return nil, err
	}
	if opts.DropIntermediate {
		t.filter(t.steps)
	}
	precision := make([]float64, len(t.tp))
	recall := shares(t.tp)
	for i := range precision {
		precision[i] = t.tp[i] / (t.tp[i] + t.fp[i])
		// Without positives every recall is 1.
		if math.IsNaN(recall[i]) {
			recall[i] = 1
		}
	}
	// From the highest threshold down to ascending order.
	slices.Reverse(precision)
	slices.Reverse(recall)
	slices.Reverse(t.score)
	return [][]float64{precision, recall, t.score}, nil
}

// detCurve returns false positive rate, false negative rate and threshold by
// ascending threshold, as sklearn.metrics.det_curve does.
func detCurve(y []bool, score []float64, opts *SklearnOptions) ([][]float64, error) {
	t, err := countAt(y, score)
	if err != nil {
		return nil, err
	}
	t.fromZero()
	if opts.DropIntermediate && len(t.fp) > 2 {
		t.filter(t.steps)
	}
	last := len(t.tp) - 1
	positive, negative := t.tp[last], t.fp[last]
	if positive == 0 || negative == 0 {
		return nil, errors.New("labels of one class only: the curve is not defined")
	}
	// The curve begins at the last threshold without a false positive more than
	// the first has, and ends at the first one that all positives reach.
	first, end := 0, 0
	for first < last && t.fp[first+1] == t.fp[0] {
		first++
	}
	for t.tp[end] != positive {
		end++
	}
	var fpr, fnr, at []float64
	for i := end; i >= first; i-- {
		fpr = append(fpr, t.fp[i]/negative)
		fnr = append(fnr, (positive-t.tp[i])/positive)
		at = append(at, t.score[i])
	}
	if fpr == nil { // a perfect classifier whose positives end before the first negative
		return [][]float64{{}, {}, {}}, nil
	}
	return [][]float64{fpr, fnr, at}, nil
}

// calibrationCurve returns the share of positives and the mean prediction of
// each bin that holds a sample, as sklearn.calibration.calibration_curve does.
func calibrationCurve(y []bool, prob []float64, opts *SklearnOptions) ([][]float64, error) {
	n := opts.Bins
	if n <= 0 {
		n = 5
	}
	for _, p := range prob {
		if !(p >= 0 && p <= 1) {
			return nil, errors.New("a probability lies outside [0, 1]")
		}
	}
	edges := binEdges(prob, n, opts.Quantile)
	sum, positive, count := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, p := range prob {
		// A prediction on an edge belongs to the bin below it.
		bin, _ := slices.BinarySearch(edges, p)
		sum[bin] += p
		count[bin]++
		if y[i] {
			positive[bin]++
		}
	}
	var truth, pred []float64
	for i, c := range count {
		if c > 0 {
			truth = append(truth, positive[i]/c)
			pred = append(pred, sum[i]/c)
		}
	}
	return [][]float64{truth, pred}, nil
}

// binEdges returns the n-1 edges between n bins, as numpy's linspace and
// percentile compute them.
func binEdges(prob []float64, n int, quantile bool) []float64 {
	step := 1 / float64(n)
	edges := make([]float64, n-1)
	sorted := slices.Sorted(slices.Values(prob))
	for i := range edges {
		edges[i] = float64(i+1) * step
		if !quantile {
			continue
		}
		// numpy takes percents: times 100 and back can change the last bit.
		at := edges[i] * 100 / 100 * float64(len(sorted)-1)
		low := int(at)
		high := min(low+1, len(sorted)-1)
		a, b, t := sorted[low], sorted[high], at-float64(low)
		if edges[i] = a + float64((b-a)*t); t >= 0.5 {
			edges[i] = b - float64((b-a)*(1-t))
		}
	}
	return edges
}
