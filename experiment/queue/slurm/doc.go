// Package slurm runs a queue of experiments as job arrays of a Slurm cluster, by
// its own commands: sbatch, squeue, scancel. The repository lies in a directory
// that all nodes share under one path, and so does the program.
//
//	c := slurm.Open(repo, nil)
//	n, err := c.Submit(ctx, &slurm.SubmitOptions{Jobs: 20, Program: []string{"/home/ada/bin/reprodl", "queue", "slurm-task"}})
//
// # Who knows what
//
// What is to be done is marked in git, as always (see [experiment.Plan]); Slurm
// decides who tries, where and when. There is no daemon, and nothing is asked of
// Slurm's accounting, which sites switch off: each attempt leaves a file with
// what came of it. A job that Slurm requeues, after a node was lost or was given
// to somebody else, starts anew; a task whose job is gone without a result, as
// after kill -9, is submitted again by the next Submit. A result is recorded
// once, whoever is first.
//
// # Stages of one pipeline
//
// [Cluster.Executor] runs independent stages of one pipeline as jobs; see
// [queue.Queue.Executor]. Only this needs a process that lives as long as they do,
// the call of Repro: it submits stages when those before them have ended.
//
// [queue.Queue.Executor]: https://pkg.go.dev/github.com/reprodl/reprodl/experiment/queue#Queue.Executor
package slurm
