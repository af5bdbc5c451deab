// Package queue runs experiments by workers: one after the other or several at
// a time, in this process or in background processes that go on after it.
//
//	q := queue.Open(repo, nil)
//	tasks, err := q.Add(ctx, &experiment.RunOptions{Set: []string{"lr=0.1,0.01", "seed=range(0,3)"}})
//	failed, err := q.WorkAll(ctx, 2, nil)
//
// # Who knows what
//
// What is to be done is marked in git, and what is done is an experiment there
// (see [experiment.Plan]): both appear and disappear in one step. A queue only
// decides who tries. So a [Store] may forget everything and is filled again
// from the marks; a task that two workers happen to run is recorded once; and a
// table of experiments lists what is queued without asking a queue at all.
//
// # Workers
//
// A worker claims a [Task] by a [Lease] and renews it while the experiment runs
// in a copy of the working tree. When the worker dies the lease ends, at once
// if it ran on this machine and otherwise by expiry, and the task is queued
// again. When its programs have ended a worker begins with the next task, while the
// result is recorded. [Queue.Kill] asks a worker to end its task, which then counts as
// failed. A task that failed is kept until [Queue.Retry] or [Queue.Remove].
//
// Stages in Go are run by their program, [experiment.RunOptions].Program,
// which the worker starts in the copy: functions know one working directory
// only.
//
// # Other machines
//
// Package [github.com/reprodl/reprodl/experiment/queue/hub] gives tasks to workers
// on other machines, package [github.com/reprodl/reprodl/experiment/queue/slurm]
// to the jobs of a cluster. What a stage says in its meta counts there:
//
//	stages:
//	  train:
//	    cmd: python train.py
//	    meta: {resources: {cpus: 4, gpus: 1, gpu_type: a100, mem: 16G, time: 2h}}
//
// An experiment needs the largest of each over its stages. A hub gives it to
// workers that have it, whose stages are told by CUDA_VISIBLE_DEVICES and the
// usual variables for threads what is theirs; it refuses what none of its workers
// could run. Slurm is asked for it.
//
// # Stages of one pipeline
//
// [Queue.Executor] runs the independent stages of one pipeline by the workers, and
// the caller's dvc.lock and outputs become what they would have been without them:
//
//	results, err := p.Repro(ctx, &pipeline.ReproOptions{Jobs: 20, Executor: q.Executor(nil)})
//
// A stage is a task like an experiment, so all that is said above holds: a worker
// that dies is replaced, and a stage that fails says where. Its mark and its result
// are references below refs/reprodl, which are gone when the call ends; no experiment
// comes of it. When ctx ends, what runs on workers is ended. When the caller is killed,
// workers go on, and the next call takes what they have finished. What costs is a snapshot
// of the working tree, the way of the data and some 0.2 s, so stages of seconds gain
// nothing.
//
// # Trust
//
// Whoever may write to the repository may queue, and what is queued is run:
// the workers of a repository trust everybody who can push to it or write
// into it.
package queue
