package esc50

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testEvaluation() *Evaluation {
	f := &Features{
		Classes: []string{"dog", "", "rain"},
		Clips:   []Clip{{File: "a.wav", Target: 0}, {File: "b.wav", Target: 2}, {File: "c.wav", Target: 2}, {File: "d.wav", Target: 0}},
	}
	return evaluationOf(f, []int{0, 1, 2, 3}, [][]float32{{2, 0, 0, 0}, {0, 0, 1, 0}, {1, 0, 0, 0}, {0, 0, 0, 9}})
}

func TestEvaluation(t *testing.T) {
	e := testEvaluation()
	assert.Equal(t, 0.5, e.Accuracy)
	assert.Equal(t, []int{0, 2, 0, 3}, e.Predicted)
	assert.Equal(t, [][]int{{1, 0, 0, 1}, {0, 0, 0, 0}, {1, 0, 1, 0}, {0, 0, 0, 0}}, e.Confusion())
	log := func(right float64, others ...float64) float64 {
		sum := math.Exp(right)
		for _, o := range others {
			sum += math.Exp(o)
		}
		return math.Log(sum) - right
	}
	want := (log(2, 0, 0, 0) + log(1, 0, 0, 0) + log(0, 1, 0, 0) + log(0, 0, 0, 9)) / 4
	assert.InDelta(t, want, e.Loss, 1e-12)
	assert.Equal(t, []ClassReport{
		{Class: "dog", Precision: 0.5, Recall: 0.5, F1: 0.5, Support: 2},
		{Class: "rain", Precision: 1, Recall: 0.5, F1: 2. / 3, Support: 2},
	}, e.Report())
}

func TestEvaluationFiles(t *testing.T) {
	e := testEvaluation()
	var b strings.Builder
	require.NoError(t, e.WriteConfusion(&b))
	assert.Equal(t, "file,actual,predicted\na.wav,dog,dog\nb.wav,rain,rain\nc.wav,rain,dog\nd.wav,dog,3\n", b.String())
	b.Reset()
	require.NoError(t, e.WriteReport(&b))
	assert.Equal(t, "class,precision,recall,f1,support\ndog,0.5000,0.5000,0.5000,2\nrain,1.0000,0.5000,0.6667,2\n", b.String())
}
