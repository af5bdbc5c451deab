package main

// pipelineDocs are the texts of stages, their runs, and the values they make.
var pipelineDocs = map[string]doc{
	"stage": {`
Stages are commands with the files and parameters they read and the files they write, in
dvc.yaml. See "reprodl help stage add".`, `
reprodl stage add -n train -d train.py -o model python train.py
reprodl stage list`},
	"stage add": {`
Writes the stage to dvc.yaml, and its outputs to .gitignore; repro runs it. Options come before
the command; quote what this shell must not interpret.`, `
reprodl stage add -n train -d data -d train.py -o model -p lr,epochs python train.py
# metrics that git keeps, parameters of another file, and run it now
reprodl stage add --run -n eval -d model -M scores.json -p conf.yaml:eval "go run ./eval"`},
	"stage list": {`
Each line is the name that repro and others take, and the description or a summary. Without
--all it is those of ./dvc.yaml.`, `
reprodl stage list
reprodl stage list --all --name-only`},
	"run": {`
DVC 3 has stage add and repro for it; this keeps old courses and scripts working.`, `
reprodl run -n train -d train.py -d data -o model -p train.lr -M summary.json python train.py
reprodl run -n prepare --no-exec -o clean.csv ./prepare raw.csv clean.csv`},
	"repro": {`
Compares hashes of inputs, outputs, parameters and commands with dvc.lock and runs, in order,
the stages that differ. What ran before with the same inputs is taken from the cache of runs
instead. --why tells for each stage what changed. It can be interrupted and continues later.

With --on stages run on other machines, as many at a time as are independent, or as -j says:
by the workers of the hub that "queue serve" started, or by Slurm. dvc.lock and all outputs
become the same as here. A worker sees the files that git tracks as they are now, small ones
that it does not ignore, and what the stage names as deps and params, and nothing else. Data
goes through the DVC remote, or through the hub if there is none. Stages without outputs, or
with outputs that persist or lie outside of the repository, run here.`, `
reprodl repro
# with reasons, four stages at a time
reprodl repro --why -j 4
# on the workers of the hub; on machines that join it; as jobs of Slurm
reprodl repro --on hub
reprodl repro --on ssh:gpu1,gpu2
reprodl repro --on slurm -j 20 --need time=2h --sbatch --partition=gpu
# one stage alone, even if nothing changed
reprodl repro -f -s train
# what would run?
reprodl repro --dry`},
	"status": {`
Lists the stages and data whose hashes are not those of dvc.lock and the .dvc files: what repro
would run. With --cloud it compares the cache with the remote: what push and pull would copy.`, `
reprodl status
reprodl status --why train
reprodl status --cloud -r storage
reprodl status --json`},
	"dag": {`
An arrow leads from a stage to the one that reads its outputs. A target shows what it depends
on; --full also what is connected otherwise.`, `
reprodl dag
reprodl dag --outs train
# a picture, and a chart for README.md
reprodl dag --dot
reprodl dag --md`},
	"freeze": {`
repro skips a frozen stage as if its inputs did not change, until unfreeze.`, `
reprodl freeze prepare
reprodl freeze data.dvc`},
	"unfreeze": {`
The next repro looks at the stage's inputs again.`, `
reprodl unfreeze prepare`},
	"metrics": {`
Metrics are numbers in JSON, YAML or TOML files that stages declare with -m or -M, or that
dvc.yaml lists under metrics.`, `
reprodl metrics show
reprodl metrics diff HEAD~1`},
	"metrics show": {`
Without targets it is all declared metrics, of the workspace or of each revision asked for.`, `
reprodl metrics show
reprodl metrics show --all-branches --md
reprodl metrics show --json summary.json`},
	"metrics diff": {`
A revision is a commit, a branch, a tag or an experiment. Without any, HEAD is compared with the
workspace; with one, that with the workspace.`, `
reprodl metrics diff
reprodl metrics diff main first_train --md
reprodl metrics diff --targets summary.json --precision 3`},
	"params": {`
Parameters are values of params.yaml, or of other YAML, JSON, TOML and Python files, that
stages declare with -p.`, `
reprodl params diff HEAD~1`},
	"params diff": {`
A revision is a commit, a branch, a tag or an experiment. Without any, HEAD is compared with the
workspace; with one, that with the workspace.`, `
reprodl params diff
reprodl params diff --deps main first_train
reprodl params diff --json HEAD~1`},
	"plots": {`
Plots are data files (JSON, YAML, CSV, TSV) and images that stages declare or that dvc.yaml
lists under plots.`, `
reprodl plots show
reprodl plots diff main`},
	"plots show": {`
Writes dvc_plots/index.html and prints its address. The page needs no network.`, `
reprodl plots show
reprodl plots show -o report logs/plots/metrics/train/loss.tsv
reprodl plots show -x step -y loss --title Training logs.csv
reprodl plots show --json`},
	"plots diff": {`
One page with the plots of all revisions, laid over each other or side by side. Without
revisions, HEAD is compared with the workspace.`, `
reprodl plots diff
reprodl plots diff main first_train --targets logs/plots
# an experiment and what it started from
reprodl plots diff -e first_train`},
	"plots modify": {`
The properties are written to the entry of the output in its dvc.yaml. An output that is no plot
becomes one.`, `
reprodl plots modify --title Loss -x step logs/loss.tsv
reprodl plots modify logs/loss.tsv --unset title x`},
	"plots templates": {`
A template is a Vega-Lite specification with places for the data and the names of its fields. A
copy in .dvc/plots can be changed and is chosen by its name with plots show -t.`, `
reprodl plots templates
reprodl plots templates confusion`},
}
