package esc50

import (
	"github.com/gomlx/gomlx/core/graph"
)

// CrossEntropy adds the mean cross entropy of the logits, shaped [batch,
// classes], as a scalar. The labels are either class numbers (any integer type,
// shaped [batch] or [batch, 1]) or a float distribution per example, shaped as
// the logits (for mixup or label smoothing).
func CrossEntropy(labels, logits *graph.Node) *graph.Node {
	target := labels
	if labels.DType().IsInt() {
		batch, classes := logits.Shape().Dimensions[0], logits.Shape().Dimensions[1]
		target = graph.OneHot(graph.Reshape(labels, batch), classes, logits.DType())
	}
	shifted := graph.Sub(logits, graph.StopGradient(graph.ReduceAndKeep(logits, graph.ReduceMax, -1)))
	logSum := graph.Log(graph.ReduceAndKeep(graph.Exp(shifted), graph.ReduceSum, -1))
	logProbs := graph.Sub(shifted, logSum)
	return graph.Neg(graph.ReduceAllMean(graph.ReduceSum(graph.Mul(target, logProbs), -1)))
}
