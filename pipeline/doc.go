// Package pipeline runs DVC pipelines: it reads dvc.yaml, runs the stages whose
// inputs changed, and records what went in and what came out in dvc.lock, in
// the same bytes that DVC 3.67.1 writes, so that both tools work on one tree.
//
//	repo, err := pipeline.Open(".", nil)
//	…
//	results, err := repo.Repro(ctx, nil)
//
// # Nouns
//
// A stage is a command with its inputs and outputs, declared under a name in a
// dvc.yaml. A .dvc file is a stage without a command: data that somebody put
// there. A stage is addressed by its name, with the path of its dvc.yaml in
// front ("sub/dvc.yaml:train") when that is not in the working directory.
//
// A dependency is a file or directory that a stage reads, or a set of
// parameters: named values out of a YAML, JSON, TOML or Python file.
//
// An output is a file or directory that a stage writes. It is owned by exactly
// one stage. Metrics and plots are outputs too.
//
// The lock is the file dvc.lock beside a dvc.yaml. For each stage that ran it
// holds the command, the hash of each dependency, the values of the parameters
// and the hash of each output. A stage whose declaration and inputs agree with
// its lock entry, and whose outputs are there, is up to date.
//
// The cache holds the content of outputs under the name of its hash, by
// default in .dvc/cache/files/md5. Putting outputs back from it is a checkout.
//
// The run cache remembers, for a command with given inputs, which outputs came
// of it (.dvc/cache/runs). A stage that once ran with the present inputs is
// restored from it and doesn't run again.
//
// # Safety
//
// Every file is replaced by a rename, so a killed process leaves the old
// content or the new. dvc.lock is written when a stage has finished, and
// synced, so finished work survives. The locks below .dvc/tmp are DVC's own:
// two runs, of this package or of DVC, exclude each other.
//
// The programs of a process that was killed are noted below .dvc/tmp and known
// by the variable REPRODL_PROGRAM in their environment. Whoever takes the lock
// next, on the same machine, ends what still runs of them (SIGTERM, after five
// seconds SIGKILL), with a warning, before it looks at any file. On Windows the
// kernel ends them at once, but not what a program has started in the moment
// before it was put under the kernel's care. What a stage that has ended left
// running on purpose goes on.
//
// # Where it differs from DVC
//
// What is on disk is the same, so that both tools work on one tree, but:
//
//   - The outputs of a stage are deleted only when all of its dependencies and
//     parameters were found; DVC deletes them first.
//   - A run is restored from the run cache only if its recorded parameters are
//     the present ones. DVC's key leaves out any parameter named size or nfiles
//     and so restores what was made with another value.
//   - A stage that fails takes back its own lines in .gitignore, not those of
//     stages that succeeded before it.
//   - A dry run says that a stage is cached if a run would restore it. DVC then
//     looks for the inputs of the last run instead of the present ones.
//   - With [ReproOptions].Jobs above 1 independent stages run side by side.
//     Each line that a command prints then begins with the address of its
//     stage, and new entries of dvc.lock are in the order of the plan, whoever
//     finishes first.
//   - [Result] and [StageStatus] say why: what changed, from what to what.
//   - A stage may be a Go function ([Repo.Define]) and may depend on the source
//     files of a Go package ([Repo.SyncCode]).
package pipeline
