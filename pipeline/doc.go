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
// # Other machines
//
// [ReproOptions].Executor runs stages elsewhere: by the workers of a queue (package
// experiment/queue), on machines that joined a hub, or as jobs of Slurm. What comes
// back of a stage is its entry for dvc.lock and its outputs, those that only git
// keeps too; they are restored as from the run cache, and recorded as if the stage
// had run here, so dvc.lock is the same byte for byte. That entry also tells what the
// other machine read: if it is not what is here, the stage fails and nothing is
// recorded. A machine is given what a stage declares, the files that git tracks as
// they are in the working tree, and small ones that git does not ignore; what a stage
// reads besides, such as an output that is not among its deps, is not there.
//
// # Where it differs from DVC
//
// What is on disk, what is printed and the exit codes are DVC's, so that both tools
// work on one tree and scripts take one for the other. What differs on purpose, in
// this package, in those below it, in experiment and in the command
// examples/reprodl, is this, and nothing else:
//
// Nothing is lost.
//
//   - The outputs of a stage are deleted only when all of its dependencies and
//     parameters were found; DVC deletes them first, and then finds that it can't
//     run the stage.
//   - A failed experiment leaves the workspace as it was before. DVC leaves it with
//     the parameters of the experiment and half of its outputs.
//   - gc removes nothing if a manifest that says what is needed is nowhere, or a
//     commit can't be read; --skip-failed goes on. DVC takes the files of such a
//     directory for unused. It also keeps what was imported, which DVC removes: the
//     source may be gone.
//   - checkout never deletes what nothing is recorded of. DVC removes the output of
//     a stage that never ran.
//   - Nothing is created, overwritten or deleted outside of the repository, neither
//     at an output path such as ../data nor through a link that leads out: refused
//     before anything happens. DVC writes and deletes there.
//   - An object whose content is not what its name says is never checked out nor
//     pulled; DVC trusts a read-only file of the cache.
//   - A program that outlives a killed run is ended before the next one may write
//     the same outputs. DVC would record what it goes on writing.
//   - Where the file system has no reflinks and cache.type names nothing else, files are
//     copied. DVC deletes them and then finds no way to link them. An object that became
//     executable through its link is verified and protected again when it is read.
//   - An update of an import that fails leaves the data and the .dvc file as they
//     were. DVC deletes the data first. `add -o` of a file in a tracked directory is
//     refused; DVC replaces the directory by the file.
//   - A push by exp.auto_push that fails is a warning: the experiment is recorded. DVC
//     fails the run.
//   - A push to a remote that keeps versions replaces a file without deleting it before,
//     makes no version of what is there, keeps a file executable, and of a part of a
//     directory keeps the record of the rest. What is moved forgets the versions of its
//     old path; DVC records them for the new one, where they are not.
//   - A damaged queue is rebuilt from the marks in git, and a queued or running task
//     of a worker that died is not lost.
//
// Nothing wrong is recorded.
//
//   - status -c and push ask a remote for each file of a directory. DVC takes the files for
//     there where their manifest is.
//   - A run is restored from the run cache only if its recorded parameters are
//     the present ones. DVC's key leaves out any parameter named size or nfiles
//     and so restores what was made with another value.
//   - A dry run says that a stage is cached if a run would restore it. DVC then
//     looks for the inputs of the last run instead of the present ones, and says so
//     of a stage whose input has changed.
//   - A stage that fails takes back its own lines in .gitignore, not those of
//     stages that succeeded before it.
//   - `add` and `commit` of a part of a directory whose remote keeps versions are
//     entered into the list of its files; DVC refuses. `update` records the remote of
//     each file, without which DVC can update the directory no second time, and puts
//     what it fetched into the cache; it overwrites no work that is saved nowhere.
//   - status -c lists a directory whose manifest is nowhere as missing; DVC warns, and
//     says that cache and remote are in sync.
//   - diff takes the files of an imported directory whose manifest is not here from
//     the repository that it came from. DVC does, too, but calls all of them modified.
//   - status -c tells of outputs with a remote of their own, too; DVC leaves them
//     out, and says that cache and remote are in sync.
//   - `data status --not-in-remote` asks a remote with versions; DVC lists everything.
//
// Errors say what is wrong.
//
//   - What DVC calls an "unexpected error", a Python exception that it has no words
//     for, is told in words: a link to content that is gone, a git repository
//     without a commit, a file that may not be read. The line about its support
//     is left out.
//   - A pipe, socket or device in a tracked directory, or named as a file of values, is
//     refused, unless .dvcignore names it, and left out by get. DVC waits on a pipe for
//     ever, or reads the device; as dvc.yaml or .dvc file it is none for us.
//   - A broken dvc.yaml, dvc.lock, .dvc file or file of parameters is named with
//     file:line:column, and with what would be accepted there. In JSON and in
//     warnings about a revision the words are DVC's.
//   - exp show names a file that can't be parsed once; DVC puts the whole message
//     where the name belongs, and fails for one that is no text.
//   - exp show lists dependencies outside of the repository by the same path for all
//     revisions; for commits DVC's are relative to the root of the file system.
//   - Warnings of DVC's own libraries, such as that of ruamel about 1e3 in a document
//     of YAML 1.1, are left out: a user can do nothing about them.
//   - Lists that DVC prints in the random order of a set (files to add to git, those of
//     data status, with --granular and --untracked-files or without) are sorted.
//   - A remote that can keep no run cache is warned of, and exp pull from one with
//     versions fails for data that was never pushed there; DVC says nothing.
//   - A path that a repository does not have is said so by get, import, du and diff
//     --targets; the words of a clone that fails are git's.
//   - Several targets of update are taken in their order. exp run names the files that
//     git does not know in the workspace, too; exp show -q prints the table.
//   - exp push and pull, and metrics, params and plots of old commits, take the remotes
//     that are configured now; DVC those of the commit. One that cannot be reached is
//     named in a warning.
//   - exp push warns of data that no remote is configured for. With no experiments to
//     transfer it and exp pull transfer nothing, where DVC takes the data of the workspace.
//   - Sets in a Python file of parameters are recorded as lists; what JSON has nothing for, such as
//     bytes and complex numbers, is no parameter. DVC fails to record them. Tuples are shown as lists.
//   - data status with the repository's top as a target shows everything; DVC shows
//     nothing of it.
//   - cache migrate --dvc-files keeps the record of a stage whose data is not in the
//     workspace, and warns.
//   - Messages about the wrong use of the command line end with our own usage, and
//     refuse fewer orders of arguments (ls . --size data).
//   - -q and -v together are taken; -q wins.
//
// Other repositories are taken as they are.
//
//   - A relative remote of a repository that is cloned from a path lies at its source,
//     not at the clone; beside its remote the source's own cache is asked. Git's
//     transports that run a command (ext::) are refused.
//   - get keeps files executable, and with -f merges into a directory that exists. du
//     of a directory that was not fetched shows its recorded size.
//   - Plots and metrics in a directory that was imported bring all of it into the cache,
//     DVC the files that are read.
//   - Azure's login never opens a browser, and allow_anonymous_login uses no
//     credentials at all.
//
// There is more.
//
//   - With [ReproOptions].Jobs above 1 independent stages run side by side.
//     Each line that a command prints then begins with the address of its
//     stage, and new entries of dvc.lock are in the order of the plan, whoever
//     finishes first. With an [Executor] they run on other machines.
//   - [Result] and [StageStatus] say why: what changed, from what to what.
//   - A stage may be a Go function ([Repo.Define]) and may depend on the source
//     files of a Go package ([Repo.SyncCode]).
//   - Experiments keep a record of how they came to be, in refs/reprodl/provenance,
//     which push and pull take along; exp show lists, for people only, experiments
//     whose baseline is on no branch any more. A failed run leaves no file of DVC's
//     executor, and beside rwlock the marks of ours.
//   - push, pull and fetch have --dry-run, --bandwidth and --verify. The templates of
//     plots are drawn anew, with DVC's anchors.
//   - A change of the configuration keeps its comments, blank lines and spelling, but
//     for the lines it means. DVC writes the file anew, without them.
//
// Outputs on remotes (outs: [s3://…]) are refused before a stage runs: DVC 3 itself
// does not cache them.
package pipeline
