// Package hub serves the queue of a repository to other machines, over NATS
// JetStream, which is embedded, or the site's own. Only who imports this package compiles NATS.
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
// metrics so far of what runs elsewhere, on any machine that uses the hub.
//
// Others, with clones of their own, queue at the same hub by a client's token. Their
// commits go there with the task, and the experiments come back when they next look:
//
//	laptop$ reprodl queue token --client
//	desk$   reprodl queue use RJ1.eyJh…
//	desk$   reprodl exp run --queue -S lr=0.3
//
// Data that the tasks need, and the outputs, go through the DVC remote: push what is
// new before.
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
// # A NATS server or cluster that is there
//
// The hub can do without a server of its own, where a site has one with JetStream:
//
//	login$  export REPRODL_QUEUE_URL=tls://nats1:4222,tls://nats2:4222 NATS_CREDS=~/me.creds NATS_CA=~/site-ca.pem
//	login$  reprodl queue serve
//	gpu1$   NATS_CREDS=~/me.creds NATS_CA=~/site-ca.pem reprodl queue join RJ1.eyJh… -j 2
//
// The address is in that variable, or in queue serve --url, and not in .dvc/config: DVC
// refuses a configuration with a section or a key that it does not know, and who
// has the repository need not have the servers. Logins are where NATS's own tools look
// for them ([EnvLogin]): tokens of queue token name the servers and the queue and hold
// no secret. queue start --on ssh:… sends the login of this machine, with what is in its
// files, by the input of ssh; the worker there has it in memory alone. queue use and all
// else is as with a hub's own server.
//
// The tasks are in a stream there, on three servers of a cluster unless --replicas says
// otherwise, and nothing is lost while two of them run. Who serves is in a bucket beside
// it: one hub at a time. One that is started while another one answers is refused; when
// that has been silent for ten seconds, its place is taken, by queue serve in any clone of
// the repository: commits that no git remote has, and experiments, are in an object
// store there, until their tasks are removed from the queue. It is filled a moment after
// the fact. If a hub's machine is lost in that moment, the next hub says which tasks it
// does not have, and runs those again whose result is nowhere.
// One that only seemed to be dead gives out nothing more: all that it would answer
// must be written first, after what it wrote last, and there another one was before.
// Logs of tasks that have ended are kept there, too, the last four mebibytes of each; of one
// that runs the worker has these, and gives them to the next hub. Data needs a DVC remote:
// without one it would be on the hub's machine alone, which queue serve refuses unless
// --data-here says that it may be lost with that. The clone of a hub that was replaced uses
// the new one by queue use, like others.
//
// Streams are REPRODL_SPACE, KV_REPRODL_SPACE and OBJ_REPRODL_SPACE, where SPACE is
// made of the repository's first commit or is what --space says. So several repositories share a
// server. What roles may do, which a hub's own server sees to, is here for the
// site's accounts: a worker publishes to SPACE.w.>, a client also to SPACE.c.> and
// hears SPACE.e and SPACE.l.>; a hub hears SPACE.> and publishes to all that and to
// $JS.API.>, $JS.FC.>, $KV.REPRODL_SPACE.>, $O.REPRODL_SPACE.> and the inboxes of who
// asks. A single server syncs to disk every
// two minutes unless its jetstream block has sync_interval: always; what it loses when
// its power fails is queued again from the marks.
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
// never names data that nobody has. A worker that cannot reach the remote runs
// nothing. Without a DVC remote, or with one whose path is relative to the
// repository, data goes through the hub, up to [Options].DataLimit a file. Untracked files (exp run --copy-paths)
// and the files of git submodules do not travel. The environment is the worker's; secrets that programs need are
// set there, and are in no task, log or commit unless a program prints them.
//
// # Stages of one pipeline
//
// Not only experiments: the independent stages of a pipeline, too, as
// [queue.Queue.Executor] says.
//
//	laptop$ reprodl repro --on hub
//
// So it is in the clone of another machine that uses the hub, if both reach the DVC
// remote.
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
// # Limits, and when to use a cluster
//
// All tasks are in the hub's memory, two to four kilobytes each. On two cores that it
// shares with them it gives out and takes back 1,500 tasks a second to a thousand workers, in
// 290 MiB: a task costs one core some 270 µs, so a hub of one core carries 3,000 a second. Git is
// the limit before that: with hub and four workers on one such machine 17
// experiments a second were run and recorded, and each record is a transaction of
// references. So one hub is for some hundred workers of one-minute experiments,
// or thousands of longer ones.
//
// A hub adds nothing to the time of a task. While a program runs its worker
// prepares for the task that it will probably be given next, and the result of the last
// one is on its way while the next one runs: between the programs of two tasks
// 20 ms pass, with a hub as with the queue of one machine, of the 50 that each takes
// without a queue. (On two cores; REPRODL_FLEET=1 go test -run TestFleetTable/share
// measures it.) What is prepared for is queued nevertheless, and
// another worker's if that has nothing else to do, or after five seconds. Of a worker
// that dies two tasks may be run again: of one only the result was missing.
//
// A cluster of three makes that no faster: one hub answers, and each change waits for
// two servers. It is for queues that must outlive a machine: what is lost
// with a hub's own server is time alone, as all is made anew from the marks, but
// somebody must start it again.
//
// A million queued tasks need 2 to 4 GB in the hub, and a gigabyte in the stream; a hub that
// starts again reads that for most of a minute, while workers go on with what they have.
// What is slow is git: a mark each is a million references. Sweeps of more than
// some hundred thousand experiments are better queued in parts.
package hub
