// Package live logs the metrics of a training run, in the files that DVCLive
// 3.49 writes.
//
//	live.Log("train_loss", loss)
//	live.NextStep()
//
// are all that a program needs; see [Open] for a logger with options.
package live
