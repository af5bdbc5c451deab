package main

// experimentDocs are the texts of experiments and of their queue.
var experimentDocs = map[string]doc{
	"exp": {`
An experiment is a run of the pipeline kept as a commit below refs/exps in git: its parameters,
metrics, code and the hashes of its data, without a branch. It belongs to the commit that it
started from, its baseline.`, `
reprodl exp run -n first_train
reprodl exp show --only-changed
reprodl exp apply first_train`},
	"exp run": {`
Is repro with the result kept as an experiment. -S changes a parameter first: a value, a list,
or a range that gives one experiment for each combination, which needs --queue. With --temp or
from the queue it runs in a copy of the repository and the workspace stays as it is.`, `
reprodl exp run -n first_train
reprodl exp run -n half -S train.base_filters=16
# four experiments in the queue, two at a time
reprodl exp run --queue -S "lr=0.1,0.01" -S "train.seed=range(0, 2)"
reprodl exp run --run-all -j 2
# in a directory of its own
reprodl exp run --temp -S train.max_epochs=5 train`},
	"exp save": {`
Nothing runs: what is in the workspace, made by whatever means, becomes an experiment.`, `
reprodl exp save -n by_hand
reprodl exp save -m "better labels" -I notes.txt`},
	"exp show": {`
One row for each experiment below its baseline, with the metrics, parameters and dependencies.
Columns are chosen by regular expressions. --html writes a page with curves and pictures.`, `
reprodl exp show
reprodl exp show -A --only-changed --sort-by accuracy --sort-order desc
reprodl exp show --drop ".*" --keep "accuracy|lr"
reprodl exp show --html experiments.html
reprodl exp show --csv`},
	"exp diff": {`
Shows the metrics and parameters that differ. Without revisions, HEAD is compared with the
workspace; with one, that with the workspace.`, `
reprodl exp diff
reprodl exp diff first_train half
reprodl exp diff --md --param-deps first_train`},
	"exp list": {`
Those of HEAD, or with a git remote those that are there.`, `
reprodl exp list
reprodl exp list -A --name-only
reprodl exp list origin`},
	"exp apply": {`
Brings files, parameters and outputs to what the experiment has; git shows the changes. Your
own changes are overwritten unless --no-force is given. Commit to keep it.`, `
reprodl exp apply first_train
reprodl exp apply --no-force half`},
	"exp branch": {`
The branch has the experiment as a commit on top of its baseline. The workspace stays.`, `
reprodl exp branch first_train
reprodl exp branch first_train better-model`},
	"exp remove": {`
Removes the references; gc removes what only these experiments needed.`, `
reprodl exp remove half
# all but one
reprodl exp remove --keep first_train
reprodl exp remove --queue
reprodl exp remove -g origin first_train`},
	"exp rename": {`
In this repository, or with -g in a git remote.`, `
reprodl exp rename half half_filters
reprodl exp rename -g origin half half_filters`},
	"exp push": {`
Pushes the experiments' references to a git remote, and the data they need to the DVC remote
(unless --no-cache is given). Without names it is those of HEAD.`, `
reprodl exp push origin first_train
reprodl exp push origin -A --no-cache`},
	"exp pull": {`
Gets experiments from a git remote, and their data from the DVC remote (unless --no-cache is
given).`, `
reprodl exp pull origin first_train
reprodl exp pull origin -A -r storage`},
	"exp clean": {`
Removes what runs that were killed left behind in .dvc/tmp/exps.`, `
reprodl exp clean`},
	"queue": {`
exp run --queue adds experiments; workers in the background run them in copies of the
repository. The workspace and the terminal are free meanwhile.`, `
reprodl exp run --queue -S lr=0.2
reprodl queue start -j 2
reprodl queue status`},
	"queue serve": {`
Other machines then work on the queue of this repository, each with the join command that is
printed. They need git and this program, no access to the git host; data travels by the DVC
remote, or through here if there is none. All other commands of the queue work as before. Who
has a worker's token gets the code and the data of tasks; who may queue runs code on workers.`, `
reprodl queue serve --listen 0.0.0.0
reprodl queue serve --lease 2m --expires 24h`},
	"queue join": {`
Tasks run in copies of a clone that the hub fills, with this machine's environment: secrets
that programs need are set here. A token that is refused ends the command at once; a hub that
is away is waited for. "-" reads the token from standard input, where others do not see it.`, `
reprodl queue join RJ1.eyJh… -j 2
reprodl queue join - --once`},
	"queue token": {`
Tokens are kept as hashes. Revoking one cuts off who is connected by it.`, `
reprodl queue token
reprodl queue token --list
reprodl queue token --revoke k3x8aq2p`},
	"queue use": {`
The token, of 'queue token --client', is kept in a file of this clone that only its
owner can read. Commits go to the hub with the tasks; the experiments come when
the queue is next looked at. Data goes through the DVC remote.`, `
reprodl queue use RJ1.eyJh…
reprodl queue use --none`},
	"queue workers": {`
Those that were heard of within the last lease, and what they run.`, `
reprodl queue workers`},
	"queue start": {`
Workers go on after this command ends and after you log out; they stop when the queue has been
empty for a while. Starting again adds workers. With --on slurm the experiments become job
arrays of the cluster that this machine belongs to; what a limit of the site does not let in is
submitted by the next start. With --on ssh the program is copied to machines, which join the hub.`, `
reprodl queue start
reprodl queue start --on slurm -j 20 --need time=2h --sbatch --partition=gpu
reprodl queue start --on ssh:gpu1,gpu2 -j 2
# two experiments at a time, each with four processors
reprodl queue start -j 2 --cpus 4`},
	"queue status": {`
One line for each task (queued, running, failed or done) and the number of workers.`, `
reprodl queue status`},
	"queue logs": {`
A task is named by its experiment's name or the beginning of its identifier.`, `
reprodl queue logs half
reprodl queue logs -f half`},
	"queue kill": {`
Without tasks nothing is killed. An interrupted task counts as failed; retry queues it again.`, `
reprodl queue kill half
reprodl queue kill --force half third`},
	"queue remove": {`
Tasks that run are not removed: kill them first. Experiments that were made stay.`, `
reprodl queue remove half
reprodl queue remove --failed --success
reprodl queue remove --all`},
	"queue retry": {`
With the same parameters and code; without tasks it is all that failed.`, `
reprodl queue retry
reprodl queue retry half`},
	"queue stop": {`
Workers end after the task that they have; --kill ends these, too.`, `
reprodl queue stop
reprodl queue stop --kill`},
}
