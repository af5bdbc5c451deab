// Package hub serves the queue of a repository to other machines, over NATS
// JetStream, which is embedded. Only who imports this package compiles NATS.
//
// # One machine
//
// Nothing of this package is needed:
//
//	reprodl exp run --queue -S "lr=0.1,0.01" -S "seed=range(0,5)"
//	reprodl queue start -j 2
//	reprodl queue status
//
// # A few machines
//
// One machine serves its queue, the others join it with the token that is
// printed. They need git and the program, and no access to the git host:
//
//	laptop$ reprodl queue serve --listen 0.0.0.0
//	gpu1$   reprodl queue join RJ1.eyJh… -j 2
//	laptop$ reprodl exp run --queue -S "lr=0.1,0.01" -S "seed=range(0,5)"
//
// Or, where one can log in by ssh without being asked, in place of the second:
//
//	laptop$ reprodl queue start --on ssh:gpu1,gpu2 -j 2
//
// Status (who runs what, at which attempt, and why a task waits), logs -f, kill,
// stop, retry, remove and exp show are as on one machine. exp show has the
// metrics so far of what runs elsewhere.
//
// # A cluster with Slurm
//
// See package [github.com/reprodl/reprodl/experiment/queue/slurm]; the repository
// lies in a directory that all nodes share:
//
//	login$ reprodl exp run --queue -S "lr=0.1,0.01" -S "seed=range(0,5)"
//	login$ reprodl queue start --on slurm -j 20 --need time=2h
//	login$ reprodl queue status
//
// # In a Go program
//
// The submitting side is a [queue.Queue] whose store is a [Conn]; a worker is a
// call of [Join]:
//
//	h, err := hub.Serve(ctx, repo, nil)
//	token, err := h.Token(hub.Worker, 24*time.Hour)
//	…
//	own, err := hub.Running(repo)
//	conn, err := hub.Dial(ctx, own, nil)
//	q := queue.Open(repo, &queue.Options{Store: conn})
//	tasks, err := q.Add(ctx, &experiment.RunOptions{Set: []string{"lr=0.1,0.01"}})
//	done, err := q.Wait(ctx, ids...)
//
// Stages in Go are run by the worker's own program, in place of the untracked
// file that [experiment.RunOptions].Program names. It must be the same build: a
// task is given to such workers only, and waits if there are none.
//
// # What travels
//
// A worker is sent a task's commit as a git pack, of which later ones hold the
// differences, and it sends the experiment back as a pack. What stages need and
// the worker lacks is pulled from the DVC remote, with the worker's credentials,
// and outputs are pushed there before the experiment is sent: so an experiment
// never names data that nobody has. Without a DVC remote data goes through the
// hub, up to [Options].DataLimit a file. Untracked files (exp run --copy-paths)
// do not travel. The environment is the worker's; secrets that programs need are
// set there, and are in no task, log or commit unless a program prints them.
//
// # What is guaranteed
//
// What is to be done is a mark in git, what is done is an experiment there; the
// hub decides who tries. Its tasks are in a stream, synced to disk before anybody
// is told. So:
//
//   - A worker that dies, or is cut off, loses its task when its lease ends
//     ([Options].Lease, by the hub's clock; workers' clocks do not matter), and
//     another one runs it. A program that a killed worker left running is ended
//     by the next worker of that machine.
//   - Several attempts may run, one is recorded: the first whose result arrives
//     replaces the mark by the experiment in one step, and the others are told
//     of it. If another experiment took the name meanwhile, the task's id is
//     appended to it.
//   - A hub that dies is started again by the same command and goes on; workers
//     wait for it, with their results. If its files are lost they are made anew
//     from the marks; tokens, whose certificate is lost too, are then useless.
//   - A task that costs [Options].Losses workers fails, and says so. What a
//     program does wrong is never repeated by itself; what a machine does wrong
//     (no disk space, no remote) gives the task to another one.
//   - When the hub ends, the queue of one machine knows what it knew.
//
// # Who may run code
//
// Whoever may queue runs code on the workers, with the rights of their users and
// all that is in their environment: on the hub's machine that is who may write to
// the repository, elsewhere who has a client's token. A worker's token lets take
// tasks, read the data of the repository and record results, and nothing else.
// Tokens expire, can be revoked (queue token --revoke), and are kept as hashes;
// files with secrets are for their owner alone. The connection is TLS 1.3, and
// the token names the hub's certificate. The hub listens on 127.0.0.1 unless told
// otherwise. To limit what workers can do, run them under users, or in
// containers, that may do little.
//
// # Limits
//
// All tasks are in the hub's memory, two to four kilobytes each. On two busy cores
// it gives out and takes back 1,700 tasks a second to a thousand workers. Git is
// the limit before that: with hub and four workers on one such machine 12
// experiments a second were run and recorded, and each record is a transaction of
// references. So one hub is for some hundred workers of one-minute experiments,
// or thousands of longer ones. Sweeps of more than some hundred thousand
// experiments are better queued in parts.
package hub
