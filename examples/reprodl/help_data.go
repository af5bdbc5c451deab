package main

// dataDocs are the texts of what tracks, stores and moves files.
var dataDocs = map[string]doc{
	"add": {`
The content goes into the cache, a .dvc file that git keeps says which content it is, and
.gitignore keeps the data itself out of git. Adding a directory again hashes only the files that
changed. Remember to commit the .dvc files with git.`, `
reprodl add data/ESC-50
reprodl add --glob "data/*.csv"
# only record the hashes
reprodl add --no-commit data/raw.bin
# a copy of what lies elsewhere; or straight to the remote, without one
reprodl add --out raw s3://bucket/images
reprodl add --to-remote /mnt/share/big.tar`},
	"import": {`
The repository is a path, or whatever git clones from; it need not be a DVC repository. What is
fetched, and from which commit, is recorded in a .dvc file: update goes on to a later commit, and
pull fetches the data from there again. It is not pushed to this repository's own remote.`, `
reprodl import https://github.com/iterative/dataset-registry get-started/data.xml
reprodl import -o raw --rev v1.0 ../registry images
# only note where it is, pull fetches it
reprodl import --no-download ../registry model.bin
reprodl import ../registry data.csv --remote-config url=/mnt/mirror`},
	"import-url": {`
A copy of what lies at a path or a URL (http, https, s3, ssh, webdav, …, or remote://NAME/path for
what lies in a configured remote), with a .dvc file that records which state it is of: update asks
for a newer one. --fs-config takes options as those of a remote of that kind, and comes last.`, `
reprodl import-url https://example.com/data.csv
reprodl import-url /mnt/share/images raw
reprodl import-url --to-remote s3://bucket/big.tar
reprodl import-url s3://bucket/data.csv data.csv --fs-config endpointurl=http://127.0.0.1:9000`},
	"update": {`
Of imports from repositories it takes the newest commit of the revision that is recorded, or of
--rev; of others it asks whether the source has changed. What is up to date is left alone.`, `
reprodl update data.csv.dvc
reprodl update --rev v2.0 images.dvc
reprodl update -R data`},
	"remove": {`
Of a stage it removes the entry in dvc.yaml and dvc.lock, of tracked data the .dvc file, and for
both the lines in .gitignore. The files stay unless --outs is given; the cache is left to gc.`, `
reprodl remove data.dvc
reprodl remove --outs train`},
	"move": {`
The .dvc file is renamed and rewritten with the data. Outputs of stages cannot be moved: change
dvc.yaml and use commit.`, `
reprodl move data.csv raw.csv
reprodl mv data archive`},
	"commit": {`
For changes that are known to change no result, a comment in a program say: dvc.lock and the
.dvc files are brought up to date with the workspace without running anything. It asks before
it records changed dependencies, unless --force is given.`, `
reprodl commit
reprodl commit -f train
reprodl commit data.dvc`},
	"checkout": {`
After git switch or git checkout, it brings data and outputs back to what the .dvc files and
dvc.lock of that commit say. A file that is in no cache is not overwritten without --force. A
target may be a path inside of a tracked directory.`, `
reprodl checkout
reprodl checkout --summary data/labels.csv
reprodl checkout -f model.bin`},
	"unprotect": {`
Where the cache is linked into the workspace (cache.type), files are read-only so that an edit
does not change the cache. This makes copies of them, to be edited and added again.`, `
reprodl unprotect data/labels.csv`},
	"check-ignore": {`
Prints the paths that patterns of .dvcignore exclude. Exits with 1 if there are none.`, `
reprodl check-ignore data/tmp.txt
reprodl check-ignore -d data/a.log data/b.log
reprodl check-ignore --stdin -n -d`},
	"gc": {`
Says what to keep: at least one of the options for the workspace, branches, tags, commits or
experiments must be given. What none of these needs is removed for good. --dry only counts.`, `
reprodl gc --workspace --dry
# keep what any commit and experiment needs, don't ask
reprodl gc -A --all-experiments -f
# clean the remote, too
reprodl gc --all-branches --all-tags --cloud -r storage`},
	"data": {`
See "reprodl help data status".`, `
reprodl data status
reprodl data status --json`},
	"data status": {`
Where status asks what a repro would do, this looks at data as git status does at source files:
committed changes (HEAD to .dvc files and dvc.lock) and uncommitted ones (these to the files).`, `
reprodl data status
reprodl data status --granular data
reprodl data status --json --untracked-files all --not-in-remote`},
	"diff": {`
Without revisions the last commit is compared with the workspace, with one the workspace with it.
Directories have a final slash, and their files are listed, too; what is "not in cache" is data of
the older state that a pull would have to bring.`, `
reprodl diff
reprodl diff --hide-missing --show-hash v1.0
reprodl diff main experiment --targets data/labels.csv model.bin
reprodl diff --md HEAD~1`},
	"push": {`
Copies what the workspace's data needs, and the remote does not have, from the cache. Without
-r it is the default remote. What the targets do not say is all tracked data of the repository.`, `
reprodl push
reprodl push -r storage -j 8 data.dvc
# what all branches and experiments' tags need, with the results of earlier runs
reprodl push -a -T --run-cache`},
	"pull": {`
Is fetch and then checkout. Only what the cache does not have is copied, and every file is
checked against its hash.`, `
reprodl pull
reprodl pull data/labels.csv
reprodl pull -r storage train`},
	"fetch": {`
Leaves the workspace alone: checkout or pull bring the files there.`, `
reprodl fetch
reprodl fetch -A -r storage
reprodl fetch -d evaluate`},
	"remote": {`
A remote is a place outside of the repository to which push copies the cache. Its name and its
URL are in .dvc/config; keep passwords in .dvc/config.local (--local), which git ignores.`, `
reprodl remote add -d storage /mnt/dvc
reprodl remote list`},
	"remote add": {`
A remote is a directory, or has a URL with s3, ssh, webdav(s) or http(s). The path of a directory
may be relative; it is written relative to the configuration file. With --default, push, pull and
fetch use this remote where none is named.`, `
reprodl remote add -d storage /mnt/dvc
reprodl remote add bucket s3://bucket/dvc
reprodl remote add server ssh://user@example.com/srv/dvc
reprodl remote add --local backup ../backup`},
	"remote default": {`
Without a name it prints the default remote, which push, pull and fetch use.`, `
reprodl remote default
reprodl remote default storage
reprodl remote default --unset`},
	"remote list": {`
One line each, with the URL; the default remote is marked.`, `
reprodl remote list
reprodl remote list --global`},
	"remote modify": {`
Options are those of DVC for the kind of remote; others, and values that DVC would refuse, are
errors and nothing is written.`, `
reprodl remote modify storage url /mnt/other
reprodl remote modify --local storage verify true
reprodl remote modify --unset storage verify`},
	"remote remove": {`
Only the configuration changes; what is stored there stays. If it was the default remote, there
is none afterwards.`, `
reprodl remote remove backup`},
	"remote rename": {`
The default remote is renamed along.`, `
reprodl remote rename backup archive`},
}
